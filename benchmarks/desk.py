"""The reads of an agent's desk on many rows: the key that each uses, its time, and what an index of one's own gains.

    python -m benchmarks.desk --engines mariadb,mysql --rows 200000

So many conversations, and so many messages, half of them in one conversation. It takes a minute or two for a million.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.databases import LiveDatabase
from tests.support.engines import choose_engines
from wch_peewee import Plugin

from .messages import numbers

#: The key of docs/daily-jobs.md.
INDEX = "CREATE INDEX agent_inbox ON wp_wch_conversations (assigned_agent_id, status, last_message_at)"
#: An agent with few conversations, who is the worst case of a list in the order of the last message.
AGENT = 9_999
_AT_ONCE = 100_000
_START = datetime(2026, 1, 1)


def fill(database: LiveDatabase, rows: int) -> None:
    """Make so many conversations, ten seconds apart, a fifth of them open; as many messages, half of them in one."""
    sqlite = database.family == "sqlite"
    modulo = "%" if sqlite else "%%"
    moment = (
        "datetime('2026-01-01', (10 * n) || ' seconds')" if sqlite else "TIMESTAMPADD(SECOND, 10 * n, '2026-01-01')"
    )
    for first in range(0, rows, _AT_ONCE):
        few = f"SELECT n + {first} AS n FROM ({numbers(5)}) AS few WHERE n < {min(_AT_ONCE, rows - first)}"
        agent = f"CASE WHEN n {modulo} {max(rows // 20, 1)} = 1 THEN {AGENT} ELSE n {modulo} 50 END"
        database.execute("BEGIN")
        database.execute(
            "INSERT INTO wp_wch_conversations (id, customer_phone, wa_conversation_id, status, assigned_agent_id, "
            f"context, last_message_at, created_at, updated_at) SELECT n + 1, n, n, "
            f"CASE WHEN n {modulo} 5 = 1 THEN 'active' ELSE 'closed' END, {agent}, '{{}}', {moment}, {moment}, "
            f"{moment} FROM ({few}) AS numbers ORDER BY n"
        )
        database.execute(
            "INSERT INTO wp_wch_messages (conversation_id, direction, message_type, wa_message_id, content, "
            f"created_at) SELECT CASE WHEN n {modulo} 2 = 0 THEN 1 ELSE n + 1 END, 'inbound', 'text', n, "
            f"""'{{"text": "hi"}}', {moment} FROM ({few}) AS numbers ORDER BY n"""
        )
        database.execute("COMMIT")
    for table in ("conversations", "messages"):
        database.execute("ANALYZE" if sqlite else f"ANALYZE TABLE wp_wch_{table}")


def reads(models: Any, rows: int) -> dict[str, Any]:
    """Return each read as a query, by what a user calls."""
    end = _START + timedelta(seconds=10 * rows)
    day = min(timedelta(days=1), timedelta(seconds=rows // 2))
    big = models.Conversation.get_by_id(1)
    message = models.Message
    return {
        "Conversation.recent()": models.Conversation.recent(),
        "conversation.last_messages(50)": message.select()
        .where(message.conversation == big)
        .order_by(message.id.desc())
        .limit(50),
        "Conversation.inbox(agent), many": models.Conversation.inbox(1),
        "Conversation.inbox(agent), few": models.Conversation.inbox(AGENT),
        "Message.per_day(), a day": message.days(end - day),
        "Message.prunable(), a batch": message.prunable(_START + timedelta(days=1)).limit(500),
    }


def keys_of(database: LiveDatabase, query: Any) -> str:
    """Return the keys that the server says it would use."""
    sql, parameters = query.sql()
    if database.family == "sqlite":
        rows = database.database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
        return "; ".join(str(row[3]) for row in rows)
    prefix = "EXPLAIN FORMAT=TRADITIONAL" if database.family == "mysql" else "EXPLAIN"
    cursor = database.database.execute_sql(f"{prefix} {sql}", parameters)
    place = [column[0] for column in cursor.description].index("key")
    return ", ".join(str(row[place]) for row in cursor.fetchall())


def measured(work: Callable[[], object], rounds: int = 7) -> float:
    """Return the median in milliseconds."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e3


def lines(database: LiveDatabase, rows: int) -> Iterator[str]:
    plugin = Plugin(database.url)
    plugin.activate()
    fill(database, rows)
    found = {
        name: (keys_of(database, query), measured(lambda query=query: list(query.clone().tuples())))  # type: ignore[misc]
        for name, query in reads(plugin.models, rows).items()
    }
    begun = time.perf_counter()
    database.execute(INDEX)
    took = time.perf_counter() - begun
    for name, query in reads(plugin.models, rows).items():
        key, before = found[name]
        after = f"{measured(lambda query=query: list(query.clone().tuples())):.1f}" if "inbox" in name else ""  # type: ignore[misc]
        yield f"| {name} | {database.engine} | {rows:,} | {key} | {before:.1f} | {after} |"
    yield f"| (making the index: {took:.1f} s) | {database.engine} | {rows:,} | | | |"
    plugin.database.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk", description=__doc__)
    parser.add_argument("--engines", default=os.environ.get("WCH_TEST_ENGINES", ""), help="by name or family")
    parser.add_argument("--rows", type=int, default=200_000)
    options = parser.parse_args(arguments)
    engines, _ = choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), options.engines)
    print("| read | engine | rows | key | ms | ms with agent_inbox |\n| --- | --- | ---: | --- | ---: | ---: |")
    for engine in engines:
        with tempfile.TemporaryDirectory(prefix="wch-desk-") as folder, engine.fresh(Path(folder)) as database:
            for line in lines(database, options.rows):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
