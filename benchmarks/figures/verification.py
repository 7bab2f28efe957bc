"""What it costs to verify everything, and whether others' tables in the database make that dearer."""

from __future__ import annotations

from collections.abc import Iterator

from wch_peewee import Plugin

from ..bench import Bench
from ..places import bare, listening, send
from ..rows import Mark, Row
from ..samples import interleaved, timed


def measure(bench: Bench) -> Iterator[Row]:
    few, many = bench.amounts.foreign_tables
    small, crowded = bench.crowded(few), bench.crowded(many)
    with bare(small.url) as connection:
        plugin, other = Plugin(small.url), Plugin(crowded.url)
        with listening() as sent:
            plugin.database.connect()
            assert plugin.activate().outcome == "current"
        other.database.connect()
        reading = sent.reading_schema()
        samples = interleaved(
            {
                "ours": lambda: timed(plugin.activate, 3),
                "crowded": lambda: timed(other.activate, 3),
                "floor": lambda: timed(lambda: send(connection, reading), 3),
            },
            rounds=bench.amounts.rounds,
        )
        plugin.database.close()
        other.database.close()
    yield Row(
        "activate() when everything is there (full verification)",
        bench.name,
        "ms",
        samples["ours"],
        samples["floor"],
        Mark(1.5),
        note=f"floor: the {len(reading)} queries for the schema alone",
    )
    yield Row(
        f"the same beside {many:,} foreign tables",
        bench.name,
        "ms",
        samples["crowded"],
        samples["ours"],
        Mark(1.2),
        note=f"floor: ours beside {few}",
    )
