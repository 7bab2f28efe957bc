"""A migration that ``wch new`` has written, on every engine: the models' schema, the way back, and the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import peewee as pw
import pytest

from tests.integration.test_pw_migrate import pw_migrate
from tests.support.accounts import account
from tests.support.authoring import Folder
from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from tests.support.own_models import own_model
from tests.support.populate import populate
from tests.support.shop import User, make_wordpress
from tests.support.snapshots import columns, snapshot
from wch_peewee import MODELS, DatabaseManager, db_delta
from wch_peewee.authoring.author import try_newest
from wch_peewee.authoring.scratch import produced_schema, scratch_databases
from wch_peewee.database.url import parse_url
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.models.fields import ColumnField
from wch_peewee.schema.declared import logical_tables
from wch_peewee.schema.objects import Column, Default, ForeignKey, Index, Table, bigint, enum, json, text, varchar
from wch_peewee.testing import examine

SHIPPED = {table.name: table for table in logical_tables(MODELS)}
ID = Column("id", bigint(unsigned=True), auto_increment=True)
BOOKS = ("wp_wch_migratehistory", "wp_wch_migrateledger", "wp_options")


def after() -> tuple[Table, ...]:
    """Return tables with every kind of change: columns, names, types, indexes, foreign keys, one more table."""
    conversations, messages, carts = (SHIPPED[name] for name in ("conversations", "messages", "carts"))
    status = Column("status", enum("sent", "delivered", "read", "failed", "deleted"), default=Default("sent"))
    agent = Column("agent_id", bigint(unsigned=True), nullable=True)
    agents = Table(
        "agents",
        (ID, Column("name", varchar(40)), Column("notes", text(), nullable=True)),
        indexes=(Index("name", ("name",), unique=True),),
    )
    conversations = replace(
        conversations,
        columns=tuple(agent if c.name == "assigned_agent_id" else c for c in conversations.columns),
        indexes=(
            Index("phone", ("customer_phone",)),
            Index("last_message_at", ("last_message_at",)),
            Index("agent_id", ("agent_id",)),
            Index("wa_conversation_id", ("wa_conversation_id",), unique=True),
        ),
        foreign_keys=(ForeignKey(("agent_id",), "agents", on_delete="SET NULL"),),
    )
    messages = replace(
        messages,
        columns=(
            *(status if c.name == "status" else c for c in messages.columns if c.name != "content"),
            Column("channel", varchar(10), default=Default("whatsapp")),
            Column("source", varchar(20)),
            Column("meta", json(), nullable=True),
        ),
        # The index that the foreign key uses goes, and another one takes its place.
        indexes=(
            Index("wa_message_id", ("wa_message_id",), unique=True),
            Index("conversation_created", ("conversation_id", "created_at")),
        ),
    )
    carts = replace(
        carts,
        columns=tuple(
            Column("coupon_code", varchar(80), default=Default("none")) if c.name == "coupon_code" else c
            for c in carts.columns
        ),
    )
    rest = [SHIPPED[name] for name in ("customer_profiles", "broadcast_campaigns", "sync_queue")]
    return (agents, conversations, messages, carts, *rest)


RENAMES = ("conversations.assigned_agent_id:agent_id",)
DROPPED = ("messages.content",)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """The shipped tables, and the migration to ``after()`` with the proposed answers."""
    made = Folder(tmp_path / "migrations", tuple(SHIPPED.values()))
    source = made.write(after(), renames=RENAMES, dropped=DROPPED)
    assert source
    return made


def test_it_makes_what_is_declared_and_keeps_the_rows(database: LiveDatabase, folder: Folder) -> None:
    first = folder.manager(database.url)
    DatabaseManager(database.url).run_migrations()
    database.execute("UPDATE wp_wch_migratehistory SET name = '001_first'")
    populate(database)
    at_first = columns(database, "wp_wch_messages", "id, conversation_id, wa_message_id, status, created_at")
    agents = columns(database, "wp_wch_conversations", "id, assigned_agent_id")
    database.execute("UPDATE wp_wch_conversations SET assigned_agent_id = NULL")  # no such agents are there

    assert first.run_migrations() == ("002_next",)
    assert folder.differences(after(), database.database) == []
    assert columns(database, "wp_wch_messages", "DISTINCT channel, source") == [("whatsapp", "")]
    assert columns(database, "wp_wch_carts", "DISTINCT coupon_code")[0] != (None,)
    at_last = snapshot(database, without=BOOKS)

    database.execute("DELETE FROM wp_wch_migratehistory WHERE name = '002_next'")
    first.run_migrations()  # a history that has forgotten: the steps find everything done
    assert snapshot(database, without=BOOKS) == at_last

    assert first.rollback("002_next", allow_loss=True) == ("002_next",)
    again = columns(database, "wp_wch_messages", "id, conversation_id, wa_message_id, status, created_at")
    assert again == at_first
    assert len(columns(database, "wp_wch_conversations", "id, assigned_agent_id")) == len(agents)
    assert DatabaseManager(database.url).plan().plan.is_empty
    assert first.run_migrations() == ("002_next",)
    assert folder.differences(after(), database.database) == []


def test_it_passes_the_test_kit(engine: Engine, folder: Folder) -> None:
    server = "sqlite" if engine.family == "sqlite" else f"{engine.name}={engine.address().url('')}"
    verdict = examine(folder.migrations.path, engines=[server], every=7)
    assert verdict.ok


def test_stock_pw_migrate_runs_it(database: LiveDatabase, folder: Folder, tmp_path: Path) -> None:
    (folder.migrations.path / "conf.py").write_text((migrations_folder() / "conf.py").read_text())
    done = pw_migrate("migrate", "--database", database.url, folder=folder.migrations.path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert folder.differences(after(), database.database) == []


def test_a_foreign_key_is_out_of_the_way_while_the_types_change(database: LiveDatabase, tmp_path: Path) -> None:
    """MySQL and MariaDB refuse to change the type of a column with a foreign key, or to drop the last index for it."""

    def shape(size: int, *, unique: bool) -> tuple[Table, ...]:
        code = Column("code", varchar(size))
        parents = Table("parents", (ID, code), indexes=(Index("code", ("code",), unique=True),))
        children = Table(
            "children",
            (ID, code),
            indexes=(Index("code", ("code",), unique=unique),),
            foreign_keys=(ForeignKey(("code",), "parents", ("code",), on_delete="CASCADE"),),
        )
        return parents, children

    narrow, wide, other = shape(10, unique=False), shape(70, unique=False), shape(70, unique=True)
    made = Folder(tmp_path / "migrations", narrow)
    made.write(wide)
    made.write(other)
    manager = made.manager(database.url)
    manager.run_migrations()
    database.execute("INSERT INTO wp_wch_parents (code) VALUES ('a')")
    database.execute("INSERT INTO wp_wch_children (code) VALUES ('a')")
    assert made.differences(other, database.database) == []
    assert manager.rollback("002_next") == ("003_next", "002_next")
    manager.run_migrations()
    assert made.differences(other, database.database) == []
    assert columns(database, "wp_wch_children", "code") == [("a",)]


def counting(key: Callable[..., Any]) -> tuple[Table, ...]:
    """Return tables whose first has a key of one type, with keys to it, to itself, to others and to WordPress."""
    node = own_model("nodes", id=key(), up=pw.ForeignKeyField("self", null=True))
    big = own_model("bigs", id=pw.BigAutoField(), node=pw.ForeignKeyField(node, backref="+"))
    small = own_model(
        "smalls",
        id=ColumnField("int unsigned", primary_key=True, auto_increment=True),
        big=pw.ForeignKeyField(big, on_delete="CASCADE"),
        user=pw.ForeignKeyField(User, null=True, backref="+"),
    )
    leaf = own_model("leaves", small=pw.ForeignKeyField(small, primary_key=True))
    return logical_tables([node, big, small, leaf])


def test_a_key_that_counts_has_the_declared_type(database: LiveDatabase, tmp_path: Path) -> None:
    """SQLite has one type for such keys, and the file is written with it; servers compare both ends of a key."""
    make_wordpress(database.database, "wp_")
    before, after = counting(pw.AutoField), counting(pw.BigAutoField)
    made = Folder(tmp_path / "migrations", before)
    made.write(after)
    assert made.write(after) == ""
    manager = made.manager(database.url)
    for tables, run in (
        (before, lambda: manager.run_migrations(to="1.0.0")),
        (after, manager.run_migrations),
        (before, manager.rollback),
        (after, manager.run_migrations),
    ):
        run()
        report = db_delta(tables, database.database, prefix="wp_", dry_run=True)
        assert (report.changes, report.refusals) == ((), ())


# --- the scratch database on the server


def schemas(database: LiveDatabase) -> list[str]:
    return [name for (name,) in database.execute("SELECT schema_name FROM information_schema.schemata")]


@pytest.mark.families("mysql", "mariadb")
def test_the_configured_database_is_not_touched(database: LiveDatabase) -> None:
    with database.statements() as seen:
        result = wch("check", "--models", database=database.url)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("The models and the migrations agree on SQLite ")
    assert result.out.count(" and ") == 2
    assert not seen.writes
    assert database.tables() == []
    with scratch_databases(parse_url(database.url)) as (databases, notes):
        (name,) = [name for name in schemas(database) if name == databases[1].database]
        assert name.startswith("wch_scratch_")
        assert notes == ()
    assert name not in schemas(database)


@pytest.mark.families("mysql", "mariadb")
def test_without_the_right_to_make_one_sqlite_alone_is_compared(database: LiveDatabase) -> None:
    with account(database, "ALL PRIVILEGES") as limited:
        result = wch("check", "--models", database=limited.url(database.name))
    assert result.code == 0
    assert result.err.startswith("Cannot create a scratch database on the server (Access denied for user ")
    assert len(result.err.splitlines()) == 1
    assert result.out.count(" and ") == 1


def trouble(database: LiveDatabase, folder: Folder, tables: tuple[Table, ...], spoil: str = "") -> tuple[str, ...]:
    """Write the migration to ``tables`` without the text ``spoil``, try it, and return the findings without engines."""
    with scratch_databases(parse_url(database.url)) as (databases, _):
        before = [produced_schema(scratch, folder.migrations) for scratch in databases]
        folder.write(tables)
        newest = folder.migrations.path / f"{folder.migrations.names[-1]}.py"
        newest.write_text(newest.read_text().replace(spoil or "no such text", "pass"))
        found = try_newest(databases, folder.migrations, tables, before)
    return tuple(words.partition(" it")[2] for words in found)


def test_what_is_wrong_with_a_new_migration_is_found(database: LiveDatabase, tmp_path: Path) -> None:
    one = Table("notes", (ID,))
    two = replace(one, columns=(ID, Column("body", varchar(9), default=Default(""))))
    folder = Folder(tmp_path / "migrations", (one,))
    assert trouble(database, folder, (two,)) == ()
    folder = Folder(tmp_path / "others", (one,))
    dropping = 'migrator.run(steps.drop_column, database, "notes", "body", allow_drop=True)'
    found = trouble(database, folder, (two,), dropping)
    assert set(found) == {"s rollback does not: Drop column notes.body"}
    assert len(found) == (1 if database.family == "sqlite" else 2)


@pytest.mark.families("mysql", "mariadb")
def test_what_the_server_refuses_is_found_before_it_is_shipped(database: LiveDatabase, tmp_path: Path) -> None:
    one = Table("notes", (ID, Column("body", varchar(900), default=Default(""))))
    two = replace(one, indexes=(Index("body", ("body",)),))
    (found,) = trouble(database, Folder(tmp_path / "migrations", (one,)), (two,))
    assert found.startswith(" fails: migration 002_next, step 1 of 2: wp_wch_notes cannot be changed: body is varchar(")
