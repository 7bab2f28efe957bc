"""From a correct schema on populated tables, whatever is done to it: db_delta converges and loses nothing.

WCH_EXAMPLES=10 multiplies the number of examples.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import example, given, settings

from tests.support.damage import Damage, named_rows
from tests.support.damage_strategies import KEYS, DamageStep, apply, damage_steps
from tests.support.database_reset import SavedDatabase
from tests.support.databases import LiveDatabase
from tests.support.repair import delta
from wch_peewee import Conversation, DeltaReport, Message
from wch_peewee.models.site import use_site
from wch_peewee.schema.naming import full_table_name
from wch_peewee.schema.objects import Table

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
    """Name the tables whose rows are not what they were, as far as their columns were there."""
    lost = []
    for table, rows in before.items():
        names = rows[0] if rows else ()
        kept = sorted(({name: row.get(name, "lost") for name in names} for row in after.get(table, ())), key=repr)
        if kept != rows:
            lost.append(f"{table}: {rows} -> {kept}")
    return lost


def lost_things(before: dict[str, Table], after: dict[str, Table]) -> list[str]:
    """Name columns, indexes, foreign keys, triggers and checks that were there and are not."""
    lost = []
    for key, table in before.items():
        now = after[key]
        lost += [f"{key}.{column.name}" for column in table.columns if now.column(column.name) is None]
        lost += [f"{key}: {thing}" for thing in table.foreign if thing not in now.foreign]
        lost += [f"{key}: {index}" for index in table.indexes if index not in now.indexes]
        lost += [f"{key}: {found}" for found in table.foreign_keys if found not in now.foreign_keys]
    return lost


def usable(report: DeltaReport) -> bool:
    """Say whether the report promises that the models work with what is there."""
    return not any(refusal.blocking for refusal in report.refusals) and not any(
        "inserts through the models fail" in extra for extra in report.extras
    )


def the_models_work(database: LiveDatabase) -> None:
    with use_site(database.database, database.prefix):
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
    assert full_table_name("messages") in database.tables()
