"""Changes that stop all writes of a Galera cluster: what a plan says of them, and what a run does about them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster_runs import Databases, Watch
from tests.support.concurrency import Send, Worker, eventually
from tests.support.databases import LiveDatabase
from tests.support.galera import GaleraCluster
from tests.support.migration_chain import SETTLED, chain_folder
from tests.support.online import OnlineSite, succeed, wait_until
from tests.support.populate import populate
from wch_peewee import DatabaseManager, MigrationFailed
from wch_peewee.execution.online import find_copier
from wch_peewee.schema.plan import Forecast
from wch_peewee.schema.statements import CopyRule, Statement, Step

TOOL = "pt-online-schema-change"
STOPS = "blocks all writes to the cluster, on every table and node,"
#: No table is small enough.
TINY = CopyRule(rows=-1)
with_tool = pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} is not installed")

MIGRATION = """
from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, Index, varchar

VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
    {steps}
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.irreversible, database, "only forward")
"""
COLUMN = 'migrator.run(steps.add_column, database, "messages", Column("note", varchar(20), nullable=True))'
INDEX = 'migrator.run(steps.add_index, database, "messages", Index("direction_status", ("direction", "status")))'
UNIQUE = 'migrator.run(steps.add_index, database, "messages", Index("once", ("wa_message_id", "id"), unique=True))'
WIDER = (
    'migrator.run(steps.alter_column, database, "conversations", Column("wa_conversation_id", varchar(90)))\n'
    '    migrator.run(steps.alter_column, database, "messages", Column("wa_message_id", varchar(90)))'
)


@pytest.fixture
def nodes(galera: GaleraCluster) -> Iterator[Databases]:
    with galera.fresh() as databases:
        yield databases


def filled(database: LiveDatabase, tmp_path: Path, steps: str) -> Path:
    """Install version 1.0.0 with a few rows, and return a folder with one more migration."""
    folder = chain_folder(tmp_path, [])
    DatabaseManager(database.url, migrations=folder, models=SETTLED).run_migrations()
    populate(database)
    database.execute("ANALYZE TABLE wp_wch_conversations, wp_wch_messages")
    (folder / "002_more.py").write_text(MIGRATION.format(steps=steps), encoding="utf-8")
    return folder


def manager(database: LiveDatabase, folder: Path, rule: CopyRule) -> DatabaseManager:
    return DatabaseManager(database.url, migrations=folder, models=SETTLED, copies=rule)


def planned(database: LiveDatabase, folder: Path, rule: CopyRule = TINY) -> list[Forecast]:
    steps = manager(database, folder, rule).plan(counts=True).dry_run.steps
    return [forecast for forecast in steps if forecast.effect is not None]


def words(forecast: Forecast) -> str:
    assert forecast.effect is not None
    return forecast.effect.words


def test_a_column_is_added_at_once_and_transactions_on_the_table_are_rolled_back(
    nodes: Databases, tmp_path: Path
) -> None:
    folder = filled(nodes[0], tmp_path, COLUMN)
    (column,) = planned(nodes[0], folder)
    assert words(column).endswith("blocks nobody, but rolls back open transactions on the table")
    assert column.copy_refusal == ""
    session = nodes[1].connect()
    session.execute_sql("BEGIN")
    session.execute_sql("UPDATE wp_wch_messages SET status = 'failed'")
    manager(nodes[0], folder, CopyRule(rows=-1)).run_migrations()
    with pytest.raises(Exception, match="1213"):
        session.execute_sql("COMMIT")


@pytest.mark.parametrize("steps", [INDEX, WIDER, UNIQUE], ids=["index", "copy", "unique index"])
def test_what_stops_all_writes_needs_leave(nodes: Databases, tmp_path: Path, steps: str) -> None:
    folder = filled(nodes[0], tmp_path, steps)
    for forecast in planned(nodes[0], folder):
        assert re.match(rf"{STOPS} .*estimate\)", words(forecast))
        assert STOPS in forecast.copy_refusal
        assert "--allow-copy" in forecast.copy_refusal
        assert (TOOL in forecast.copy_refusal) == (steps != UNIQUE)
        assert ("node by node" in forecast.copy_refusal) == (steps == INDEX)
    before = nodes[1].execute("SHOW CREATE TABLE wp_wch_messages")
    with pytest.raises(MigrationFailed, match=f"{STOPS}.*--allow-copy"):
        manager(nodes[0], folder, CopyRule(rows=-1)).run_migrations()
    assert nodes[1].execute("SHOW CREATE TABLE wp_wch_messages") == before
    assert all(forecast.copy_refusal == "" for forecast in planned(nodes[0], folder, CopyRule()))
    assert len(manager(nodes[0], folder, CopyRule(rows=-1, allowed=True)).run_migrations()) == 1
    assert nodes[1].execute("SHOW CREATE TABLE wp_wch_messages") != before


def test_an_index_build_stops_writes_to_other_tables_on_other_nodes(nodes: Databases, tmp_path: Path) -> None:
    """And reads go on: the reason for all this."""
    folder = filled(nodes[0], tmp_path, INDEX)
    nodes[0].execute(
        "INSERT INTO wp_wch_messages (conversation_id, direction, message_type, wa_message_id, created_at) "
        "SELECT (SELECT MIN(id) FROM wp_wch_conversations), 'inbound', 'text', CONCAT('many', seq), NOW() "
        "FROM seq_1_to_200000"
    )

    def run(send: Send) -> int:
        return len(manager(nodes[0], folder, CopyRule(allowed=True)).run_migrations())

    def write(send: Send) -> int:
        insert = "INSERT INTO wp_options (option_name, option_value) VALUES ('x', 'y')"
        return int(nodes[2].connect().execute_sql(insert).rowcount)

    watch, alter = Watch(nodes[0]), "ALTER TABLE `wp_wch_messages` ADD"
    reader, waiting = nodes[1].connect(), Watch(nodes[2])
    with Worker(run) as worker:
        eventually(lambda: watch.sees(alter))
        with Worker(write) as writer:
            # Each node ends the ALTER at a moment of its own: what is seen is that the INSERT waits while it runs.
            eventually(lambda: waiting.sees("INSERT INTO wp_options"))
            assert reader.execute_sql("SELECT COUNT(*) FROM wp_wch_carts").fetchone() is not None
            assert (waiting.sees("INSERT INTO wp_options"), watch.sees(alter)) == (True, True)
            assert writer.ending() == 1
        assert worker.ending() == 1


@with_tool
@pytest.mark.parametrize("steps", [INDEX, WIDER], ids=["index", "copy"])
def test_the_tool_does_it_beside_the_writers(nodes: Databases, tmp_path: Path, steps: str) -> None:
    """With foreign keys: a parent with its child, and the child."""
    folder = filled(nodes[0], tmp_path, steps)
    rule = CopyRule(rows=-1, copier=find_copier(nodes[0].database))
    assert all(forecast.handed_over and not forecast.copy_refusal for forecast in planned(nodes[0], folder, rule))
    rows = nodes[0].execute("SELECT * FROM wp_wch_messages ORDER BY id")
    assert len(manager(nodes[0], folder, rule).run_migrations()) == 1
    for database in nodes:
        assert database.execute("SELECT * FROM wp_wch_messages ORDER BY id") == rows
        assert manager(database, folder, CopyRule()).plan().is_empty
        assert [name for name in database.tables() if name.startswith("_")] == []
        assert database.execute("SHOW TRIGGERS") == []


@with_tool
def test_the_tool_is_not_given_what_it_would_lose_rows_by(nodes: Databases, tmp_path: Path) -> None:
    folder = filled(nodes[0], tmp_path, UNIQUE)
    rule = CopyRule(rows=-1, copier=find_copier(nodes[0].database))
    (index,) = planned(nodes[0], folder, rule)
    assert not index.handed_over
    assert TOOL not in index.copy_refusal


@with_tool
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_run_that_is_killed_with_its_tool_at_work_is_finished_on_another_node(
    nodes: Databases, galera: GaleraCluster, tmp_path: Path
) -> None:
    """No named lock keeps it away, but the lease, and then what the tool has in the database."""
    with galera.fresh() as twins:
        site = OnlineSite(nodes[0], twins[0], tmp_path, 20_000)
        site.next_migrations()
        run = site.start()
        assert wait_until(lambda: bool(site.pids(TOOL)) and any(name.startswith("_") for name in nodes[0].tables()))
        run.kill()
        run.communicate()
        succeed(site.start(nodes[1].url))
        assert (site.settle(), site.state()) == ([], site.expected())


def test_an_index_is_added_node_by_node_as_the_page_says(nodes: Databases, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/clusters.md").read_text(encoding="utf-8")
    (block,) = re.findall(
        r"```sql\n(.*?)```", page.partition("## Add an index node by node")[2].partition("\n## ")[0], re.DOTALL
    )
    *statements, expected = [line.strip() for line in block.splitlines() if line.strip()]
    folder = filled(nodes[0], tmp_path, INDEX)
    (planned_index,) = planned(nodes[0], folder)
    assert isinstance(planned_index.work, Step)
    assert [*map(str, planned_index.work.statements)] == [statements[2]]

    writers = [database.connect() for database in nodes]
    insert = "INSERT INTO wp_wch_messages (conversation_id, direction, message_type, wa_message_id, created_at) "
    conversation = "(SELECT MIN(id) FROM wp_wch_conversations AS c)"
    for number, database in enumerate(nodes):
        session = database.connect()
        for turn, statement in enumerate(statements[:-1]):
            session.execute_sql(statement)
            # Other nodes go on writing, with the index and without.
            for writer in (one for one in range(3) if one != number):
                name = f"{number} {writer} {turn}"
                values = f"SELECT {conversation}, 'inbound', 'text', %s, NOW()"
                writers[writer].execute_sql(insert + values, (name,))
        state = ": ".join(map(str, eventually(lambda s=session: synced(s.execute_sql(statements[-1]).fetchall()))))
        assert f"-- {state}" == expected
        session.close()
    assert len({tuple(database.execute("SELECT id, wa_message_id FROM wp_wch_messages")) for database in nodes}) == 1
    for database in nodes:
        indexes = database.execute("SHOW INDEX FROM wp_wch_messages")
        assert [row[4] for row in indexes if row[2] == "direction_status"] == ["direction", "status"]
    run, sent = manager(nodes[2], folder, TINY), list[Statement]()
    run.before_statement = sent.append
    assert run.run_migrations() == ("002_more",)
    assert [statement for statement in sent if statement.table == "wp_wch_messages"] == []
    assert all(manager(database, folder, TINY).plan().is_empty for database in nodes)


def synced(rows: list[tuple[str, str]]) -> tuple[str, str] | None:
    return next((row for row in rows if row[1] == "Synced"), None)
