"""SHOW GRANTS in the servers' formats, and the privileges known from it for the current database."""

from __future__ import annotations

import pytest

from wch_peewee.install.privileges import REMOVAL, UPGRADE
from wch_peewee.schema.dialect import Privileges
from wch_peewee.schema.mysql.dialect import MySQLDialect
from wch_peewee.schema.mysql.server import EVERYTHING

TO = "TO `wp`@`%`"
USAGE = f"GRANT USAGE ON *.* {TO}"
PASSWORD = "IDENTIFIED BY PASSWORD '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'"


def read(
    *grants: str,
    flavor: str = "mysql",
    database: str = "shop",
    role: str | None = None,
    user: str = "wp@%",
    literal: int = 0,
    fold_names: bool = False,
) -> Privileges:
    answers = [[(database, role, user, literal)], [(grant,) for grant in grants]]
    dialect = MySQLDialect(flavor, (9, 7), fold_names=fold_names)
    return dialect.read_privileges(answers, ["wp_wch_a", "wp_wch_b"], "wp_options")


def held(*grants: str, database: str = "shop", role: str | None = None, literal: int = 0) -> frozenset[str]:
    return read(*grants, database=database, role=role, literal=literal).held


KNOWN = {
    "nothing": ([USAGE], set()),
    "everything here": ([USAGE, f"GRANT ALL PRIVILEGES ON `shop`.* {TO}"], EVERYTHING),
    "everything everywhere": ([f"GRANT ALL PRIVILEGES ON *.* {TO} {PASSWORD} WITH GRANT OPTION"], EVERYTHING),
    "some here": ([USAGE, f"GRANT SELECT, INSERT, CREATE ON `shop`.* {TO}"], {"SELECT", "INSERT", "CREATE"}),
    "some here and some everywhere": (
        [f"GRANT SELECT ON *.* {TO}", f"GRANT INDEX, ALTER ON `shop`.* {TO}"],
        {"SELECT", "INDEX", "ALTER"},
    ),
    "words of two words": (
        [f"GRANT SELECT, CREATE TEMPORARY TABLES, LOCK TABLES ON `shop`.* {TO}"],
        {"SELECT"},
    ),
    "another database": ([USAGE, f"GRANT ALL PRIVILEGES ON `other`.* {TO}"], set()),
    "a longer name": ([f"GRANT ALL PRIVILEGES ON `shop2`.* {TO}"], set()),
    "a proxy, as root has it": ([USAGE, "GRANT PROXY ON ''@'' TO 'root'@'localhost' WITH GRANT OPTION"], set()),
    "dynamic ones of MySQL": (
        [f"GRANT APPLICATION_PASSWORD_ADMIN,AUDIT_ADMIN ON *.* {TO}", f"GRANT DROP ON `shop`.* {TO}"],
        {"DROP"},
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


def test_with_partial_revokes_no_character_is_a_wildcard() -> None:
    for pattern, names in (("my_shop", ["my_shop"]), (r"my\_shop", []), ("my%", [])):
        grant = f"GRANT DROP ON `{pattern}`.* {TO}"
        assert [n for n in ("my_shop", "myXshop") if held(grant, database=n, literal=1)] == names
    assert read(USAGE, f"GRANT DROP ON `x`.`y` {TO}", database="my_shop", literal=1).target == "`my_shop`.* TO 'wp'@'%'"


#: The grants in the order of SHOW GRANTS, the flavor and the role: (the patterns of which one is in force, all of them)
IN_FORCE = {
    "MariaDB, the first": ("mariadb", None, ["my\\_sho_", "my_shop"], ["my\\_sho_"]),
    "MySQL, the last wildcard": ("mysql", None, ["%", "my%", "my\\_s%", "my_shop"], ["my\\_s%"]),
    "MySQL, no wildcard": ("mysql", "NONE", ["my\\_s%", "my\\_shop", "my_shop"], ["my\\_shop"]),
    "MySQL, two alike": ("mysql", "NONE", ["%", "my%", "my_shop"], ["my%", "my_shop"]),
    "MySQL with a role, the first": ("mysql", "`r`@`%`", ["my%", "my\\_shop"], ["my%"]),
}


@pytest.mark.parametrize(("flavor", "role", "patterns", "expected"), IN_FORCE.values(), ids=IN_FORCE)
def test_of_several_grants_one_is_in_force(flavor: str, role: str, patterns: list[str], expected: list[str]) -> None:
    rights = dict(zip(patterns, ("SELECT", "DROP", "ALTER", "INDEX"), strict=False))
    grants = [f"GRANT {right}, INSERT ON `{pattern}`.* {TO}" for pattern, right in rights.items()]
    found = read(*grants, flavor=flavor, role=role, database="my_shop")
    perhaps = {rights[pattern] for pattern in expected}
    assert found.held | found.unsure == {"INSERT", *perhaps}
    if len(expected) == 1:
        assert (found.unsure, found.target) == (frozenset(), f"`{expected[0]}`.* TO 'wp'@'%'")
        assert found.grant(["INSERT", "CREATE"]) == f"GRANT CREATE ON {found.target};"
    else:
        assert (found.unsure, found.target) == (perhaps, "`my\\_shop`.* TO 'wp'@'%'")
        words = ", ".join(["CREATE", *sorted({"INSERT", *perhaps})])
        assert found.grant(["INSERT", "CREATE"]) == f"GRANT {words} ON {found.target};"
    assert found.missing(["CREATE", "INSERT", *perhaps]) == ("CREATE",)


def test_with_a_role_of_mysql_a_name_without_wildcards_comes_first() -> None:
    grants = [f"GRANT SELECT ON `shop`.* {TO}", f"GRANT DROP ON `s%`.* {TO}"]
    assert held(*grants, role="`r`@`%`") == held(*reversed(grants), role="`r`@`%`") == {"SELECT"}


def test_on_mariadb_the_account_its_roles_and_public_have_one_each() -> None:
    grants = [
        f"GRANT SELECT ON `shop`.* {TO}",
        f"GRANT DROP ON `%`.* {TO}",
        "GRANT `r` TO `wp`@`%`",
        "GRANT INSERT ON `s%`.* TO `r`",
        "GRANT DROP ON `s%`.* TO PUBLIC",
        "GRANT ALTER ON `%`.* TO PUBLIC",
    ]
    found = read(*grants, flavor="mariadb", role="r")
    assert (found.held, found.unsure, found.target) == ({"SELECT", "INSERT", "DROP"}, set(), "`shop`.* TO 'wp'@'%'")
    # Which of two roles' grants is in force cannot be told.
    found = read(*grants, "GRANT INSERT, ALTER, INDEX ON `sh%`.* TO `r2`", flavor="mariadb", role="r")
    assert (found.held, found.unsure) == ({"SELECT", "INSERT", "DROP"}, {"ALTER", "INDEX"})


@pytest.mark.parametrize("quote", ["`", '"', ""])
def test_the_quotes_are_the_session_s(quote: str) -> None:
    shop, to = (text.replace("`", quote) for text in ("`shop`", TO))
    assert held(f"GRANT SELECT, DROP ON {shop}.* {to} WITH GRANT OPTION") == {"SELECT", "DROP"}


def test_privileges_on_tables_count_where_each_of_ours_has_them() -> None:
    tables = ["wp_wch_a", "wp_wch_b", "wp_options"]
    grants = [f"GRANT SELECT (`a`, `b`), INSERT, UPDATE (`a`), DELETE ON `shop`.`{name}` {TO}" for name in tables]
    assert held(USAGE, *grants, f"GRANT SELECT, ALTER ON `shop`.`wp_wch_a` {TO}") == {"INSERT", "DELETE"}
    grants += [f"GRANT ALTER, CREATE ON `shop`.`{name}` {TO}" for name in tables[:2]]
    assert held(USAGE, *grants) == {"INSERT", "DELETE", "ALTER", "CREATE"}  # the options table needs no ALTER
    assert held(USAGE, *(grant.replace("`shop`", "`sho_`") for grant in grants)) == set()


def test_a_grant_that_is_not_shown_may_give_anything() -> None:
    found = read(USAGE, user="@localhost")
    assert (found.held, found.unsure, found.missing(UPGRADE)) == (set(), EVERYTHING, ())
    assert found.grant(UPGRADE) == "GRANT ALL PRIVILEGES ON `shop`.* TO ''@'localhost';"
    assert read(USAGE, f"GRANT SELECT ON `shop`.`t` {TO}").missing(["SELECT", "DROP"]) == ("SELECT", "DROP")


def test_names_that_the_server_keeps_in_lower_case() -> None:
    assert read(f"GRANT DROP ON `sh%`.* {TO}", database="Shop", fold_names=True).held == {"DROP"}
    assert read(f"GRANT DROP ON `sh%`.* {TO}", database="Shop").held == set()


@pytest.mark.parametrize("role", [None, "NONE", ""])
def test_no_role_is_said_in_three_ways(role: str | None) -> None:
    assert held(f"GRANT DROP ON `%`.* {TO}", f"GRANT SELECT ON `s%`.* {TO}", role=role) == {"SELECT"}


def test_everything_is_enough_for_all_that_is_ever_asked() -> None:
    assert set(UPGRADE) | set(REMOVAL) <= EVERYTHING


def test_old_versions_of_mysql_have_no_partial_revokes() -> None:
    told = [
        ("@@partial_revokes" in MySQLDialect(*server).privileges()[0].sql)
        for server in (("mysql", (8, 0, 16)), ("mysql", (8, 0, 15)), ("mariadb", (11, 8, 9)))
    ]
    assert told == [True, False, False]
