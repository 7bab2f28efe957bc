"""What a request pays when there is nothing to do: admin_init on a warm connection."""

from __future__ import annotations

from collections.abc import Iterator

from wch_peewee import Plugin

from ..bench import Bench
from ..places import bare, listening, send
from ..rows import Mark, Row
from ..samples import interleaved, timed
from .asking import ask_peers, compared

_TIMES = 200


def measure(bench: Bench) -> Iterator[Row]:
    with bench.installed() as database, bare(database.url) as connection:
        plugin = Plugin(database.url)
        plugin.database.connect()
        plugin.admin_init()
        with listening() as sent:
            plugin.admin_init()
        select = sent.starting("SELECT")
        samples = interleaved(
            {
                "ours": lambda: timed(plugin.admin_init, _TIMES),
                "floor": lambda: timed(lambda: send(connection, select), _TIMES),
            },
            rounds=bench.amounts.rounds,
        )
        plugin.database.close()
    peers = ask_peers(bench, {"do": "anything_to_do"}, rounds=bench.amounts.rounds)
    yield Row(
        "admin_init, nothing to do, warm connection",
        bench.name,
        "µs",
        samples["ours"],
        samples["floor"],
        Mark(1.5),
        peers=peers,
        note=f"floor: the same SELECT through the driver{compared(samples['ours'], peers)}",
    )
