"""What checks, changes and deletions cost in a table of very many messages, for docs/scale.md.

    python -m benchmarks.scale mysql://root@127.0.0.1/scale --rows 10000000

The database is an empty one on a server, or one that ``fill`` has filled before. Each figure is a line: what was done,
seconds, and rows a second. ``--figures`` picks some of them; they are done in the order of FIGURES.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import pairwise
from statistics import median
from typing import Any

import peewee

from wch_peewee import DatabaseManager, Plugin
from wch_peewee.database.connect import open_database
from wch_peewee.database.url import parse_url
from wch_peewee.execution.context import RunOptions
from wch_peewee.execution.session import run_session
from wch_peewee.migrate import batches, steps
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.objects import Column, Index, varchar
from wch_peewee.schema.statements import CopyRule

from .messages import numbers
from .places import bare_connection

#: Rows in one statement of ``fill``, and so in one transaction.
_AT_ONCE = 100_000
#: Messages of a conversation on average; the first conversation has a hundredth of all.
_EACH, _LARGEST = 50, 100
#: The part of the messages that is deleted or archived, and ids in one batch.
_OLD, _BATCH = 10, 5_000
#: What was done, its seconds, and the rows that it was done to.
Line = tuple[str, float, int | None]


def fill(url: str, rows: int) -> Iterator[Line]:
    """Fill the tables in the order of the ids; then ``wch repair`` builds the indexes and the foreign key."""
    Plugin(url).activate()
    with closing(bare_connection(url)) as connection:
        send = connection.cursor().execute
        if "MariaDB" not in connection.get_server_info():
            send("SET sql_log_bin = 0")
        send("ALTER TABLE wp_wch_messages DROP FOREIGN KEY wp_wch_messages_conversation_id_fk")
        for key in ("wa_message_id", "conversation_id", "created_at"):
            send(f"ALTER TABLE wp_wch_messages DROP KEY {key}")
        begun = time.perf_counter()
        conversations = max(rows // _EACH, 1)
        for first in range(0, conversations, _AT_ONCE):
            send(
                "INSERT INTO wp_wch_conversations "
                "(id, customer_phone, wa_conversation_id, status, last_message_at, created_at, updated_at) "
                "SELECT n + 1, CONCAT('+49176', LPAD(n, 8, '0')), LEFT(SHA2(n, 256), 32), 'active', "
                "'2026-01-01', '2024-01-01', '2026-01-01' FROM "
                f"(SELECT n + {first} AS n FROM ({numbers(5)}) AS few) AS more WHERE n < {conversations} ORDER BY n"
            )
        every = 2 * 365 * 86_400 / rows
        for first in range(0, rows, _AT_ONCE):
            send(
                "INSERT INTO wp_wch_messages "
                "(id, conversation_id, direction, message_type, wa_message_id, content, status, created_at) "
                f"SELECT n + 1, IF(n % {_LARGEST} = 0, 1, 1 + CRC32(n) % {conversations}), ELT(1 + n % 2, 'inbound', "
                "'outbound'), 'text', CONCAT('wamid.HBgMNDkxNzYwMDAwMDAwFQIAEhgg', UPPER(LEFT(SHA2(n, 256), 32))), "
                """CONCAT('{"text": {"body": "Order ', n, ': where is my parcel? I have been waiting since Monday, """
                """and the courier says that it has not got an address.", "preview_url": false}}'), 'read', """
                f"'2024-01-01' + INTERVAL FLOOR(n * {every}) SECOND "
                f"FROM (SELECT n + {first} AS n FROM ({numbers(5)}) AS few) AS more WHERE n < {rows} ORDER BY n"
            )
        yield "INSERT without secondary indexes", time.perf_counter() - begun, rows


def keys(url: str, rows: int) -> Iterator[Line]:
    """``wch repair`` of what ``fill`` has left out: each statement."""
    yield from _statements(url, lambda manager: manager.repair())


