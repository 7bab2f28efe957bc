"""The doctor on every engine: no findings on a healthy site, and the right ones on others."""

from __future__ import annotations

import re
from pathlib import Path

import peewee
import pytest

from tests.support.accounts import account
from tests.support.databases import LiveDatabase
from tests.support.servers import PrivateServer
from wch_peewee import DatabaseManager
from wch_peewee.install.doctor import Diagnosis, diagnose
from wch_peewee.models.namespace import our_names

EVERYTHING = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES, DROP"


def findings(database: str) -> dict[str, Diagnosis]:
    found = diagnose(DatabaseManager(database))
    assert len({finding.name for finding in found}) == len(found)
    assert all(finding.advice for finding in found if finding.state != "ok")
    return {finding.name: finding for finding in found}


def test_a_healthy_database_and_not_a_byte_written(database: LiveDatabase) -> None:
    for _ in range(2):
        with database.statements() as seen:
            found = findings(database.url)
        assert seen.writes == []
        assert {finding.state for finding in found.values()} == {"ok"}
        DatabaseManager(database.url).install()
    assert {"version"} < set(found)


@pytest.mark.families("sqlite")
def test_a_file_that_is_not_there_is_not_made(database: LiveDatabase, tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    assert findings(f"sqlite:///{path}")["file"].state == "ok"
    assert not path.exists()
    path.write_text("no database " * 100)
    assert findings(f"sqlite:///{path}")["connection"].state == "fail"


@pytest.mark.families("sqlite")
def test_an_application_that_does_not_enforce_its_foreign_keys(database: LiveDatabase) -> None:
    found = diagnose(DatabaseManager(peewee.SqliteDatabase(str(database.path))))
    assert {finding.name: finding.state for finding in found}["foreign keys"] == "warn"


@pytest.mark.families("mysql", "mariadb")
def test_where_the_site_is_missing_wch_does_not_make_its_options(database: LiveDatabase) -> None:
    manager = DatabaseManager(database.url, prefix="gone_")
    manager.needs_site = True
    (found,) = (finding for finding in diagnose(manager) if finding.name == "options table")
    assert (found.state, "table gone_options does not exist" in found.found) == ("fail", True)


@pytest.mark.families("mysql", "mariadb")
def test_an_unreachable_server_is_a_finding(database: LiveDatabase) -> None:
    (finding,) = diagnose(DatabaseManager(database.address.url("wch_test_no_such_database")))
    assert (finding.name, finding.state) == ("connection", "fail")


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(
    ("missing", "name", "state"),
    [
        ("CREATE", "privileges", "fail"),
        ("REFERENCES", "privileges", "fail"),
        ("UPDATE", "privileges", "fail"),
        ("DROP", "privileges to remove", "warn"),
    ],
)
def test_a_missing_privilege_comes_with_its_grant(database: LiveDatabase, missing: str, name: str, state: str) -> None:
    rights = ", ".join(right for right in EVERYTHING.split(", ") if right != missing)
    with account(database, rights) as limited:
        found = findings(limited.url(database.name))
    assert (found[name].state, f"lacks {missing}" in found[name].found) == (state, True)
    assert f"GRANT {missing} ON " in found[name].advice
    assert [finding.name for finding in found.values() if finding.state != "ok"] == [name]


@pytest.mark.families("mysql", "mariadb")
def test_rights_on_single_tables_count_if_they_are_on_each_of_ours(database: LiveDatabase) -> None:
    DatabaseManager(database.url).install()
    with account(database, "SELECT, INSERT, UPDATE, CREATE, INDEX, REFERENCES, DELETE, DROP") as limited:
        states = []
        for table in our_names("wp_").owned:
            states.append(findings(limited.url(database.name))["privileges"].state)
            for host in ("localhost", "%%"):
                database.execute(f"GRANT ALTER ON `{database.name}`.{table} TO '{limited.user}'@'{host}'")
        assert set(states) == {"fail"}
        assert findings(limited.url(database.name))["privileges"].state == "ok"


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "latin1_swedish_ci", "utf8mb3_general_ci"])
def test_tables_that_do_not_fit_the_site(database: LiveDatabase, collation: str) -> None:
    """The statements that are printed give the tables that a new installation has: no wider text, no other JSON."""
    manager = DatabaseManager(database.url, prefix="1e1_")  # without quotes not every server reads it as a name
    manager.install()
    names = [name for name in our_names("1e1_").owned if "history" not in name]
    database.execute("ALTER TABLE `1e1_wch_carts` ADD COLUMN token varchar(20) CHARACTER SET ascii COLLATE ascii_bin")
    before = [created(database, name) for name in names]
    texts = {"1e1_wch_carts": "coupon_code varchar(50)", "1e1_wch_sync_queue": "error_message text"}
    for name, column in texts.items():
        words = f"CHARACTER SET {collation.partition('_')[0]} COLLATE {collation}"
        database.execute(f"ALTER TABLE `{name}` DEFAULT {words}, MODIFY {column} {words} NULL, ENGINE=MyISAM")
    statements = re.findall("ALTER TABLE .*?;", " ".join(map(str, manager.plan().plan.refusals)))
    assert len(statements) == 4
    for statement in statements:
        database.execute(statement)
    assert [created(database, name) for name in names] == before
    assert manager.plan().plan.refusals == ()


