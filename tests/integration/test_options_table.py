"""WordPress's options table as imports and plugins for speed leave it: without its keys, or not what it should be."""

from __future__ import annotations

import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.snapshots import snapshot
from wch_peewee import DatabaseManager, Plugin, SchemaConflict, SchemaTooNew

NAMES = "option_name, option_value, autoload"

#: By name: the columns and keys of the table.
TABLES = {
    "as WordPress makes it": "option_id {number}, {rest}, UNIQUE (option_name)",
    "no unique name": "option_id {number}, {rest}",
    "the name is the primary key": "option_id bigint NOT NULL, {rest}, PRIMARY KEY (option_name)",
    "no number": "option_id bigint NOT NULL, {rest}, PRIMARY KEY (option_id), UNIQUE (option_name)",
    "a number of 0": "option_id bigint NOT NULL DEFAULT 0, {rest}, PRIMARY KEY (option_id)",
    "no keys": "option_id bigint NOT NULL, {rest}",
    "no id": "{rest}, UNIQUE (option_name)",
}
REST = "option_name varchar(191) NOT NULL DEFAULT '', option_value {text} NOT NULL, autoload varchar(20) NOT NULL"


def make(database: LiveDatabase, columns: str) -> None:
    number, text = ("bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY", "longtext")
    if database.family == "sqlite":
        number, text = "integer PRIMARY KEY", "text"
    database.execute(f"CREATE TABLE wp_options ({columns.format(number=number, rest=REST.format(text=text))})")
    options = "option_id, " if "option_id" in columns else ""
    value = "1, " if options else ""
    database.execute(f"INSERT INTO wp_options ({options}{NAMES}) VALUES ({value}'siteurl', 'x', 'yes')")


def versions(database: LiveDatabase) -> list[str]:
    return [
        row[0] for row in database.execute("SELECT option_value FROM wp_options WHERE option_name = 'wch_db_version'")
    ]


@pytest.mark.parametrize("columns", TABLES.values(), ids=TABLES)
def test_the_version_is_one_row_whatever_the_keys(database: LiveDatabase, columns: str) -> None:
    make(database, columns)
    assert Plugin(database.url).activate().outcome == "installed"
    for _ in range(2):
        plugin = Plugin(database.database)
        assert (plugin.activate().outcome, plugin.admin_init().outcome) == ("current", "current")
    assert versions(database) == ["1.0.0"]
    database.execute("UPDATE wp_options SET option_value = '0.9.0' WHERE option_name = 'wch_db_version'")
    assert Plugin(database.database).admin_init().outcome == "upgraded"
    assert versions(database) == ["1.0.0"]
    DatabaseManager(database.url, remove_data=True).uninstall()
    assert database.execute("SELECT option_name FROM wp_options") == [("siteurl",)]


@pytest.mark.parametrize(
    ("stored", "outcome", "left"),
    [(("", "0.9.0"), "upgraded", ["1.0.0", "1.0.0"]), (("1.0.0", "0.9.0"), "current", ["1.0.0", "0.9.0"])],
)
def test_the_highest_of_several_versions_counts(
    database: LiveDatabase, stored: tuple[str, ...], outcome: str, left: list[str]
) -> None:
    make(database, TABLES["no unique name"])
    Plugin(database.url).activate()
    database.execute("DELETE FROM wp_options WHERE option_name = 'wch_db_version'")
    for value in stored:
        database.execute(f"INSERT INTO wp_options ({NAMES}) VALUES ('wch_db_version', '{value}', 'no')")
    for _ in range(2):
        assert Plugin(database.database).admin_init().outcome == outcome
        outcome = "current"
    assert sorted(versions(database)) == sorted(left)


def test_a_newer_version_among_several_is_seen(database: LiveDatabase) -> None:
    make(database, TABLES["no unique name"])
    Plugin(database.url).activate()
    database.execute(f"INSERT INTO wp_options ({NAMES}) VALUES ('wch_db_version', '2.6.0', 'no')")
    assert Plugin(database.database).activate().outcome == "newer"
    with pytest.raises(SchemaTooNew):
        DatabaseManager(database.url).rollback()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("option_id {number}, option_name varchar(191), option_value varchar(99)", "has no column autoload"),
        ("option_id {number}, {rest}, site int NOT NULL", "column site is NOT NULL without a default"),
    ],
)
def test_what_cannot_hold_the_version_is_refused_before_the_first_change(
    database: LiveDatabase, columns: str, words: str
) -> None:
    number = "integer PRIMARY KEY" if database.family == "sqlite" else "bigint NOT NULL AUTO_INCREMENT PRIMARY KEY"
    rest = REST.format(text="text")
    database.execute(f"CREATE TABLE wp_options ({columns.format(number=number, rest=rest)})")
    before = snapshot(database)
    manager = DatabaseManager(database.url)
    for call in (manager.install, manager.run_migrations):
        with pytest.raises(SchemaConflict, match=words):
            call()
    for command in ("plan", "check"):
        assert words in wch(command, database=database.url).out
    assert snapshot(database) == before


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize("columns", TABLES.values(), ids=TABLES)
def test_the_doctors_advice_restores_the_keys(database: LiveDatabase, columns: str) -> None:
    make(database, columns)

    def said() -> list[str]:
        lines = wch("doctor", database=database.url).out.splitlines()
        number = next(number for number, line in enumerate(lines) if " options table " in line)
        return lines[number : number + 2]

    (state, *_), advice = said()[0].split(), said()[1]
    whole = columns in (TABLES["as WordPress makes it"], TABLES["no id"])
    assert state == ("ok" if whole else "warn")
    if not whole:
        look, _, change = advice.partition("too many: ")[2].partition(" Without any: ")
        assert database.execute(look) == []
        database.execute(change)
        assert said()[0].startswith("ok")
        assert DatabaseManager(database.url).install().outcome == "installed"
