"""The way back: planned, named, allowed where it loses something, and led out of where it has stopped half way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import chain_folder
from tests.support.notes_migrations import NOTES
from tests.support.snapshots import snapshot
from wch_peewee import ConfigurationError, DatabaseManager, RemovalRefused, SchemaConflict, SchemaTooNew
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.schema.statements import Statement

LEDGER = ("wp_wch_migrateledger",)


@pytest.fixture
def manager(site: LiveDatabase, notes: Path) -> DatabaseManager:
    manager = DatabaseManager(site.url, migrations=notes)
    manager.run_migrations()
    return manager


def state(site: LiveDatabase) -> object:
    """Everything but the ledger."""
    return snapshot(site, without=LEDGER)


def count(site: LiveDatabase, table: str = "messages") -> int:
    ((rows,),) = site.execute(f"SELECT COUNT(*) FROM wp_wch_{table}")
    return int(rows)


def test_rows_against_it_are_found_before_anything_is_changed(site: LiveDatabase, manager: DatabaseManager) -> None:
    ((one,),) = site.execute("SELECT MIN(id) FROM wp_wch_conversations")
    site.execute("UPDATE wp_wch_conversations SET state = 'muted' WHERE id = %s", (one,))
    before = state(site)
    with pytest.raises(SchemaConflict) as caught:
        manager.rollback("002_notes", allow_loss=True)
    said = str(caught.value)
    assert "Nothing was changed" in said
    assert "003_renamed, step 2 of 3" in said
    assert "there is 1 row of wp_wch_conversations" in said
    (query,) = re.findall(r"See them: (SELECT .*);", said)
    assert len(site.execute(query.replace("%", "%%"))) == 1
    assert state(site) == before
    result = wch("rollback", "--allow-loss", database=site.url)
    assert (result.code, query in result.err) == (2, True)
    assert wch("status", database=site.url).code == 1  # the models say status, and the column is called state
    assert state(site) == before


def test_what_is_lost_is_counted_and_allowed_by_name(site: LiveDatabase, manager: DatabaseManager) -> None:
    manager.rollback()
    site.execute("UPDATE wp_wch_messages SET note = 'x'")
    loss = f"the values of {count(site):,} rows in wp_wch_messages.note"
    before = state(site)
    with pytest.raises(RemovalRefused, match="allow_loss=True") as caught:
        manager.rollback("002_notes")
    assert loss in str(caught.value)
    for arguments, answer in ((["--yes"], ""), ([], "yes\n"), ([], "002\n"), ([], "")):
        result = wch("rollback", "002_notes", *arguments, answer=answer, database=site.url)
        assert (result.code, loss in result.err) == (2, True), answer
        assert "--allow-loss" in result.err or answer
        assert state(site) == before
    plan = wch("plan", "--rollback", database=site.url)
    assert (plan.code, f"-- Loses {loss}" in plan.out) == (0, True)
    assert wch("rollback", "--dry-run", database=site.url).out == plan.out
    result = wch("rollback", answer="002_notes\n", database=site.url)
    assert (result.code, result.out) == (0, "Success: Rolled back 002_notes.\n")


def test_leave_takes_the_rows_of_tables_too(site: LiveDatabase, manager: DatabaseManager) -> None:
    with pytest.raises(RemovalRefused, match=f"{count(site):,} rows of wp_wch_messages"):
        manager.rollback("001_initial_schema")
    assert manager.rollback("001_initial_schema", allow_loss=True) == manager.folder.names[::-1]
    assert set(site.tables()) == {"wp_options", "wp_wch_migratehistory", *LEDGER}
    assert manager.rollback() == manager.rollback("001_initial_schema") == ()


def test_without_a_name_no_table_is_dropped(site: LiveDatabase, manager: DatabaseManager) -> None:
    """Each unnamed call takes back one more: a script that is run once too often must not end at the first."""
    for name in ("003_renamed", "002_notes"):
        assert wch("rollback", "--allow-loss", database=site.url).out == f"Success: Rolled back {name}.\n"
    before, rows = state(site), f"{count(site):,} rows of wp_wch_messages"
    for arguments in (["--allow-loss"], ["--yes"], []):
        result = wch("rollback", *arguments, answer="001_initial_schema\n", database=site.url)
        assert (result.code, rows in result.err) == (2, True)
        assert "rolling back 001_initial_schema drops 6 tables" in result.err
        assert "To do it, name the migration: wch rollback 001_initial_schema --allow-loss, in Python" in result.err
    for allow_loss in (True, False):
        with pytest.raises(RemovalRefused, match="name the migration"):
            manager.rollback(allow_loss=allow_loss)
    assert state(site) == before
    assert wch("rollback", "001_initial_schema", "--allow-loss", database=site.url).code == 0
    assert wch("rollback", "--yes", database=site.url).out == "Success: Nothing to do.\n"


def test_without_rows_a_table_is_named_all_the_same(database: LiveDatabase) -> None:
    manager = DatabaseManager(database.url)
    manager.run_migrations()
    with pytest.raises(RemovalRefused, match=r"drops 6 tables\. Nothing .*: wch rollback 001_initial_schema, in"):
        manager.rollback()
    assert manager.rollback(to="1.0.0") == ()
    assert manager.rollback("001_initial_schema") == ("001_initial_schema",)


def test_without_loss_no_leave_is_needed(site: LiveDatabase, manager: DatabaseManager) -> None:
    assert manager.rollback_plan("002_notes").losses == ()
    assert manager.rollback("002_notes") == ("003_renamed", "002_notes")


def test_a_rollback_has_a_target_and_comes_back_to_it_twice(site: LiveDatabase, manager: DatabaseManager) -> None:
    assert manager.rollback(to="1.1.0") == ("003_renamed",)
    assert manager.rollback(to="1.1.0") == manager.rollback("003_renamed") == ()
    result = wch("rollback", "003_renamed", "--yes", database=site.url)
    assert (result.code, result.out) == (0, "Success: Nothing to do: 003_renamed is not applied.\n")
    assert manager.run_migrations(to="1.1.0") == ()
    assert manager.rollback(to="1.0.0") == ("002_notes",)
    assert manager.run_migrations(to="1.1.0") == ("002_notes",)
    assert (manager.status().version, manager.status().pending) == ("1.1.0", ("003_renamed",))
    assert wch("migrate", "--to", "1.2.0", database=site.url).code == 0
    assert manager.status().version == "1.2.0"
    for wrong in ({"to": "9.9.9"}, {"name": "009_none"}):
        with pytest.raises(ConfigurationError, match=r"1\.1\.0|002_notes"):
            manager.rollback(**wrong)
    with pytest.raises(ConfigurationError, match=r"only at 1\.0\.0, 1\.1\.0, 1\.2\.0"):
        manager.run_migrations(to="1.3.0")


def test_the_plan_has_the_statements_that_are_run(site: LiveDatabase, manager: DatabaseManager) -> None:
    plan = manager.rollback_plan("001_initial_schema")
    planned = [str(s) for f in plan.dry_run.steps for s in getattr(f.work, "statements", ())]
    run: list[Statement] = []
    manager.before_statement = run.append
    manager.rollback("001_initial_schema", allow_loss=True)
    # On SQLite a rebuild cleans up as it goes, in both.
    assert [str(s) for s in run if str(s) in planned] == planned


def test_a_way_back_that_copies_is_known_before(site: LiveDatabase, manager: DatabaseManager) -> None:
    manager.rollback("003_renamed")
    words = "changing the column back, if its values still fit; that copies the table and may block writers"
    copies = site.family != "sqlite"
    assert (words in wch("plan", database=site.url).out) == copies
    manager.run_migrations()
    shown = wch("rollback", "--dry-run", "--copy-bytes", "0", database=site.url).out
    assert ("-- To accept this: wch rollback 003_renamed --allow-copy\n" in shown) == copies


def test_an_older_release_says_which_one_rolls_back(site: LiveDatabase, manager: DatabaseManager) -> None:
    words = (
        "does not have 002_notes, 003_renamed; roll back with the newer release: wch rollback 002_notes. Nothing was"
    )
    with pytest.raises(SchemaTooNew, match=words):
        DatabaseManager(site.url, migrations=migrations_folder()).rollback("001_initial_schema", allow_loss=True)


def test_one_without_its_file_is_not_taken_back(site: LiveDatabase, manager: DatabaseManager, notes: Path) -> None:
    (notes / "003_renamed.py").unlink()
    (notes / "002_notes.py").write_text(NOTES.replace("1.1.0", "1.2.0"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"003_renamed is applied, and .* has no file 003_renamed\.py"):
        DatabaseManager(site.url, migrations=notes).rollback()
    status = wch("status", database=site.url)
    assert "003_renamed is applied, but its file 003_renamed.py is missing" in status.out
    assert "002_notes.py was changed after it was applied" in status.out
    assert status.code == 1


def test_a_failure_names_the_commands_that_lead_out(site: LiveDatabase, manager: DatabaseManager, notes: Path) -> None:
    manager.rollback()
    file = notes / "002_notes.py"
    broken = 'migrator.run(steps.run_sql, database, "UPDATE {carts} SET nonsense = 1")\n    migrator.run(steps.unstamp'
    text = NOTES.replace("migrator.run(steps.unstamp", broken)
    file.write_text(text, encoding="utf-8")
    result = wch("rollback", "--yes", database=site.url)
    assert result.code == 2
    assert result.err.endswith("run: wch rollback --yes 002_notes\n")
    status = wch("status", database=site.url)
    if site.family == "sqlite":  # the whole of it is undone
        assert "half" not in status.out
    else:
        expected = "002_notes is half rolled back: wch rollback 002_notes finishes it, wch migrate applies it again."
        assert (status.code, expected in status.out) == (1, True)
        assert "Up to date" not in status.out
        runs = wch("status", "--format", "json", database=site.url).json["history"]
        assert (runs[-1]["name"], runs[-1]["direction"], runs[-1]["outcome"]) == ("002_notes", "back", "failed")
    file.write_text(NOTES, encoding="utf-8")
    assert wch("migrate", "--to", "1.1.0", database=site.url).code == 0
    assert manager.status().half_rolled_back == ()
    assert manager.status().version == "1.1.0"
    assert "note" in snapshot(site)["wp_wch_messages"][0]


# --- what a rehearsal has to find

BACK = '''
"""Version 1.1.0."""
from wch_peewee.migrate import steps
from wch_peewee.schema.objects import *
VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
    migrator.run({forward})
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.rename_column, database, "carts", "coupon_code", "voucher")
    migrator.run(steps.rename_column, database, "carts", "voucher", "coupon_code")
{back}
    migrator.run(steps.unstamp, database, "1.0.0")
'''

WIDER = 'steps.alter_column, database, "carts", Column("coupon_code", {}, nullable=True)'
TEXT = WIDER.format("text()")
NEW = 'steps.add_column, database, "carts", Column("more", varchar(5), {})'
NOT_NULL = 'steps.alter_column, database, "carts", Column("more", varchar(5))'
UNIQUE = 'steps.add_index, database, "carts", Index("more", ("more",), unique=True)'
SAME = NEW.format('default=Default("x")')
THEN = ")\n    migrator.run("
LONG = WIDER.format('ColumnType("longtext")')

#: What goes forward, the value that stands against the way back, the steps of that, and what is said.
AGAINST = {
    "a text that is no number": (TEXT, "'anna'", WIDER.format("bigint()"), "does not fit bigint"),
    "a text that is no JSON": (TEXT, "'anna'", WIDER.format("json()"), "does not fit json"),
    "a longer text": (TEXT, "'anna and somebody else'", WIDER.format("varchar(5)"), "longer than 5"),
    "a text of many bytes": (LONG, "REPEAT('ü', 40000)", TEXT, "longer than 65,535 bytes"),
    "a new column without a value": (TEXT, "'x'", NEW.format("nullable=True") + THEN + NOT_NULL, "there are 3 rows"),
    "a new column with one value": (
        TEXT,
        "'x'",
        NEW.format('default=Default("x")') + THEN + UNIQUE,
        "there are 3 rows",
    ),
}


@pytest.mark.parametrize(("forward", "value", "back", "words"), AGAINST.values(), ids=AGAINST)
def test_nothing_fails_half_way_that_the_rows_could_have_told(
    site: LiveDatabase, tmp_path: Path, forward: str, value: str, back: str, words: str
) -> None:
    folder = chain_folder(tmp_path, [])
    text = BACK.format(forward=forward, back=f"    migrator.run({back})")
    (folder / "002_more.py").write_text(text, encoding="utf-8")
    manager = DatabaseManager(site.url, migrations=folder)
    manager.run_migrations()
    if site.family == "sqlite":
        value = re.sub(r"REPEAT\('(.)', (\d+)\)", lambda found: f"'{found[1] * int(found[2])}'", value)
    site.execute(f"UPDATE wp_wch_carts SET coupon_code = {value}")
    before = state(site)
    with pytest.raises(SchemaConflict, match="Nothing was changed") as caught:
        manager.rollback(allow_loss=True)
    assert words in str(caught.value)
    assert words in manager.rollback_plan().refusals[0]
    assert state(site) == before


@pytest.mark.parametrize(
    ("wide", "value", "narrow", "words"),
    [
        ("decimal(12,2)", "12345678.90", "decimal(8,2)", "whose more is not in -999999.99 to 999999.99"),
        ("decimal(12,2)", "-1.5", "decimal(12,2) unsigned", "whose more is not in 0 to 9999999999.99"),
        ("int", "-1", "decimal(12,2) unsigned", "whose more is not in 0 to 9999999999.99"),
        ("double", "1e10", "decimal(8,2)", "whose more is not in -999999.99 to 999999.99"),
        ("double", "1e300", "float", "whose more is not in -3.4e+38 to 3.4e+38"),
        ("double", "-0.5", "double unsigned", "whose more is not in 0 to 1.7e+308"),
        ("datetime", "'1969-01-01 00:00:00'", "timestamp", "whose more does not fit timestamp"),
        ("int", "7", "enum('a','b')", "whose more does not fit enum('a','b')"),
    ],
)
def test_what_a_server_refuses_is_no_loss_that_could_be_allowed(
    site: LiveDatabase, tmp_path: Path, wide: str, value: str, narrow: str, words: str
) -> None:
    folder = chain_folder(tmp_path, [])
    forward = f'steps.add_column, database, "carts", Column("more", column_type("{wide}"), nullable=True)'
    back = f'steps.alter_column, database, "carts", Column("more", column_type("{narrow}"), nullable=True)'
    text = BACK.format(forward=forward, back=f"    migrator.run({back})")
    (folder / "002_more.py").write_text(text, encoding="utf-8")
    manager = DatabaseManager(site.url, migrations=folder)
    manager.run_migrations()
    site.execute(f"UPDATE wp_wch_carts SET more = {value} WHERE id = 1")
    before = state(site)
    with pytest.raises(SchemaConflict, match=r"not even with --allow-loss\. Nothing was changed") as caught:
        manager.rollback(allow_loss=True)
    assert re.search(f"there is 1 row of wp_wch_carts {re.escape(words)}.*; correct it first", str(caught.value))
    assert state(site) == before
    site.execute("UPDATE wp_wch_carts SET more = NULL")
    assert manager.rollback() == ("002_more",)


@pytest.mark.families("mariadb", "mysql")
def test_what_a_server_would_cut_in_silence_is_a_loss(site: LiveDatabase, tmp_path: Path) -> None:
    folder = chain_folder(tmp_path, [])
    forward = 'steps.add_column, database, "carts", Column("moment", datetime(), nullable=True)'
    back = 'steps.alter_column, database, "carts", Column("moment", ColumnType("date"), nullable=True)'
    text = BACK.format(forward=forward, back=f"    migrator.run({back})")
    (folder / "002_more.py").write_text(text, encoding="utf-8")
    manager = DatabaseManager(site.url, migrations=folder)
    manager.run_migrations()
    site.execute("UPDATE wp_wch_carts SET moment = '2026-01-01 00:00:00'")
    assert manager.rollback_plan().loss == ()
    site.execute("UPDATE wp_wch_carts SET moment = '2026-01-01 13:14:15' LIMIT 2")
    with pytest.raises(
        RemovalRefused, match=r"the values of 2 rows in wp_wch_carts\.moment, which do not fit into date"
    ):
        manager.rollback()


def test_what_another_migration_puts_back_settles_nothing(site: LiveDatabase, chain: Path) -> None:
    """006 updates messages on its way back; the value that 004 cannot take back stays in them."""
    manager = DatabaseManager(site.url, migrations=chain)
    manager.run_migrations()
    site.execute("UPDATE wp_wch_messages SET status = 'deleted'")
    before = state(site)
    with pytest.raises(SchemaConflict, match="whose status is deleted"):
        manager.rollback("004_wider_types", allow_loss=True)
    assert state(site) == before


def test_only_what_was_shown_is_taken_back(site: LiveDatabase, manager: DatabaseManager) -> None:
    manager.rollback("003_renamed")
    plan = manager.rollback_plan()
    assert (plan.names, plan.losses) == (("002_notes",), ())
    site.execute("UPDATE wp_wch_messages SET note = 'written since'")
    with pytest.raises(RemovalRefused):
        manager.roll_back(plan)
    plan = manager.rollback_plan()
    assert plan.losses
    manager.run_migrations()
    before = state(site)
    with pytest.raises(SchemaConflict, match="003_renamed was applied by another run"):
        manager.roll_back(plan, allow_loss=True)
    assert state(site) == before


def test_a_version_is_gone_back_to_whatever_the_order_was(site: LiveDatabase, manager: DatabaseManager) -> None:
    """Of two branches the older number may have been applied last: what is older than the version stays."""
    site.execute("UPDATE wp_wch_migratehistory SET id = id + 10 WHERE name = '002_notes'")
    assert manager.rollback(to="1.1.0") == ("003_renamed",)
    assert "note" in snapshot(site)["wp_wch_messages"][0]
    with pytest.raises(ConfigurationError, match="expected one of them"):
        manager.rollback("002_notes", to="1.0.0")


def test_the_query_of_a_refusal_runs_on_any_key(database: LiveDatabase, tmp_path: Path) -> None:
    folder = chain_folder(tmp_path, [])
    columns = 'Column("code", varchar(5)), Column("note", text(), nullable=True)'
    table = f'Table("codes", columns=({columns}), primary_key=("code",))'
    back = 'steps.alter_column, database, "codes", Column("note", varchar(3), nullable=True)'
    text = BACK.format(forward=f"steps.create_tables, database, [{table}]", back=f"    migrator.run({back})")
    (folder / "002_more.py").write_text(text, encoding="utf-8")
    manager = DatabaseManager(database.url, migrations=folder)
    manager.run_migrations()
    database.execute("INSERT INTO wp_wch_codes (code, note) VALUES ('a', 'too long')")
    with pytest.raises(SchemaConflict) as caught:
        manager.rollback("002_more")
    (query,) = re.findall(r"See them: (SELECT .*);", str(caught.value))
    assert database.execute(query) == [("a", "too long")]


def test_a_column_of_defaults_alone_loses_nothing(site: LiveDatabase, tmp_path: Path) -> None:
    step = 'migrator.run(steps.{}_column, database, "messages", {})\n'
    add = step.format("add", 'Column("{}", {}, default=Default("{}"))')
    columns = (
        ("channel", "varchar(9)", "Web"),
        ("tries", 'column_type("int unsigned")', "0"),
        ("way", 'enum("a", "b")', "b"),
    )
    folder = chain_folder(tmp_path, [])
    (folder / "002_defaults.py").write_text(
        "from wch_peewee.migrate import steps\n"
        "from wch_peewee.schema.objects import Column, Default, column_type, enum, varchar\n"
        'VERSION = "1.1.0"\n\n\ndef migrate(migrator, database, *, fake=False):\n    '
        + "    ".join(add.format(*column) for column in columns)
        + "    migrator.run(steps.stamp, database, VERSION)\n\n\ndef rollback(migrator, database, *, fake=False):\n    "
        + "    ".join(step.format("drop", f'"{name}", allow_drop=True') for name, *_ in columns)
        + '    migrator.run(steps.unstamp, database, "1.0.0")\n',
        encoding="utf-8",
    )
    manager = DatabaseManager(site.url, migrations=folder)
    manager.run_migrations()
    assert manager.rollback_plan().loss == ()
    assert "Loses" not in wch("plan", "--rollback", "--migrations", str(folder), database=site.url).out
    site.execute("UPDATE wp_wch_messages SET channel = 'WEB', tries = 1 WHERE id = (SELECT MIN(id) FROM wp_wch_carts)")
    assert len(manager.rollback_plan().loss) == 2, "a value that differs in case is another one"
    with pytest.raises(RemovalRefused, match=r"the value of 1 row in wp_wch_messages\.channel"):
        manager.rollback()
    site.execute("UPDATE wp_wch_messages SET channel = 'Web', tries = 0")
    assert manager.rollback() == ("002_defaults",)
