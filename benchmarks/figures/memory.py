"""How much memory a check, a backfill and a change of rows by Python take, and whether that grows with the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..apart import run_apart
from ..bench import Bench
from ..rows import Mark, Row
from ..samples import Sample

_FLAT = Mark(1.2)


def measure(bench: Bench) -> Iterator[Row]:
    few, many = bench.amounts.foreign_tables
    yield _row(
        bench,
        f"peak memory of a check beside {many:,} foreign tables",
        run_apart("check", bench.crowded(many).url),
        run_apart("check", bench.crowded(few).url),
        f"floor: beside {few}; both with Python and all imports",
    )
    few, many = bench.amounts.messages
    small, large = bench.large(few), bench.large(many)
    filled = bench.kept.get("fill")
    if filled is None:
        bench.say(f"filling a column of {many:,} messages")
        filled = run_apart("fill", large.url, "filled_for_memory")
    yield _row(
        bench,
        f"peak memory of fill_column in a table of {many:,} rows",
        filled,
        run_apart("fill", small.url, "filled_for_memory"),
        f"floor: in one of {few:,}",
    )
    few, many = bench.amounts.changed
    bench.say(f"changing {many:,} messages one by one")
    yield _row(
        bench,
        f"peak memory of change_rows over {many:,} rows",
        run_apart("change", large.url, "changed", many),
        run_apart("change", small.url, "changed", few),
        f"floor: over {few:,}",
    )


def _row(bench: Bench, figure: str, ours: dict[str, Any], floor: dict[str, Any], note: str) -> Row:
    return Row(figure, bench.name, "MiB", Sample((ours["peak"],)), Sample((floor["peak"],)), _FLAT, note=note)