def reads(url: str, rows: int) -> Iterator[Line]:
    """What looks and changes nothing; each once, with the server's caches as the figure before has left them."""
    _send(url, "ANALYZE TABLE wp_wch_messages")
    manager, plugin = DatabaseManager(url), Plugin(url)
    plugin.admin_init()
    yield "admin_init, nothing to do", median(_seconds(plugin.admin_init) for _ in range(50)), None
    yield "status", _seconds(manager.status), None
    yield "plan", _seconds(lambda: manager.plan(counts=True)), None
    yield "activate, nothing to do (full verification)", _seconds(manager.install), None
    yield "count of the orphans", _seconds(manager.orphans), rows
    yield "SELECT COUNT(*)", _seconds(manager.row_counts), rows


def changes(url: str, rows: int) -> Iterator[Line]:
    """One change of each kind, as the steps of a migration."""
    with _run(url) as database:
        note, wide = Column("note", varchar(20), nullable=True), Column("note", varchar(100), nullable=True)
        index = Index("direction", ("direction", "created_at"))
        yield "add_column", _seconds(lambda: steps.add_column(database, "messages", note)), rows
        yield (
            "fill_column, in batches",
            _seconds(lambda: batches.fill_column(database, "messages", "note", "'x'")),
            rows,
        )
        yield "add_index on two columns", _seconds(lambda: steps.add_index(database, "messages", index)), rows
        yield "drop_index", _seconds(lambda: steps.drop_index(database, "messages", "direction")), rows
        yield "alter_column, which copies", _seconds(lambda: steps.alter_column(database, "messages", wide)), rows
        yield "drop_column", _seconds(lambda: steps.drop_column(database, "messages", "note", allow_drop=True)), rows


def orphans(url: str, rows: int) -> Iterator[Line]:
    """Lose every hundredth conversation behind the foreign key's back, and delete what is left of it."""
    connection = bare_connection(url)
    cursor = connection.cursor()
    cursor.execute("SET foreign_key_checks = 0")
    cursor.execute("ALTER TABLE wp_wch_messages DROP FOREIGN KEY wp_wch_messages_conversation_id_fk")
    cursor.execute("DELETE FROM wp_wch_conversations WHERE id % 100 = 99")
    connection.close()
    yield "count of the orphans", _seconds(DatabaseManager(url).orphans), rows
    manager = DatabaseManager(url)
    begun = time.perf_counter()
    report = manager.repair("delete")
    yield "repair --orphans=delete, and the foreign key", time.perf_counter() - begun, report.deleted


def cascade(url: str, rows: int) -> Iterator[Line]:
    """Delete a conversation with a hundredth of all messages: first in batches half of them, then the conversation."""
    database = open_database(parse_url(url))
    with database.connection_context():
        Message = Plugin(database).models.Message
        half = int(Message.select(peewee.fn.MAX(Message.id)).scalar()) // 2
        begun, count = time.perf_counter(), 0
        while True:
            some = Message.select(Message.id).where(Message.conversation == 1, Message.id <= half)
            ids = [message.id for message in some.order_by(Message.id).limit(1_000)]
            if not ids:
                break
            count += Message.delete().where(Message.id.in_(ids)).execute()
        yield "DELETE of half a conversation, 1,000 a time", time.perf_counter() - begun, count
        left = Message.select().where(Message.conversation == 1).count()
        conversation = "DELETE FROM wp_wch_conversations WHERE id = 1"
        yield "DELETE of a conversation, ON DELETE CASCADE", _seconds(lambda: database.execute_sql(conversation)), left
    database.close()


def retention(url: str, rows: int) -> Iterator[Line]:
    """Archive the oldest tenth into a table, check it, and delete it, in batches by id."""
    _send(
        url,
        "DROP TABLE IF EXISTS wp_messages_archive",
        "CREATE TABLE wp_messages_archive LIKE wp_wch_messages",
        "ALTER TABLE wp_messages_archive DROP KEY conversation_id, DROP KEY created_at",
    )
    with closing(bare_connection(url)) as connection:
        cursor = connection.cursor()
        last, slowest = rows // _OLD, 0.0
        copying = "INSERT IGNORE INTO wp_messages_archive SELECT * FROM wp_wch_messages WHERE id > %s AND id <= %s"
        begun = time.perf_counter()
        for after in range(0, last, _BATCH):
            cursor.execute(copying, (after, after + _BATCH))
        yield "archive: copy, 5,000 ids a time", time.perf_counter() - begun, last
        missing = (
            "SELECT COUNT(*) FROM wp_wch_messages m LEFT JOIN wp_messages_archive a ON a.id = m.id "
            "AND a.wa_message_id = m.wa_message_id WHERE m.id <= %s AND a.id IS NULL"
        )
        begun = time.perf_counter()
        cursor.execute(missing, (last,))
        ((count,),) = cursor.fetchall()
        assert not count, f"{count} messages are not in the archive"
        yield "archive: verify", time.perf_counter() - begun, last
        begun = time.perf_counter()
        for after in range(0, last, _BATCH):
            one = time.perf_counter()
            cursor.execute("DELETE FROM wp_wch_messages WHERE id > %s AND id <= %s", (after, after + _BATCH))
            slowest = max(slowest, time.perf_counter() - one)
        yield "retention: DELETE, 5,000 ids a time", time.perf_counter() - begun, last
        yield "the slowest of its batches", slowest, _BATCH
    _send(url, "DROP TABLE wp_messages_archive")


