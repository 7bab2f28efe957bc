"""What the server lets an account do, what the doctor says of it, and the GRANT that is printed: it only ever adds."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import peewee
import pymysql
import pytest

from tests.support.addresses import ServerAddress
from tests.support.databases import LiveDatabase, fresh_on_server
from tests.support.servers import PrivateServer
from wch_peewee import DatabaseManager, MissingPrivileges
from wch_peewee.execution.session import read_session
from wch_peewee.install.doctor import diagnose
from wch_peewee.install.privileges import UPGRADE
from wch_peewee.models.namespace import our_names

pytestmark = pytest.mark.families("mysql", "mariadb")

#: One statement for each privilege, to be repeated in the site's database and in another one.
PROBES = {
    "SELECT": "SELECT 1 FROM {}.wp_posts",
    "INSERT": "INSERT INTO {}.wp_posts (id) VALUES (0)",
    "UPDATE": "UPDATE {}.wp_posts SET id = 1",
    "DELETE": "DELETE FROM {}.wp_posts",
    "CREATE": "CREATE TABLE IF NOT EXISTS {}.made (id int)",
    "ALTER": "ALTER TABLE {}.wp_posts COMMENT 'probe'",
    "INDEX": "CREATE INDEX probe ON {}.wp_posts (id)",
    "DROP": "DROP TABLE {}.dropped",
    "CREATE VIEW": "CREATE OR REPLACE VIEW {}.seen AS SELECT 1 AS one",
}
_DENIED = (1044, 1142)
#: As far as that, a statement was allowed: the index or table is there already, or not any more.
_DONE = (1061, 1051)

WORDPRESS = "SELECT, INSERT, UPDATE, DELETE"
#: The account's grants. ``plain`` is the name of the site's database, ``exact`` the same with escaped underscores;
#: ``early`` and ``late`` have one underscore escaped, ``start`` and ``begin`` are its beginning, escaped and not.
ARRANGEMENTS: dict[str, list[str]] = {
    "the exact name": [f"{WORDPRESS}, CREATE VIEW ON `{{exact}}`.*"],
    "a name whose _ is a wildcard": [f"{WORDPRESS}, CREATE VIEW ON `{{plain}}`.*"],
    "half of the wildcards are escaped": ["SELECT, INSERT, DROP ON `{early}`.*"],
    "a pattern": ["SELECT, INSERT, CREATE, CREATE VIEW ON `{start}%`.*"],
    "a pattern that begins with wildcards": ["SELECT, DROP ON `%`.*"],
    "everything, but on another database": ["ALL PRIVILEGES ON `{other}`.*", "SELECT ON `{exact}`.*"],
    "an exact name behind a pattern": ["ALL PRIVILEGES ON `{start}%`.*", "SELECT, CREATE VIEW ON `{exact}`.*"],
    "a wildcard behind a pattern": ["SELECT, CREATE ON `{start}%`.*", "INSERT, DROP ON `{plain}`.*"],
    "two patterns": ["SELECT, CREATE ON `{start}%`.*", "INSERT, ALTER ON `{begin}%`.*", "DROP ON `%`.*"],
    "two names alike": ["SELECT, CREATE, DROP ON `{plain}`.*", "SELECT, INSERT, DROP ON `{late}`.*"],
    "two names alike, in the other order": ["SELECT, INSERT ON `{late}`.*", "ALL PRIVILEGES ON `{plain}`.*"],
    "everywhere": ["SELECT, INSERT, CREATE VIEW ON *.*"],
    "everywhere and here": ["INDEX ON *.*", "SELECT, CREATE ON `{plain}`.*"],
    "everywhere but one": ["SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, REFERENCES, DROP ON *.*"],
    "a table": [f"{WORDPRESS} ON `{{plain}}`.wp_posts", "SELECT (id) ON `{plain}`.made"],
    "a table and a pattern": ["DELETE, ALTER ON `{plain}`.wp_posts", "SELECT, CREATE ON `{begin}%`.*"],
}
#: Grants of a role, and of the account itself.
ROLES: dict[str, tuple[list[str], list[str]]] = {
    "all of it": ([f"{WORDPRESS} ON `{{plain}}`.*"], []),
    "beside the account": (["INSERT, DROP ON `{start}%`.*"], ["SELECT, CREATE VIEW ON `{plain}`.*"]),
    "more exact than the account": (["INSERT, DROP ON `{exact}`.*"], ["SELECT, CREATE VIEW ON `%`.*"]),
    "everywhere": (["INSERT, DROP ON *.*"], ["SELECT, CREATE VIEW ON `{exact}`.*"]),
}


class Site:
    """A database with a table of WordPress, another one beside it, and an account with grants for both."""

    def __init__(self, database: LiveDatabase, user: str) -> None:
        self.database, self.user = database, user
        self.here, self.elsewhere = (f"{quoted(user)}@'{host}'" for host in ("localhost", "%"))
        name = database.name
        head, _, tail = name.rpartition("_")
        self.other = f"{head}X{tail}"
        exact = name.replace("_", "\\_")
        self._names = {
            "plain": name,
            "exact": exact,
            "early": name.replace("_", "\\_", 1),
            "late": f"{head}\\_{tail}",
            "start": exact[: exact.rindex("\\")],
            "begin": head,
            "other": self.other,
        }

    def run(self, sql: str) -> None:
        self.database.execute(sql.format(**self._names).replace("%", "%%"))

    def grant(self, grants: list[str], *people: str) -> None:
        for person in people:
            for each in grants:
                self.run(f"GRANT {each} TO {person}")

    @property
    def address(self) -> ServerAddress:
        return replace(self.database.address, user=self.user, password="")

    @property
    def manager(self) -> DatabaseManager:
        return DatabaseManager(self.address.url(self.database.name))

    def allowed(self, *databases: str) -> set[tuple[str, str]]:
        """Return what a new connection of the account may do, as pairs of privilege and database."""
        for name in databases:
            self.database.execute(f"CREATE TABLE IF NOT EXISTS `{name}`.dropped (id int)")
        allowed = set()
        with self.address.connection() as connection, connection.cursor() as cursor:
            for privilege, sql in PROBES.items():
                for name in databases:
                    try:
                        cursor.execute(sql.format(f"`{name}`"))
                    except pymysql.Error as error:
                        if error.args[0] in _DENIED:
                            continue
                        if error.args[0] not in _DONE:
                            raise
                    allowed.add((privilege, name))
        return allowed

    def states(self) -> dict[str, str]:
        return {finding.name: finding.state for finding in diagnose(self.manager) if "privileges" in finding.name}

    def check(self) -> None:
        """Check that the verdict is the server's, and that what is printed helps, and takes nothing away."""
        name = self.database.name
        before = self.allowed(name, self.other)
        with read_session(self.manager.database, our_names("wp_")) as context:
            account = context.privileges()
        assert account is not None
        here = {privilege for privilege, where in before if where == name} & (set(PROBES) - {"CREATE VIEW"})
        on_tables = any(f"ON `{name}`.`" in line for line in self.shown())
        assert account.held & set(PROBES) <= here <= account.held | account.unsure or on_tables

        if (
            account.missing(UPGRADE) and "SELECT" in account.held
        ):  # without it, installing gets no further than to the version
            with pytest.raises(MissingPrivileges) as caught:
                self.manager.install()
            assert set(caught.value.missing).isdisjoint(here) or on_tables
            self.run(caught.value.grant)
            assert self.states()["privileges"] == "ok"
            assert before <= self.allowed(name, self.other)
        for finding in diagnose(self.manager):
            for grant in re.findall("GRANT .*?;", finding.advice):
                self.run(grant)
        assert set(self.states().values()) == {"ok"}
        assert self.manager.install().outcome in ("installed", "current")
        assert before <= self.allowed(name, self.other)

    def shown(self) -> list[str]:
        with self.address.connection() as connection, connection.cursor() as cursor:
            cursor.execute("SHOW GRANTS")
            return [str(line) for (line,) in cursor.fetchall()]


