"""What it costs to install: activate() on an empty database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wch_peewee import Plugin

from ..bench import Bench
from ..places import Sent, bare, listening, send
from ..rows import Mark, Row
from ..samples import interleaved, timed
from .asking import activate_peers


def measure(bench: Bench) -> Iterator[Row]:
    with bench.fresh() as database, listening() as sent:
        Plugin(database.url).activate()
    writes = sent.starting("CREATE", "INSERT")

    def ours() -> float:
        with bench.fresh() as database:
            plugin = Plugin(database.url)
            seconds = timed(plugin.activate)
            plugin.database.close()
            return seconds

    def floor() -> float:
        with bench.fresh() as database:
            return timed(lambda: _write(database.url, writes))

    def statements() -> float:
        with bench.fresh() as database, bare(database.url) as connection:
            return timed(lambda: _send(connection, database.url, writes))

    samples = interleaved({"ours": ours, "floor": floor, "statements": statements}, rounds=bench.amounts.rounds)
    yield Row(
        "activate() on an empty database",
        bench.name,
        "ms",
        samples["ours"],
        samples["floor"],
        Mark(1.3),
        peers=activate_peers(bench, rounds=2),
        note="floor: connect, and the same DDL one after the other",
    )
    yield Row(
        "the same, against the DDL alone",
        bench.name,
        "ms",
        samples["ours"],
        samples["statements"],
        note="floor: the DDL on a connection that is open already; ours also inspects, connects, locks and verifies",
    )


def _write(url: str, writes: list[Sent]) -> None:
    with bare(url) as connection:
        _send(connection, url, writes)


def _send(connection: Any, url: str, writes: list[Sent]) -> None:
    # As ours does on SQLite: one transaction for all of it. Elsewhere DDL commits by itself.
    send(connection, [("BEGIN", ()), *writes, ("COMMIT", ())] if url.startswith("sqlite") else writes)
