"""The published table has a column for each engine, with missed marks in bold."""

from __future__ import annotations

from benchmarks.overview import overview
from benchmarks.report import as_document
from benchmarks.rows import Mark, Row
from benchmarks.samples import Sample


def row(figure: str, engine: str, ours: float, floor: float | None, mark: Mark | None) -> Row:
    return Row(figure, engine, "ms", Sample((ours,)), None if floor is None else Sample((floor,)), mark)


def test_a_figure_is_a_line_and_an_engine_a_column() -> None:
    rows = [
        row("import", "any", 0.12, 0.1, Mark(0.03, above=True)),
        row("ask", "sqlite 3.40.1", 0.3, 0.2, Mark(1.5)),
        row("peak", "sqlite 3.40.1", 0.2, 0.2, Mark(1.5)),
        row("ask", "mariadb10 10.11.19-MariaDB", 0.4, 0.2, Mark(1.5)),
        row("grow", "mariadb10 10.11.19-MariaDB", 9.0, 0.2, None),
        row("alone", "mariadb10 10.11.19-MariaDB", 9.0, None, None),
    ]
    assert overview(as_document(rows)).splitlines() == [
        "| | mark | SQLite 3.40 | MariaDB 10.11 |",
        "| --- | --- | ---: | ---: |",
        "| import | +30 ms | +20 ms | +20 ms |",
        "| ask | 1.5 x | 1.50 x | **2.00 x** |",
        # Behind what it follows on its own engine.
        "| grow |  |  | 45 x |",
        "| peak | 1.5 x | 1.00 x |  |",
    ]
