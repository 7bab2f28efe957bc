"""Migrations on every engine: a chain of seven, forward, back and forward again, on populated tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import SETTLED, chain_folder
from tests.support.populate import populate
from tests.support.snapshots import columns, schema, snapshot
from wch_peewee import ConfigurationError, DatabaseManager, MigrationFailed, RemovalRefused
from wch_peewee.migrate.folder import MigrationFolder, migrations_folder

BOOKKEEPING = ("wp_wch_migratehistory", "wp_wch_migrateledger", "wp_options")


def history(database: LiveDatabase) -> list[str]:
    return [name for (name,) in database.execute("SELECT name FROM wp_wch_migratehistory ORDER BY id")]


def version(database: LiveDatabase) -> str | None:
    rows = database.execute("SELECT option_value FROM wp_options WHERE option_name = 'wch_db_version'")
    return str(rows[0][0]) if rows else None


def back_to_first(manager: DatabaseManager) -> list[str]:
    return list(manager.rollback(manager.folder.names[1], allow_loss=True))


def test_forward_back_and_forward_again(database: LiveDatabase, chain: Path) -> None:
    manager = DatabaseManager(database.url, migrations=chain)
    names = MigrationFolder(chain).names
    DatabaseManager(database.url).run_migrations()
    populate(database)
    at_first = snapshot(database, without=BOOKKEEPING)
    contents = columns(database, "wp_wch_messages", "id, content")

    assert manager.run_migrations() == names[1:]
    assert version(database) == "2.0.1"
    assert history(database) == list(names)
    at_last = snapshot(database, without=BOOKKEEPING)
    assert columns(database, "wp_wch_message_bodies", "message_id, content") == contents
    assert columns(database, "wp_wch_messages", "DISTINCT channel") == [("whatsapp",)]

    assert back_to_first(manager) == list(names[:0:-1])
    assert version(database) == "1.0.0"
    assert history(database) == list(names[:1])
    if database.family != "sqlite":  # SQLite adds a column at the end, and prints it there
        assert snapshot(database, without=BOOKKEEPING) == at_first
    assert DatabaseManager(database.url).plan().is_empty
    assert columns(database, "wp_wch_messages", "id, content") == contents

    assert manager.run_migrations() == names[1:]
    if database.family != "sqlite":
        assert snapshot(database, without=BOOKKEEPING) == at_last
    assert columns(database, "wp_wch_message_bodies", "message_id, content") == contents


def test_the_version_is_written_last_of_all(database: LiveDatabase, chain: Path) -> None:
    """An admin_init that finds it looks no further: what came later would be missing after a kill there."""
    with database.statements() as seen:
        DatabaseManager(database.url, migrations=chain, models=SETTLED).install()
    kept = [sql for sql in seen.writes if "INSERT" in sql.upper() or "UPDATE" in sql.upper()]
    names, newest = MigrationFolder(chain).names, "2.0.1"
    recorded = max(number for number, sql in enumerate(kept) if names[-1] in sql or "wp_wch_migratehistory" in sql)
    stamped = max(number for number, sql in enumerate(kept) if newest in sql or "wp_options" in sql)
    assert recorded < stamped == len(kept) - 1


def test_a_run_that_was_killed_before_the_version_is_finished_by_the_same_again(
    database: LiveDatabase, chain: Path
) -> None:
    manager = DatabaseManager(database.url, migrations=chain)
    manager.run_migrations()
    database.execute("UPDATE wp_options SET option_value = '2.0.0' WHERE option_name = 'wch_db_version'")
    assert manager.run_migrations() == ()
    assert version(database) == "2.0.1"
    with database.statements() as seen:
        assert manager.run_migrations() == ()
    assert seen.writes == []


def test_one_run_and_one_by_one_end_alike(database: LiveDatabase, chain: Path, tmp_path: Path) -> None:
    names = MigrationFolder(chain).names
    for number in range(1, len(names) + 1):
        step = tmp_path / f"step{number}"
        step.mkdir()
        for name in names[:number]:
            shutil.copy(chain / f"{name}.py", step)
        assert DatabaseManager(database.url, migrations=step).run_migrations() == (names[number - 1],)
    one_by_one = schema(database)
    DatabaseManager(database.url, migrations=chain, prefix="two_").run_migrations()
    at_once = {
        name.replace("two_", "wp_"): text.replace("two_", "wp_")
        for name, text in schema(database).items()
        if name.startswith("two_")
    }
    assert at_once == one_by_one


def test_every_step_can_be_repeated(database: LiveDatabase, chain: Path) -> None:
    """The history is emptied: the migrations run again on their own result, and change nothing."""
    manager = DatabaseManager(database.url, migrations=chain)
    DatabaseManager(database.url).run_migrations()
    populate(database)
    names = MigrationFolder(chain).names
    for name in names[1:]:
        only = chain.parent / f"upto_{name}"
        only.mkdir()
        for copied in names[: names.index(name) + 1]:
            shutil.copy(chain / f"{copied}.py", only)
        manager = DatabaseManager(database.url, migrations=only)
        manager.run_migrations()
        before = snapshot(database, without=BOOKKEEPING)
        database.execute("DELETE FROM wp_wch_migratehistory WHERE name = %s", (name,))
        assert manager.run_migrations() == (name,)
        assert snapshot(database, without=BOOKKEEPING) == before


def test_a_second_run_does_nothing(database: LiveDatabase, chain: Path) -> None:
    manager = DatabaseManager(database.url, migrations=chain)
    manager.run_migrations()
    with database.statements() as seen:
        assert manager.run_migrations() == ()
    assert not seen.ddl
    assert not seen.writes


def test_rolling_back_the_first_needs_leave(database: LiveDatabase) -> None:
    manager = DatabaseManager(database.url, remove_data=False)
    manager.run_migrations()
    populate(database)
    before = snapshot(database)
    for remove_data in (False, True):
        with pytest.raises(RemovalRefused, match="allow_loss"):
            DatabaseManager(database.url, remove_data=remove_data).rollback("001_initial_schema")
    assert snapshot(database) == before
    assert manager.rollback("001_initial_schema", allow_loss=True) == ("001_initial_schema",)
    assert set(database.tables()) == set(BOOKKEEPING)
    assert (version(database), history(database)) == (None, [])
    assert manager.rollback() == ()


BROKEN = '''
"""Version 1.1.0: fails in its second step."""
from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, text
VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.add_column, database, "carts", Column("note", text(), nullable=True))
    migrator.run(steps.run_sql, database, "UPDATE {carts} SET nonsense = 1")
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    pass
'''


def test_a_failing_step_names_itself_and_the_way_on(database: LiveDatabase, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    shutil.copy(migrations_folder() / "001_initial_schema.py", folder)
    file = folder / "002_broken.py"
    file.write_text(BROKEN, encoding="utf-8")
    manager = DatabaseManager(database.url, migrations=folder)
    with pytest.raises(MigrationFailed, match=r"migration 002_broken, step 2 of 3: .*nonsense") as caught:
        manager.run_migrations()
    assert (caught.value.migration, caught.value.step, caught.value.steps) == ("002_broken", 2, 3)
    if database.family == "sqlite":
        assert database.tables() == []  # the whole run was one transaction
    else:
        assert history(database) == ["001_initial_schema"]
    file.write_text(BROKEN.replace("nonsense = 1", "note = 'mended'"), encoding="utf-8")
    manager.run_migrations()
    assert history(database) == ["001_initial_schema", "002_broken"]
    assert version(database) == "1.1.0"


def test_models_that_have_what_the_migrations_remove_are_refused(site: LiveDatabase, tmp_path: Path) -> None:
    """The migrations of a newer release, and the models of this one: nothing is changed, and no column comes back."""
    folder = chain_folder(tmp_path, [])
    (folder / "002_renamed.py").write_text(
        "from wch_peewee.migrate import steps\n"
        'VERSION = "1.1.0"\n\n\ndef migrate(migrator, database, *, fake=False):\n'
        '    migrator.run(steps.rename_column, database, "conversations", "assigned_agent_id", "agent_id")\n'
        '    migrator.run(steps.drop_column, database, "carts", "coupon_code", allow_drop=True)\n'
        "    migrator.run(steps.stamp, database, VERSION)\n\n\ndef rollback(migrator, database, *, fake=False):\n"
        '    migrator.run(steps.irreversible, database, "a test")\n',
        encoding="utf-8",
    )
    words = (
        "The migrations (1.1.0) and the models disagree: conversations.assigned_agent_id, carts.coupon_code are added "
        "by the models and removed by the migrations; use --models, or install the release."
    )
    manager = DatabaseManager(site.url, migrations=folder)
    before = snapshot(site)
    given = ("--migrations", str(folder))
    with site.statements() as seen, pytest.raises(ConfigurationError) as caught:
        manager.install()
    assert str(caught.value) == f"{manager.target}: {words} Nothing was changed."
    assert seen.writes == []
    assert f"the run would stop here: {words}" in wch("plan", *given, database=site.url).out
    assert wch("activate", *given, database=site.url).code == 78
    assert snapshot(site) == before
    assert manager.run_migrations() == ("002_renamed",)
    for run in (manager.install, manager.repair):  # with nothing pending, too
        with pytest.raises(ConfigurationError, match="disagree"):
            run()


def test_to_compare_models_and_migrations_costs_no_statement(site: LiveDatabase, tmp_path: Path) -> None:
    folder = chain_folder(tmp_path, [])
    drop = "DROP INDEX wp_wch_carts_expires_at" if site.family == "sqlite" else "DROP INDEX expires_at ON wp_wch_carts"
    site.execute(drop)
    shipped = DatabaseManager(site.url)
    with site.statements() as seen:
        assert shipped.install().changed
    site.execute(drop)
    with site.statements() as seen_too:
        assert DatabaseManager(site.url, migrations=folder).install().changed
    assert len(list(seen_too)) == len(list(seen))
