"""SHOW GRANTS in the servers' formats, and the privileges known from it for the current database."""

from __future__ import annotations

import pytest

from wch_peewee.install.inspection import REMOVAL, UPGRADE
from wch_peewee.schema.mysql.server import EVERYTHING
from wch_peewee.schema.mysql.server import PRIVILEGE_QUERIES as QUERIES
from wch_peewee.schema.mysql.server import read_privileges as read

TO = "TO `wp`@`%`"
USAGE = f"GRANT USAGE ON *.* {TO}"
PASSWORD = "IDENTIFIED BY PASSWORD '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'"


def held(*grants: str, database: str = "shop", role: str | None = None) -> frozenset[str] | None:
    return read([[(database, role)], [(grant,) for grant in grants]])


KNOWN = {
    "nothing": ([USAGE], set()),
    "no grants at all": ([], set()),
    "everything here": ([USAGE, f"GRANT ALL PRIVILEGES ON `shop`.* {TO}"], EVERYTHING),
    "everything everywhere": ([f"GRANT ALL PRIVILEGES ON *.* {TO} {PASSWORD} WITH GRANT OPTION"], EVERYTHING),
    "some here": ([USAGE, f"GRANT SELECT, INSERT, CREATE ON `shop`.* {TO}"], {"SELECT", "INSERT", "CREATE"}),
    "some here and some everywhere": (
        [f"GRANT SELECT ON *.* {TO}", f"GRANT INDEX, ALTER ON `shop`.* {TO}"],
        {"SELECT", "INDEX", "ALTER"},
    ),
    "words of two words": (
        [f"GRANT SELECT, CREATE TEMPORARY TABLES, LOCK TABLES ON `shop`.* {TO}"],
        {"SELECT", "CREATE TEMPORARY TABLES", "LOCK TABLES"},
    ),
    "another database": ([USAGE, f"GRANT ALL PRIVILEGES ON `other`.* {TO}"], set()),
    "a longer name": ([f"GRANT ALL PRIVILEGES ON `shop2`.* {TO}"], set()),
    "a proxy, as root has it": ([USAGE, "GRANT PROXY ON ''@'' TO 'root'@'localhost' WITH GRANT OPTION"], set()),
    "dynamic ones of MySQL": (
        [f"GRANT APPLICATION_PASSWORD_ADMIN,AUDIT_ADMIN ON *.* {TO}", f"GRANT DROP ON `shop`.* {TO}"],
        {"APPLICATION_PASSWORD_ADMIN", "AUDIT_ADMIN", "DROP"},
    ),
    "partly taken back, as MySQL can": (
        [f"GRANT SELECT, INSERT, DROP ON *.* {TO}", "REVOKE INSERT, DROP ON `shop`.* FROM `wp`@`%`"],
        {"SELECT"},
    ),
    "taken back elsewhere": (
        [f"GRANT SELECT, DROP ON *.* {TO}", "REVOKE DROP ON `mysql`.* FROM `wp`@`%`"],
        {"SELECT", "DROP"},
    ),
}


@pytest.mark.parametrize(("grants", "expected"), KNOWN.values(), ids=KNOWN)
def test_what_is_granted(grants: list[str], expected: set[str]) -> None:
    assert held(*grants) == expected


#: grant's database as printed: (databases it is good for, databases it is not)
PATTERNS = {
    "`shop`": (["shop"], ["shopp", "Xshop"]),
    r"`my\_shop`": (["my_shop"], ["myXshop"]),
    "`my_shop`": (["my_shop", "myXshop"], ["my__shop"]),
    "`my%`": (["my", "my_shop", "my.shop"], ["amy"]),
    r"`50\%`": (["50%"], ["500"]),
    "`a.b*[c]`": (["a.b*[c]"], ["aXb*[c]", "a.bbc"]),
    "`we``ird`": (["we`ird"], ["weird"]),
}


@pytest.mark.parametrize(("pattern", "good", "bad"), [(key, *value) for key, value in PATTERNS.items()], ids=PATTERNS)
def test_the_wildcards_of_a_grant(pattern: str, good: list[str], bad: list[str]) -> None:
    grant = f"GRANT DROP ON {pattern}.* {TO}"
    assert [held(grant, database=name) for name in good] == [{"DROP"}] * len(good)
    assert [held(grant, database=name) for name in bad] == [frozenset()] * len(bad)


UNKNOWN = {
    "an active role on MySQL": ([USAGE, "GRANT `editor`@`%` TO `wp`@`%`"], "`editor`@`%`"),
    "an active role on MariaDB": ([USAGE, "GRANT `editor` TO `wp`@`%`"], "editor"),
    "rights on single tables": ([USAGE, f"GRANT SELECT, INSERT ON `shop`.`wp_options` {TO}"], None),
    "rights on single columns": ([USAGE, f"GRANT SELECT (`a`, `b`) ON `shop`.`wp_options` {TO}"], "NONE"),
}


@pytest.mark.parametrize(("grants", "role"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_cannot_be_told_is_unknown_and_not_missing(grants: list[str], role: str | None) -> None:
    assert held(*grants, role=role) is None
    assert held(*grants, f"GRANT ALL PRIVILEGES ON `shop`.* {TO}", role=role) == EVERYTHING


@pytest.mark.parametrize("role", [None, "NONE", ""])
def test_no_role_is_said_in_three_ways(role: str | None) -> None:
    assert held(f"GRANT DROP ON `shop`.* {TO}", role=role) == {"DROP"}


def test_rights_on_another_database_s_table_leave_no_doubt() -> None:
    assert held(USAGE, f"GRANT SELECT ON `other`.`t` {TO}") == set()


def test_everything_is_enough_for_all_that_is_ever_asked() -> None:
    assert set(UPGRADE) | set(REMOVAL) <= EVERYTHING


def test_two_questions_are_asked() -> None:
    assert [query.params for query in QUERIES] == [(), ()]
    assert QUERIES[1].sql == "SHOW GRANTS"