def partitions(url: str, rows: int) -> Iterator[Line]:
    """Copy a tenth of the messages into a table with partitions beside, and drop the partition that holds them."""
    tenth, last = rows // _OLD, rows // _OLD * 2
    _send(
        url,
        "DROP TABLE IF EXISTS wp_messages_parts",
        "CREATE TABLE wp_messages_parts LIKE wp_wch_messages",
        "ALTER TABLE wp_messages_parts DROP KEY wa_message_id, ADD UNIQUE KEY wa_message_id (wa_message_id, id)",
        f"ALTER TABLE wp_messages_parts PARTITION BY RANGE (id) (PARTITION p1 VALUES LESS THAN ({last + 1}), "
        "PARTITION later VALUES LESS THAN MAXVALUE)",
    )
    with closing(bare_connection(url)) as connection:
        cursor = connection.cursor()
        copying = "INSERT INTO wp_messages_parts SELECT * FROM wp_wch_messages WHERE id > %s AND id <= %s"
        begun = time.perf_counter()
        for after in range(tenth, last, _BATCH):
            cursor.execute(copying, (after, after + _BATCH))
        yield "partitions: copy, 5,000 ids a time", time.perf_counter() - begun, tenth
        begun = time.perf_counter()
        cursor.execute("ALTER TABLE wp_messages_parts DROP PARTITION p1")
        yield "retention: DROP PARTITION", time.perf_counter() - begun, tenth
    _send(url, "DROP TABLE wp_messages_parts")


FIGURES: dict[str, Callable[[str, int], Iterator[Line]]] = {
    "fill": fill,
    "keys": keys,
    "reads": reads,
    "changes": changes,
    "orphans": orphans,
    "cascade": cascade,
    "retention": retention,
    "partitions": partitions,
}


def _seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _statements(url: str, work: Callable[[DatabaseManager], Any]) -> Iterator[Line]:
    """Time what is ahead of a run's first statement, and each statement, to the beginning of the next one."""
    manager = DatabaseManager(url)
    marks = [(time.perf_counter(), "comparing, and counting the rows that conflict")]
    manager.before_statement = lambda statement: marks.append((time.perf_counter(), str(statement)))
    work(manager)
    marks.append((time.perf_counter(), ""))
    for (begun, text), (ended, _) in pairwise(marks):
        yield text.replace("`", "")[:80], ended - begun, None


@contextmanager
def _run(url: str) -> Iterator[peewee.Database]:
    options = RunOptions(copies=CopyRule(allowed=True))
    with run_session(open_database(parse_url(url)), our_names("wp_"), options) as context:
        yield context.database


def _send(url: str, *statements: str) -> None:
    with closing(bare_connection(url)) as connection:
        for statement in statements:
            connection.cursor().execute(statement)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("url", help="an empty database on a server")
    parser.add_argument("--rows", type=int, default=10_000_000, help="messages; default: %(default)s")
    parser.add_argument("--figures", nargs="+", choices=FIGURES, default=[*FIGURES], help=", ".join(FIGURES))
    options = parser.parse_args(arguments)
    for name in options.figures:
        for what, seconds, rows in FIGURES[name](options.url, options.rows):
            rate = f"{rows:14,} rows {rows / seconds:12,.0f} a second" if rows else ""
            print(f"{name:10} {what:80} {seconds:10.3f} s {rate}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
