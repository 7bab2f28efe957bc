"""db_delta converges and loses nothing, whatever damage is done to a correct, populated schema.

WCH_EXAMPLES=10 multiplies the number of examples.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.bound import bound
from tests.support.damage import Damage, named_rows
from tests.support.damage_strategies import KEYS, DamageStep, apply, damage_steps
from tests.support.database_reset import SavedDatabase
from tests.support.databases import LiveDatabase
from tests.support.repair import delta
from wch_peewee import Conversation, DeltaReport, Message
from wch_peewee.execution.context import RunContext
from wch_peewee.execution.session import run_session
from wch_peewee.migrate.steps import alter_column
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.objects import Column, Default, Table, bigint, enum, varchar
from wch_peewee.schema.operations import CreateTable, DropTable

#: With --slow twice as many.
EXAMPLES = {"sqlite": 100, "mariadb": 25, "mysql": 25}


def test_db_delta_converges_and_loses_nothing(populated: SavedDatabase, pytestconfig: pytest.Config) -> None:
    database = populated.database
    times = 2 if pytestconfig.getoption("--slow") else 1
    examples = EXAMPLES[database.family] * times * int(os.environ.get("WCH_EXAMPLES", "1"))

    @settings(max_examples=examples)
    @given(damage_steps(6))
    # The column under the foreign key gets another name, and no message is there that a new key could mind.
    @example([DamageStep("rename_column", 1, 0, 0), DamageStep("change_rows", 0, 0, 8)])
    def law(drawn: list[DamageStep]) -> None:
        populated.restore()
        damage = Damage(database)
        with damage.at_once():
            for step in drawn:
                apply(damage, step)
        before, tables, others = named_rows(database), live(damage), set(database.tables())

        report = delta(database)

        assert lost_rows(before, named_rows(database)) == []
        assert lost_things(tables, live(damage)) == []
        assert others <= set(database.tables())
        again = delta(database, dry_run=True)
        assert (again.changes, again.statements) == ((), ())
        assert (again.refusals, again.extras) == (report.refusals, report.extras)
        if usable(report):
            the_models_work(database)

    law()


def live(damage: Damage) -> dict[str, Table]:
    return {key: found for key in KEYS if (found := damage.find(key)) is not None}


def lost_rows(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return the tables whose rows have changed, in the columns that they had before."""
    lost = []
    for table, rows in before.items():
        names = rows[0] if rows else ()
        kept = sorted(({name: row.get(name, "lost") for name in names} for row in after.get(table, ())), key=repr)
        if kept != rows:
            lost.append(f"{table}: {rows} -> {kept}")
    return lost


def lost_things(before: dict[str, Table], after: dict[str, Table]) -> list[str]:
    """Return the columns, indexes, foreign keys, triggers and checks that are gone."""
    lost = []
    for key, table in before.items():
        now = after[key]
        lost += [f"{key}.{column.name}" for column in table.columns if now.column(column.name) is None]
        lost += [f"{key}: {thing}" for thing in table.foreign if thing not in now.foreign]
        lost += [f"{key}: {index}" for index in table.indexes if index not in now.indexes]
        lost += [f"{key}: {found}" for found in table.foreign_keys if found not in now.foreign_keys]
    return lost


def usable(report: DeltaReport) -> bool:
    """Return True if the report says that the models work with these tables."""
    return not any(refusal.blocking for refusal in report.refusals) and not any(
        "inserts through the models fail" in extra for extra in report.extras
    )


def the_models_work(database: LiveDatabase) -> None:
    with bound(database.database, database.prefix):
        conversation = Conversation.create(
            customer_phone="+1 555", wa_conversation_id="wa-new", context={"é": [1, None]}
        )
        for number in range(2):
            Message.create(
                conversation=conversation, direction="inbound", message_type="text", wa_message_id=f"new.{number}"
            )
        found = Conversation.get_by_id(conversation.id)
        assert (found.customer_phone, found.status, found.context) == ("+1 555", "pending", {"é": [1, None]})
        assert [message.status for message in found.messages] == ["sent", "sent"]
        foreign_keys = Damage(database).table("messages").foreign_keys
        found.delete_instance(recursive=not any(key.on_delete == "CASCADE" for key in foreign_keys))
        assert Message.select().where(Message.wa_message_id.startswith("new.")).count() == 0
    assert our_names().known("messages") in database.tables()


#: What servers escape, each in its own way, and what their metadata cannot hold. SQLite takes no NUL in a statement.
CHARACTERS = "".join(map(chr, range(32))) + "\x7f'\"\\%_?anrZ0, é€\N{GRINNING FACE}\u3000"


def test_texts_are_read_back_as_they_are(installed: LiveDatabase) -> None:
    database = installed
    letters = CHARACTERS.strip("\0") if database.family == "sqlite" else CHARACTERS
    texts = st.text(letters, max_size=12)

    @settings(max_examples=EXAMPLES[database.family] // 3)
    @given(texts, st.lists(texts, min_size=1, max_size=3), texts)
    @example("Kind regards\nACME", ["a ", "b\\n"], "it's 100%")
    @example("\N{GRINNING FACE}", ["\N{GRINNING FACE}"], "\N{GRINNING FACE}")
    def law(default: str, endings: list[str], comment: str) -> None:
        values = [f"{number}{ending}" for number, ending in enumerate(endings)]
        declared = Table(
            "texts",
            (
                Column("id", bigint(unsigned=True), auto_increment=True),
                Column("a", varchar(20), default=Default(default), comment=comment),
                Column("e", enum(*values), default=Default(values[-1])),
            ),
        )
        with run_session(database.database, our_names(database.prefix)) as context:
            table = context.resolve([declared]).tables[0]
            try:
                context.change(table.name, [CreateTable(table.name, table)])
                assert (context.plan([declared]).steps, context.plan([declared]).refusals) == ((), ())
                stored = (default, values[-1] if database.family == "sqlite" else values[-1].rstrip(" "))
                assert by_default(context, table.name) == stored
                for column in table.columns[1:]:
                    alter_column(context.database, "texts", column)  # nothing to do
                    alter_column(context.database, "texts", replace(column, nullable=True))
                assert by_default(context, table.name) == stored
                (same, *loose) = (column.nullable for column in context.read([table.name]).tables[0].columns)
                assert (same, loose) == (False, [True, True])
            finally:
                context.change(table.name, [DropTable(table.name)])

    law()


def by_default(context: RunContext, table: str) -> tuple[str, str]:
    """Return the defaults that a new row gets."""
    context.database.execute_sql(f"INSERT INTO {table} (id) SELECT COUNT(*) + 1 FROM {table}")
    (row,) = context.database.execute_sql(f"SELECT a, e FROM {table} ORDER BY id DESC LIMIT 1").fetchall()
    return row[0], row[1]