def drop(database: LiveDatabase, kind: str, *names: str) -> None:
    for name in names:
        with suppress(Exception):
            database.execute(f"DROP {kind} {name}".replace("%", "%%"))


@pytest.fixture
def site(database: LiveDatabase) -> Iterator[Site]:
    with made(database, f"wch_test_{secrets.token_hex(4)}") as site:
        yield site


@contextmanager
def made(database: LiveDatabase, user: str) -> Iterator[Site]:
    site = Site(database, user)
    database.execute(f"CREATE DATABASE `{site.other}`")
    try:
        for name in (database.name, site.other):
            database.execute(f"CREATE TABLE `{name}`.wp_posts (id int)")
            database.execute(f"CREATE TABLE `{name}`.made (id int)")
        for person in (site.here, site.elsewhere):
            site.run(f"CREATE USER {person}")
        yield site
    finally:
        drop(database, "DATABASE", f"`{site.other}`")
        drop(database, "USER", site.here, site.elsewhere)


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@pytest.mark.parametrize("grants", ARRANGEMENTS.values(), ids=ARRANGEMENTS)
def test_what_is_missing_is_added_to_what_is_there(site: Site, grants: list[str]) -> None:
    site.grant(grants, site.here, site.elsewhere)
    site.check()


@pytest.mark.parametrize(("role", "own"), ROLES.values(), ids=ROLES)
def test_what_is_missing_is_added_to_a_role_s_privileges(site: Site, role: list[str], own: list[str]) -> None:
    roles = [quoted(f"{site.user}_{number}") for number in (1, 2)]
    try:
        for name in roles:
            site.run(f"CREATE ROLE {name}")
        site.run(f"GRANT {roles[1]} TO {roles[0]}")
        site.grant(role, roles[1])
        site.grant(own, site.here, site.elsewhere)
        for person in (site.here, site.elsewhere):
            site.run(f"GRANT {roles[0]} TO {person}")
            site.run(f"SET DEFAULT ROLE {roles[0]} {'FOR' if site.database.family == 'mariadb' else 'TO'} {person}")
        site.check()
    finally:
        drop(site.database, "ROLE", *roles)


