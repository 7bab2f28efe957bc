"""The published table: a line for each figure, a column for each engine, what is missed in bold.

python -m benchmarks.overview .bench/latest.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_NAMES = {"sqlite": "SQLite", "mariadb": "MariaDB", "mysql": "MySQL"}


def overview(document: Mapping[str, Any]) -> str:
    """Write the table of a document as ``report.as_document`` makes it."""
    rows = [row for row in document["rows"] if row["measure"] is not None]
    engines = list(dict.fromkeys(row["engine"] for row in rows if row["engine"] != "any"))
    lines = [f"| | mark | {' | '.join(map(_called, engines))} |", f"| --- | --- |{' ---: |' * len(engines)}"]
    for figure in _in_order(rows):
        group = {row["engine"]: row for row in rows if row["figure"] == figure}
        mark = next(row["mark"] for row in group.values())
        cells = [_cell(group.get(engine) or group.get("any")) for engine in engines]
        lines.append(f"| {figure} | {mark or ''} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _in_order(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the figures: one that the engines before did not have stands behind the one that it follows."""
    figures: list[str] = []
    for before, row in zip((None, *rows), rows, strict=False):
        if row["figure"] not in figures:
            follows = before is not None and before["engine"] == row["engine"]
            place = figures.index(before["figure"]) + 1 if before is not None and follows else len(figures)
            figures.insert(place, row["figure"])
    return figures


def _called(engine: str) -> str:
    """``mariadb10 10.11.19`` is MariaDB 10.11."""
    name, _, version = engine.partition(" ")
    family = next((said for family, said in _NAMES.items() if name.startswith(family)), name)
    return f"{family} {'.'.join(version.split('.')[:2])}"


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    median = row["measure"]["median"]
    text = f"{median * 1e3:+.0f} ms" if "ms" in (row["mark"] or "") else _times(median)
    return f"**{text}**" if row["reached"] is False else text


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} x" if ratio >= 20 else f"{ratio:.2f} x"


if __name__ == "__main__":
    sys.stdout.write(overview(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
