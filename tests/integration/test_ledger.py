"""The ledger: every run of a migration with its outcome; what has changed since; and what was done by hand."""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path

import pytest

from tests.integration.test_pw_migrate import pw_migrate
from tests.support.accounts import account
from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.notes_migrations import NOTES, RENAMED
from tests.support.snapshots import snapshot
from wch_peewee import ConfigurationError, DatabaseManager, MigrationFailed, RemovalRefused, SchemaConflict
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.schema.statements import Statement


def runs(manager: DatabaseManager) -> list[tuple[str, str, str]]:
    return [(run.name[:3], run.direction, run.outcome) for run in manager.history()]


def test_each_run_has_its_entry_for_good(database: LiveDatabase, notes: Path) -> None:
    manager = DatabaseManager(database.url, migrations=notes)
    manager.run_migrations()
    first = manager.history()
    manager.rollback()
    manager.run_migrations()
    forward = [(number, "forward", "done") for number in ("001", "002", "003")]
    assert runs(manager) == [*forward, ("003", "back", "done"), forward[-1]]
    assert manager.history()[: len(first)] == first
    for run in first:
        assert run.seconds is not None
        assert run.at is not None
        assert run.program.startswith("wch-peewee ")
        assert "@" in run.who
        assert run.checksum == manager.folder.checksum_of(run.name)
    text = wch("status", "--history", database=database.url).out
    assert text.count("forward") == 4
    assert str(first[0].at) in text


def test_stock_pw_migrate_shows_as_such(database: LiveDatabase, notes: Path, tmp_path: Path) -> None:
    shutil.copy(migrations_folder() / "conf.py", notes)
    assert pw_migrate("migrate", "--database", database.url, folder=notes, cwd=tmp_path).returncode == 0
    assert pw_migrate("rollback", "--database", database.url, folder=notes, cwd=tmp_path).returncode == 0
    manager = DatabaseManager(database.url, migrations=notes)
    assert runs(manager)[-1] == ("003", "back", "done")
    assert {run.program.partition(" ")[0] for run in manager.history()} == {"pw_migrate"}
    assert manager.run_migrations() == ("003_renamed",)
    assert manager.status().changed_files == ()


def test_an_installation_of_an_earlier_release_has_no_ledger_yet(site: LiveDatabase, notes: Path) -> None:
    site.execute("DROP TABLE wp_wch_migrateledger")
    plugin = DatabaseManager(site.url)
    assert plugin.status().pending == ("002_notes", "003_renamed")
    assert runs(plugin) == [("001", "forward", "unknown")]
    with site.statements() as seen:
        shipped = DatabaseManager(site.url, migrations=migrations_folder())
        assert shipped.install().outcome == "current"
    assert seen.writes == []
    assert DatabaseManager(site.url, migrations=notes).run_migrations() == ("002_notes", "003_renamed")
    assert runs(plugin)[0] == ("001", "forward", "unknown")
    assert len(runs(plugin)) == 3


def test_a_file_that_does_something_else_since_is_found(site: LiveDatabase, notes: Path) -> None:
    manager = DatabaseManager(site.url, migrations=notes)
    manager.run_migrations()
    file = notes / "003_renamed.py"
    file.write_text("# only a comment\n" + RENAMED, encoding="utf-8")
    assert manager.status().changed_files == ()
    file.write_text(RENAMED.replace('"muted"', '"silent"'), encoding="utf-8")
    assert manager.status().changed_files == ("003_renamed",)
    assert not manager.status().is_current


def test_what_a_migration_runs_on_an_empty_database(database: LiveDatabase, notes: Path) -> None:
    manager = DatabaseManager(database.url, migrations=notes)
    for name in manager.folder.names:
        shown = [str(s) for f in manager.migration_plan(name).steps for s in getattr(f.work, "statements", ())]
        run: list[Statement] = []
        manager.before_statement = run.append
        manager.run_migrations(to=manager.folder.version_of(name))
        assert [str(statement) for statement in run if "_new_" not in str(statement)][: len(shown)] == shown, name
    for name in reversed(manager.folder.names):
        plan = manager.migration_plan(name, backwards=True)
        shown = [str(s) for f in plan.steps for s in getattr(f.work, "statements", ())]
        run.clear()
        manager.rollback(name)
        assert [str(statement) for statement in run if str(statement) in shown] == shown, name
        command = wch("plan", "--applied", name, "--backwards", database=database.url)
        assert command.code == 0
        assert all(statement in command.out for statement in shown)