@pytest.mark.parametrize("user", ["wch_test_", "o'hara "])
def test_a_role_that_a_run_does_not_have_is_told(database: LiveDatabase, user: str) -> None:
    with made(database, user + secrets.token_hex(3)) as site:
        role, other = (quoted(f"{site.user}_{number}") for number in (1, 2))
        address = site.address
        arguments = {"host": address.host, "port": address.port, "user": site.user, "password": ""}
        by_hand = peewee.MySQLDatabase(database.name, **arguments)
        at_first = peewee.MySQLDatabase(database.name, **arguments, init_command=f"SET ROLE {role}")
        try:
            site.grant(["SELECT ON `{plain}`.*"], site.here, site.elsewhere)
            with pytest.raises(MissingPrivileges) as caught:
                site.manager.install()
            assert "ROLE" not in str(caught.value)
            for name in (role, other):
                site.run(f"CREATE ROLE {name}")
                site.run(f"GRANT {name} TO {site.here}")
                site.run(f"GRANT {name} TO {site.elsewhere}")
            site.grant(["ALL PRIVILEGES ON `{plain}`.*"], role)
            by_hand.connect()
            by_hand.execute_sql(f"SET ROLE {role}")
            with pytest.raises(MissingPrivileges, match="A role that the application sets itself") as caught:
                DatabaseManager(by_hand).install()
            (advice,) = (
                finding.advice for finding in diagnose(DatabaseManager(by_hand)) if finding.name == "privileges"
            )
            # Sent first, it is there in the run.
            assert DatabaseManager(at_first).install().outcome == "installed"
            assert DatabaseManager(at_first, remove_data=True).uninstall().removed
            statements = re.findall(r"SET DEFAULT ROLE .*?;", str(caught.value))
            assert statements == re.findall(r"SET DEFAULT ROLE .*?;", advice)
            assert len(statements) == (2 if database.family == "mariadb" else 1)
            site.run(next(each for each in statements if role in each or " ALL " in each))
            assert DatabaseManager(by_hand).install().outcome == "installed"
        finally:
            by_hand.close()
            drop(database, "ROLE", role, other)


def test_privileges_that_the_account_cannot_see_are_kept(site: Site) -> None:
    """A grant to the user at any host is good for one at localhost, too, as long as that has none of its own."""
    site.grant(["SELECT, INSERT, CREATE VIEW ON `{start}%`.*"], site.elsewhere)
    site.check()


@pytest.mark.parametrize("user", ["o'hara", '\\b "d` %c @h'])
def test_any_name_of_an_account(database: LiveDatabase, user: str) -> None:
    with made(database, user + secrets.token_hex(3)) as site:
        site.grant(["SELECT, CREATE VIEW ON `{plain}`.*"], site.here, site.elsewhere)
        site.check()


@pytest.mark.families("mysql")
@pytest.mark.parametrize(
    "grants",
    [
        ["SELECT, CREATE VIEW ON `{plain}`.*", "ALL PRIVILEGES ON `{exact}`.*"],
        ["ALL PRIVILEGES ON `{start}%`.*", "SELECT ON `%`.*", "INSERT, INDEX ON *.*"],
        ["SELECT, INSERT, CREATE, DROP ON *.*", "UPDATE ON `{plain}`.*"],
    ],
)
def test_partial_revokes_make_wildcards_plain_characters(own_server: PrivateServer, grants: list[str]) -> None:
    with own_server.address.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL partial_revokes = ON")
    user = f"wch_test_{secrets.token_hex(4)}"
    with fresh_on_server("own", "mysql", own_server.address) as database, made(database, user) as site:
        site.grant(grants, site.here, site.elsewhere)
        for person in (site.here, site.elsewhere):
            if " ON *.*" in grants[0]:
                site.run(f"REVOKE INSERT, DROP ON `{{plain}}`.* FROM {person}")
        site.check()
