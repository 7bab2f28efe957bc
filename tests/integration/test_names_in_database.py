"""Names that are unique in a whole database: foreign keys on servers, indexes in a SQLite file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import NEWEST
from wch_peewee import DatabaseManager, Plugin
from wch_peewee.models.namespace import our_names


def rename(database: LiveDatabase, new: str) -> None:
    """Give all tables of ``wp_`` another prefix, as an administrator does before an import."""
    for name in database.tables():
        if name.startswith("wp_"):
            database.execute(f"ALTER TABLE {name} RENAME TO {new}{name.removeprefix('wp_')}")


def is_whole(database: LiveDatabase, prefix: str) -> bool:
    manager = DatabaseManager(database.url, prefix=prefix)
    found = manager.plan()
    return found.is_empty and found.plan.refusals == found.plan.extras == ()


@pytest.mark.parametrize("others", [("old_",), ("old_", "older_")])
def test_renamed_tables_keep_their_names_and_new_ones_get_others(
    database: LiveDatabase, others: tuple[str, ...]
) -> None:
    for other in others:
        Plugin(database.url).activate()
        rename(database, other)
    assert f"__{len(others) + 1}" in wch("plan", database=database.url).out
    for prefix in ("wp_", *others):
        assert Plugin(database.url, prefix=prefix).activate().outcome == ("installed" if prefix == "wp_" else "current")
        assert is_whole(database, prefix)


@pytest.mark.families("mysql", "mariadb")
def test_prefixes_that_differ_in_case_alone(database: LiveDatabase) -> None:
    if database.execute("SELECT @@lower_case_table_names") != [(0,)]:
        pytest.skip("this server folds names")
    for prefix in ("wp_", "WP_", "Wp_"):
        assert Plugin(database.url, prefix=prefix).activate().outcome == "installed"
    for prefix in ("wp_", "WP_", "Wp_"):
        assert is_whole(database, prefix)


@pytest.mark.families("sqlite")
def test_another_case_of_a_prefix_is_the_same_installation(database: LiveDatabase) -> None:
    """As on servers that fold names."""
    Plugin(database.url).activate()
    assert Plugin(database.url, prefix="WP_").activate().outcome == "current"
    assert is_whole(database, "WP_")


def test_a_missing_key_or_index_is_added_under_a_free_name(database: LiveDatabase) -> None:
    Plugin(database.url).activate()
    rename(database, "old_")
    Plugin(database.url).activate()
    messages = our_names().known("messages")
    if database.family == "sqlite":
        ((name,),) = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND name LIKE '%created_at%'",
            (messages,),
        )
        database.execute(f"DROP INDEX {name}")
    else:
        ((name,),) = database.execute(
            "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "
            "WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = %s",
            (messages,),
        )
        database.execute(f"ALTER TABLE {messages} DROP FOREIGN KEY {name}")
    assert not is_whole(database, "wp_")
    assert DatabaseManager(database.url).repair().changed
    assert is_whole(database, "wp_")


def test_migrations_find_what_goes_by_another_name(database: LiveDatabase, chain: Path) -> None:
    """The chain drops and renames indexes and keys by their plain names, on either installation."""
    Plugin(database.url).activate()
    rename(database, "old_")
    Plugin(database.url).activate()
    for prefix in ("wp_", "old_"):
        manager = DatabaseManager(database.url, prefix=prefix, migrations=chain, remove_data=True)
        manager.run_migrations()
        assert manager.status().version == NEWEST
        while manager.status().version != "1.0.0":
            manager.rollback(manager.status().applied[-1])
        assert is_whole(database, prefix)