def test_what_was_done_by_hand_is_marked_if_it_is_there(site: LiveDatabase, notes: Path) -> None:
    manager = DatabaseManager(site.url, migrations=notes)
    before = snapshot(site)
    for name in ("002_notes", "003_renamed"):
        with pytest.raises(SchemaConflict, match="Nothing was recorded"):
            manager.mark(name)
    assert snapshot(site) == before
    manager.run_migrations()
    site.execute("DELETE FROM wp_wch_migratehistory WHERE name <> '001_initial_schema'")
    site.execute("UPDATE wp_options SET option_value = '1.0.0' WHERE option_name = 'wch_db_version'")
    rows = snapshot(site)["wp_wch_messages"]
    result = wch("migrate", "--mark", "003_renamed", answer="yes\n", database=site.url)
    assert (result.code, result.out) == (0, "Success: Recorded 002_notes, 003_renamed.\n")
    status = manager.status()
    assert (status.version, status.applied, status.pending) == ("1.2.0", manager.folder.names, ())
    assert snapshot(site)["wp_wch_messages"] == rows
    assert runs(manager)[-2:] == [("002", "forward", "marked"), ("003", "forward", "marked")]
    assert manager.mark("003_renamed") == ()


def test_what_a_migration_removes_must_be_gone(site: LiveDatabase, notes: Path) -> None:
    manager = DatabaseManager(site.url, migrations=notes)
    manager.run_migrations()
    site.execute("DELETE FROM wp_wch_migratehistory WHERE name = '003_renamed'")
    site.execute("ALTER TABLE wp_wch_conversations ADD COLUMN status VARCHAR(20)")
    with pytest.raises(SchemaConflict, match=r"wp_wch_conversations\.status is still there"):
        manager.mark("003_renamed")


KEEPING = RENAMED.replace(
    "    migrator.run(steps.rename_column",
    '    migrator.run(steps.keep_column, database, "conversations", "state", instead_of="status")\n'
    "    migrator.run(steps.rename_column",
    1,
)


def test_two_columns_where_one_is_expected(site: LiveDatabase, notes: Path) -> None:
    """The messages name the ways on, and each of them works."""
    manager = DatabaseManager(site.url, migrations=notes)
    manager.run_migrations(to="1.1.0")
    of_mysql = "ENUM('pending','active','closed') NOT NULL"
    definition = "VARCHAR(20) NOT NULL DEFAULT 'pending'" if site.family == "sqlite" else of_mysql
    site.execute(f"ALTER TABLE wp_wch_conversations ADD COLUMN state {definition}")
    with pytest.raises(
        MigrationFailed, match=r"has both status \(the values of 3 rows\) and state \(.*steps\.keep_column"
    ) as caught:
        manager.run_migrations()
    assert "record it with wch migrate --mark 003_renamed" in str(caught.value)
    (notes / "003_renamed.py").write_text(KEEPING, encoding="utf-8")
    with pytest.raises((RemovalRefused, MigrationFailed), match=r"dropping status loses the value"):
        DatabaseManager(site.url, migrations=notes).run_migrations()
    text = KEEPING.replace('instead_of="status")', 'instead_of="status", allow_drop=True)')
    (notes / "003_renamed.py").write_text(text, encoding="utf-8")
    assert DatabaseManager(site.url, migrations=notes).run_migrations() == ("003_renamed",)


@pytest.mark.parametrize("dropped", ["the old one", "the new one"])
def test_the_statements_that_a_message_prints_lead_on(site: LiveDatabase, notes: Path, dropped: str) -> None:
    manager = DatabaseManager(site.url, migrations=notes)
    manager.run_migrations(to="1.1.0")
    site.execute("ALTER TABLE wp_wch_messages ADD COLUMN body TEXT")
    text = NOTES.replace("1.1.0", "1.2.0").replace(
        'steps.add_column, database, "messages", Column("note", text(), nullable=True)',
        'steps.rename_column, database, "messages", "note", "body"',
    )
    (notes / "003_renamed.py").write_text(text, encoding="utf-8")
    manager = DatabaseManager(site.url, migrations=notes)
    with pytest.raises(MigrationFailed) as caught:
        manager.run_migrations()
    drops = re.findall(r"ALTER TABLE .*?(?=;)", str(caught.value))
    assert ["note" in drops[0], "body" in drops[1]] == [True, True]
    site.execute(drops[int(dropped == "the new one")])
    assert manager.run_migrations() == ("003_renamed",)


