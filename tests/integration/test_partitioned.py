"""Partitioned messages without the foreign key: declared, they are no difference, and no step undoes them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.algorithms import measure
from tests.support.bound import bound
from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import SETTLED, chain_folder
from wch_peewee import MODELS, Conversation, DatabaseManager, Message, Plugin, db_delta
from wch_peewee.execution.context import RunOptions
from wch_peewee.execution.online import find_copier
from wch_peewee.execution.session import run_session
from wch_peewee.migrate import batches, steps
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.objects import Column, Default, Index, enum, varchar
from wch_peewee.schema.statements import CopyRule

#: What such a table cannot have, in the words of the refusals.
DECLARED = ("Add foreign key wp_wch_messages *", "Add index wp_wch_messages UNIQUE *")
OPTIONS = [word for words in DECLARED for word in ("--ignore", words)]
MESSAGES = "ALTER TABLE wp_wch_messages"
#: The keys of wa_message_id, and the partitions.
FORMS = {
    "by range": (
        "ADD UNIQUE KEY wa_message_id (wa_message_id, id)",
        "RANGE (id) (PARTITION p1 VALUES LESS THAN (3), PARTITION p2 VALUES LESS THAN MAXVALUE)",
    ),
    "by hash": ("ADD KEY wa_message_id (wa_message_id)", "HASH (id) PARTITIONS 3"),
    "by the key, without an index": ("COMMENT ''", "KEY () PARTITIONS 2"),
}

pytestmark = pytest.mark.families("mysql", "mariadb")


@pytest.fixture(params=FORMS.values(), ids=FORMS)
def partitioned(site: LiveDatabase, request: pytest.FixtureRequest) -> LiveDatabase:
    partition(site, *request.param)
    return site


def partition(database: LiveDatabase, key: str, partitions: str) -> None:
    database.execute(f"{MESSAGES} DROP FOREIGN KEY wp_wch_messages_conversation_id_fk")
    database.execute(f"{MESSAGES} DROP KEY wa_message_id, {key}")
    database.execute(f"{MESSAGES} PARTITION BY {partitions}")


def partitions(database: LiveDatabase) -> str:
    text = str(database.execute("SHOW CREATE TABLE wp_wch_messages")[0][1])
    return re.sub(r"\s+", " ", text[text.index("PARTITION BY") :])


def test_declared_it_is_no_difference(partitioned: LiveDatabase) -> None:
    url = partitioned.url
    named = wch("check", database=url)
    assert named.code == 1
    for words in (
        "Add foreign key",
        "Add index wp_wch_messages UNIQUE",
        "wp_wch_messages has a partitioning of its own",
    ):
        assert words in named.out
    assert wch("status", database=url).code == 1
    with partitioned.statements() as seen:
        for command in ("activate", "check", "plan", "status"):
            assert wch(command, *OPTIONS, database=url).code == 0
    # Rows are not counted for what cannot be anyway.
    assert not [sql for sql in seen if "GROUP BY" in sql or "LEFT JOIN `wp_wch" in sql]
    assert wch("repair", *OPTIONS, database=url).code == 0
    manager = DatabaseManager(url, ignore=DECLARED)
    assert (manager.plan().plan.is_empty, manager.plan().plan.refusals) == (True, ())
    plugin = Plugin(partitioned.database, ignore=DECLARED)
    assert plugin.activate().outcome == "current"
    partitioned.execute("UPDATE wp_options SET option_value = '0.9' WHERE option_name = 'wch_db_version'")
    assert plugin.admin_init().outcome == "upgraded"
    assert (manager.plan().is_empty, plugin.activate().refusals) == (True, ())


def test_no_step_takes_the_partitions_away(partitioned: LiveDatabase) -> None:
    before = partitions(partitioned)
    with run_session(partitioned.connect(), our_names("wp_")) as context:
        database, table = context.database, "messages"
        statuses = ("sent", "delivered", "read", "failed", "lost")
        steps.add_column(database, table, Column("note", varchar(20), nullable=True), after="direction")
        steps.alter_column(database, table, Column("status", enum(*statuses), default=Default("sent")))
        steps.alter_column(database, table, Column("note", varchar(90), nullable=True))  # a copy
        steps.add_index(database, table, Index("note", ("note", "id"), unique=True))
        batches.fill_column(database, table, "note", "CONCAT('note ', id)", size=2)
        steps.rename_column(database, table, "note", "notes")
        steps.rename_index(database, table, "note", "notes")
        assert partitions(partitioned) == before
        notes = partitioned.execute("SELECT id, notes FROM wp_wch_messages ORDER BY id")
        assert notes == [(id_, f"note {id_}") for id_ in range(1, 7)]
        steps.drop_index(database, table, "notes")
        steps.drop_column(database, table, "notes", allow_drop=True)
    partitioned.execute(f"{MESSAGES} DROP COLUMN status, DROP KEY created_at")
    assert db_delta(MODELS, partitioned.database).changes[:1] == ("Added column wp_wch_messages.status",)
    manager = DatabaseManager(partitioned.url, ignore=DECLARED)
    assert (manager.plan().plan.is_empty, manager.plan().plan.refusals) == (True, ())
    assert partitions(partitioned) == before


def test_migrations_go_forward_and_back(partitioned: LiveDatabase, tmp_path: Path) -> None:
    before = partitions(partitioned)
    manager = DatabaseManager(partitioned.url, migrations=chain_folder(tmp_path), models=SETTLED)
    assert len(manager.run_migrations()) == 6
    assert partitions(partitioned) == before
    assert manager.rollback() == ("007_message_index",)
    assert partitions(partitioned) == before


@pytest.mark.skipif(shutil.which("pt-online-schema-change") is None, reason="pt-online-schema-change is not installed")
def test_an_online_tool_keeps_them(site: LiveDatabase) -> None:
    partition(site, *FORMS["by range"])
    before = partitions(site)
    site.execute("ANALYZE TABLE wp_wch_messages")
    copier = find_copier(site.connect(), lambda table, percent: None)
    options = RunOptions(copies=CopyRule(rows=-1, copier=copier))
    with run_session(site.connect(), our_names("wp_"), options) as context:
        steps.alter_column(context.database, "messages", Column("wa_message_id", varchar(60)))
    assert partitions(site) == before
    assert "varchar(60)" in str(site.execute("SHOW CREATE TABLE wp_wch_messages")[0][1])
    assert len(site.execute("SELECT * FROM wp_wch_messages")) == 6


def test_models_work_and_orphans_are_swept(partitioned: LiveDatabase) -> None:
    plugin = Plugin(partitioned.url, ignore=DECLARED)
    with bound(plugin.database, plugin.prefix):
        first = Conversation.get_by_id(1)
        Message.create(
            conversation=first, direction="inbound", message_type="text", wa_message_id="new", content={"n": 1}
        )
        joined = Message.select().join(Conversation).where(Conversation.id == 1)
        assert [message.wa_message_id for message in joined.order_by(Message.id)] == ["wamid.0.0", "wamid.0.1", "new"]
        assert Message.update(status="read").where(Message.conversation == first).execute() == 3
        assert Conversation.delete().where(Conversation.id == 1).execute() == 1  # takes no message with it
    plugin.database.close()
    swept = wch("repair", "--orphans=delete", "--yes", *OPTIONS, database=partitioned.url)
    assert (swept.code, swept.out.splitlines()[0]) == (0, "Deleted 3 rows without a parent")
    assert partitioned.execute("SELECT COUNT(*) FROM wp_wch_messages") == [(4,)]


def test_uninstalling_takes_the_whole_table(partitioned: LiveDatabase) -> None:
    assert not DatabaseManager(partitioned.url).uninstall().removed
    assert partitions(partitioned)
    assert DatabaseManager(partitioned.url, remove_data=True).uninstall().removed
    assert "wp_wch_messages" not in partitioned.tables()


def test_algorithms_are_those_of_other_tables(database: LiveDatabase) -> None:
    found = dict(measure(database, partitioned=True))
    assert {words: outcome.predicted for words, outcome in found.items()} == {
        words: outcome.actual for words, outcome in found.items()
    }