def created(database: LiveDatabase, name: str) -> str:
    # MySQL remembers that a column's charset was named.
    return str(database.execute(f"SHOW CREATE TABLE `{name}`")[0][1]).replace(" CHARACTER SET utf8mb4", "")


@pytest.mark.families("mysql", "mariadb")
def test_a_site_that_cannot_hold_emoji(database: LiveDatabase) -> None:
    database.execute(
        "CREATE TABLE wp_options (option_name varchar(191) CHARACTER SET latin1 COLLATE latin1_swedish_ci)"
    )
    found = findings(database.url)["collation"]
    assert (found.state, "latin1 cannot hold emoji" in found.advice) == ("warn", True)


def test_settings_of_the_whole_server(private_server: PrivateServer) -> None:
    with private_server.address.connection() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE doctor")
        cursor.execute("SET GLOBAL sql_mode = '', GLOBAL read_only = 1")
    found = findings(private_server.address.url("doctor"))
    assert {name for name, finding in found.items() if finding.state != "ok"} == {"strictness", "writable"}


def damaged(path: Path, kind: str) -> None:
    """Damage an installed database: its header, a page, its end, the text of its schema."""
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    match kind:
        case "header":
            content[:16] = b"no such database"
        case "page":
            content[2 * size : 3 * size] = bytes(range(256)) * (size // 256)
        case "end":
            del content[len(content) // 2 :]
        case "schema":
            content = bytearray(bytes(content).replace(b"CREATE TABLE", b"CRATE  TABLE"))
    path.write_bytes(content)


@pytest.mark.families("sqlite")
@pytest.mark.parametrize("kind", ["header", "page", "end", "schema", "folder"])
def test_a_damaged_file_is_a_failure_in_words(kind: str, tmp_path: Path, engine: object) -> None:
    path = tmp_path / "sick.db"
    if kind == "folder":
        path.mkdir()
    else:
        DatabaseManager(f"sqlite:///{path}").install()
        damaged(path, kind)
    (finding,) = (found for found in findings(f"sqlite:///{path}").values() if found.state == "fail")
    assert finding.name in ("file", "connection")
    assert str(path) in finding.found
    assert "Error" not in finding.found


@pytest.mark.families("sqlite")
def test_what_is_in_the_journal_belongs_to_the_file(database: LiveDatabase) -> None:
    """Changes that are in the WAL alone, of a writer that has not ended, are no damage."""
    DatabaseManager(database.url).install()
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("UPDATE wp_options SET option_value = '0.9.0' WHERE option_name = 'wch_db_version'")
    assert Path(f"{database.path}-wal").stat().st_size
    assert {finding.state for finding in findings(database.url).values()} == {"ok"}