def test_the_same_again_finishes_what_was_killed_before_the_version(site: LiveDatabase, notes: Path) -> None:
    manager = DatabaseManager(site.url, migrations=notes)
    for action in (lambda: manager.run_migrations(to="1.1.0"), lambda: manager.mark("002_notes")):
        action()
        site.execute("UPDATE wp_options SET option_value = '1.0.0' WHERE option_name = 'wch_db_version'")
        action()
        assert (manager.status().version, manager.status().pending) == ("1.1.0", ("003_renamed",))
    assert manager.run_migrations() == ("003_renamed",)
    with pytest.raises(
        ConfigurationError, match=r"already at version 1\.2\.0; wch rollback --to 1\.1\.0 would go back"
    ):
        manager.run_migrations(to="1.1.0")


def test_a_file_that_was_changed_on_purpose_is_recorded_anew(site: LiveDatabase, notes: Path) -> None:
    manager = DatabaseManager(site.url, migrations=notes)
    manager.run_migrations()
    file = notes / "003_renamed.py"
    file.write_text(RENAMED.replace('"status", "state")', '"status", "state")\n    "mended"'), encoding="utf-8")
    assert manager.status().changed_files == ("003_renamed",)
    assert wch("migrate", "--mark", "003_renamed", "--yes", database=site.url).out == "Success: Recorded 003_renamed.\n"
    assert manager.status().changed_files == ()


def test_what_php_has_made_newer_is_not_marked(site: LiveDatabase, notes: Path) -> None:
    site.execute("UPDATE wp_options SET option_value = '9.0.0' WHERE option_name = 'wch_db_version'")
    result = wch("migrate", "--mark", "002_notes", "--yes", database=site.url)
    assert (result.code, "nothing was recorded" in result.out) == (4, True)


WRONG = [["--mark", "009_none"], ["--to", "9.9.9"], ["--mark", "002_notes", "--to", "1.1.0"]]


@pytest.mark.parametrize("arguments", WRONG)
def test_a_target_that_is_none_is_a_mistake_on_the_command_line(
    site: LiveDatabase, notes: Path, arguments: list[str]
) -> None:
    for dry_run in ([], ["--dry-run"]):
        assert wch("migrate", *arguments, *dry_run, database=site.url).code == 64
    assert DatabaseManager(site.url, migrations=notes).status().pending == ("002_notes", "003_renamed")


def test_a_dry_run_says_what_it_would_record_or_apply(site: LiveDatabase, notes: Path) -> None:
    assert wch("migrate", "--mark", "002_notes", "--dry-run", database=site.url).out == "Would record 002_notes.\n"
    assert wch("migrate", "--to", "1.1.0", "--dry-run", database=site.url).out == "Would apply 002_notes\n"
    DatabaseManager(site.url, migrations=notes).run_migrations(to="1.1.0")
    assert wch("migrate", "--to", "1.1.0", "--dry-run", database=site.url).out == "Nothing to do.\n"


@pytest.mark.families("mariadb", "mysql")
def test_privileges_on_single_tables_that_know_no_ledger_yet(site: LiveDatabase) -> None:
    """A server denies such an account a table that is not there, in place of saying that it is missing."""
    names = [name for name in site.tables() if name != "wp_wch_migrateledger"]
    site.execute("DROP TABLE wp_wch_migrateledger")
    with account(site, "") as limited:
        for name, host in itertools.product(names, ("%", "localhost")):
            rights = f"SELECT, INSERT, UPDATE, DELETE ON {name} TO '{limited.user}'@'{host}'"
            site.execute(f"GRANT {rights}".replace("%", "%%"))
        manager = DatabaseManager(limited.url(site.name))
        assert (manager.status().applied, manager.status().missing_tables) == (("001_initial_schema",), ())
        assert runs(manager) == [("001", "forward", "unknown")]
