"""Each step on every engine: repeated it does nothing, its rollback works, and everything else stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.databases import LiveDatabase
from tests.support.snapshots import snapshot
from wch_peewee import DatabaseManager, RemovalRefused, SchemaConflict
from wch_peewee.database.query import Connection
from wch_peewee.execution.context import RunContext, RunListener
from wch_peewee.execution.introspect import count_rows
from wch_peewee.execution.session import run_session
from wch_peewee.migrate import steps
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.objects import Column, Default, ForeignKey, Index, Table, bigint, json, text, varchar
from wch_peewee.schema.preconditions import Precondition

NOTE = Column("note", text(), nullable=True)
KEY = ForeignKey(("conversation_id",), "conversations", on_delete="CASCADE")
PAIR = Index("conversation_created", ("conversation_id", "created_at"))
TAGS = Table("tags", (Column("id", bigint(unsigned=True), auto_increment=True), Column("name", varchar(20))))
COUPON = Column("coupon_code", varchar(50), nullable=True)

Step = tuple[Callable[..., None], tuple[Any, ...], dict[str, Any]]


def step(function: Callable[..., None], *arguments: Any, **options: Any) -> Step:
    return function, arguments, options


# What a migration does, and its way back.
THERE_AND_BACK = {
    "a table": (step(steps.create_tables, [TAGS]), step(steps.drop_tables, [TAGS], allow_drop=True)),
    "a column": (
        step(steps.add_column, "messages", NOTE, after="content"),
        step(steps.drop_column, "messages", "note", allow_drop=True),
    ),
    "a column's name": (
        step(steps.rename_column, "carts", "coupon_code", "coupon"),
        step(steps.rename_column, "carts", "coupon", "coupon_code"),
    ),
    "a column's type": (
        step(steps.alter_column, "carts", Column("coupon_code", varchar(80), default=Default("none"), nullable=True)),
        step(steps.alter_column, "carts", COUPON),
    ),
    "an index": (step(steps.add_index, "messages", PAIR), step(steps.drop_index, "messages", PAIR.name)),
    "an index's name": (
        step(steps.rename_index, "messages", "wa_message_id", "message"),
        step(steps.rename_index, "messages", "message", "wa_message_id"),
    ),
    "the name of a foreign key's index": (
        step(steps.rename_index, "messages", "conversation_id", "conversation"),
        step(steps.rename_index, "messages", "conversation", "conversation_id"),
    ),
    "a foreign key": (
        step(steps.drop_foreign_key, "messages", KEY),
        step(steps.add_foreign_key, "messages", KEY),
    ),
}


def do(database: LiveDatabase, what: Step) -> RunContext:
    function, arguments, options = what
    with run_session(database.connect(), our_names("wp_")) as context:
        function(context.database, *arguments, **options)
    return context


def spelled_alike(tables: dict[str, Any]) -> dict[str, Any]:
    """Remove the charset, which MySQL prints for a column depending on how it was created."""
    return {name: (text.replace("CHARACTER SET utf8mb4 ", ""), rows) for name, (text, rows) in tables.items()}


@pytest.mark.parametrize(("there", "back"), THERE_AND_BACK.values(), ids=THERE_AND_BACK)
def test_there_and_back_and_there_again(site: LiveDatabase, there: Step, back: Step) -> None:
    before = snapshot(site)
    assert do(site, there).outcomes
    after = snapshot(site)
    assert after != before
    assert do(site, there).outcomes == []
    assert snapshot(site) == after
    do(site, back)
    assert do(site, back).outcomes == []
    if site.family != "sqlite":  # SQLite writes its tables' text anew; what it says is compared below
        assert spelled_alike(snapshot(site)) == spelled_alike(before)
    assert DatabaseManager(site.url).plan().is_empty
    assert do(site, there).outcomes


def test_an_index_that_is_renamed_is_not_built_anew(site: LiveDatabase) -> None:
    seen: list[str] = []
    listener = RunListener(before_statement=lambda statement: seen.append(statement.sql))
    with run_session(site.connect(), our_names("wp_"), listener=listener) as context:
        steps.rename_index(context.database, "messages", "created_at", "made")
    if site.family == "sqlite":
        assert len(seen) == 2
    else:
        assert seen == ["ALTER TABLE `wp_wch_messages` RENAME INDEX `created_at` TO `made`"]


def test_names_that_are_not_there_are_said(site: LiveDatabase) -> None:
    with pytest.raises(SchemaConflict, match="has neither an index one nor two"):
        do(site, step(steps.rename_index, "messages", "one", "two"))
    with pytest.raises(SchemaConflict, match="has both indexes created_at and conversation_id"):
        do(site, step(steps.rename_index, "messages", "created_at", "conversation_id"))


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(
    "change",
    [
        step(steps.rename_column, "carts", "coupon_code", "coupon"),
        step(steps.alter_column, "carts", Column("coupon_code", varchar(80), nullable=True)),
    ],
    ids=["rename", "alter"],
)
def test_what_a_step_does_not_speak_of_is_kept(installed: LiveDatabase, change: Step) -> None:
    """Comment, collation, default and position stay those of the live column."""
    odd = "varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'it''s 100% \\\\ ours'"
    installed.execute(f"ALTER TABLE wp_wch_carts MODIFY coupon_code {odd}".replace("%", "%%"))
    attributes = (
        "SELECT ORDINAL_POSITION, COLLATION_NAME, COLUMN_COMMENT, IS_NULLABLE FROM information_schema.COLUMNS "
        "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'wp_wch_carts' AND COLUMN_NAME LIKE 'coupon%%'"
    )
    before = installed.execute(attributes)
    assert before[0][1] == "utf8mb4_bin"
    do(installed, change)
    assert installed.execute(attributes) == before
    assert do(installed, change).outcomes == []


def test_dropping_a_column_says_how_many_values_it_loses(site: LiveDatabase) -> None:
    before = snapshot(site)
    refused = step(steps.drop_column, "messages", "content")
    with pytest.raises(
        RemovalRefused, match=r"dropping wp_wch_messages.content loses the values of 6 rows; to accept this, add allow_"
    ):
        do(site, refused)
    site.execute("UPDATE wp_wch_messages SET content = NULL WHERE id > 1")
    with pytest.raises(RemovalRefused, match="loses the value of 1 row; "):
        do(site, refused)
    site.execute("UPDATE wp_wch_messages SET content = NULL")
    with pytest.raises(RemovalRefused, match="loses no value, because all are NULL; "):
        do(site, refused)
    assert snapshot(site).keys() == before.keys()


def test_dropping_tables_says_how_many_rows_go(site: LiveDatabase) -> None:
    tables = [Table("carts", ()), Table("sync_queue", ())]
    site.execute("DELETE FROM wp_wch_sync_queue WHERE id > 1")
    with pytest.raises(RemovalRefused, match=r"drops wp_wch_carts \(3 rows\), wp_wch_sync_queue \(1 row\); allow it"):
        do(site, step(steps.drop_tables, tables))


def test_nulls_that_stand_against_not_null_are_counted(site: LiveDatabase) -> None:
    site.execute("UPDATE wp_wch_messages SET content = NULL WHERE id IN (1, 2)")
    with pytest.raises(SchemaConflict, match="there are 2 rows of wp_wch_messages with NULL in content; fill them"):
        do(site, step(steps.alter_column, "messages", Column("content", json())))


def test_what_steps_on_columns_read_is_what_there_is_of_columns(site: LiveDatabase) -> None:
    """They skip what does not concern them. A column's own check does: changing the column would lose it."""
    site.execute("ALTER TABLE wp_wch_messages ADD COLUMN mood VARCHAR(9) CHECK (mood <> '')")
    with run_session(DatabaseManager(site.url).database, our_names("wp_")) as context:
        whole = context.live("wp_wch_messages")
        part = context.live("wp_wch_messages", for_columns=True)
    assert whole is not None
    assert part is not None
    assert part == replace(whole, foreign_keys=part.foreign_keys, foreign=part.foreign)
    assert part.foreign_keys in ((), whole.foreign_keys)
    mood = part.column("mood")
    assert mood is not None
    assert bool(mood.opaque) == (context.dialect.name != "mysql")


@pytest.mark.parametrize(("columns", "count"), [(("a",), 4), (("a", "b"), 2), (("b",), 2), (("c",), 0)])
def test_rows_with_the_same_values_are_counted(database: LiveDatabase, columns: tuple[str, ...], count: int) -> None:
    """A row with NULL in one of the columns stands against no unique index."""
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(9), b INTEGER, c INTEGER)")
    database.execute("INSERT INTO t VALUES (1, 'x', 1, 1), (2, 'x', 1, 2), (3, 'y', NULL, 3), (4, 'y', NULL, NULL)")
    connection = Connection.detect(database.connect())
    assert count_rows(connection, Precondition("no_duplicates", "t", columns)) == count
