"""The table: as text for a terminal, as Markdown for a page, as JSON for a program.

as_text(rows); as_markdown(rows); as_document(rows)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .rows import UNITS, Row
from .samples import Sample

#: Stands before a measure: whether its mark is reached.
_SIGNS = {True: "ok", False: "MISSED", None: ""}


def shown(sample: Sample, unit: str) -> str:
    """The median and the spread: ``12.3 ms (11.9 to 13.1)``; a single value has no spread."""
    factor = UNITS[unit]
    return f"{number(sample.median * factor)} {unit}{_spread(sample, factor)}"


def measured(row: Row) -> str:
    """What the mark is about: ``1.42 x (1.38 to 1.44)``, or ``+12.1 ms (11.5 to 13.0)``."""
    measure = row.measure
    if measure is None:
        return ""
    if row.mark is not None and row.mark.above:
        return f"{measure.median * 1e3:+.1f} ms{_spread(measure, 1e3)}"
    return f"{measure.median:.2f} x{_spread(measure, 1, '.2f')}"


def number(value: float) -> str:
    """Three digits that count, and no exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3g}"


def _spread(sample: Sample, factor: float, form: str = "") -> str:
    if len(sample.values) == 1:
        return ""
    low, high = (format(end * factor, form) if form else number(end * factor) for end in sample.spread)
    return f" ({low} to {high})"


def as_text(rows: Sequence[Row]) -> str:
    """A block for each figure, a line for each engine, the peers below it."""
    lines: list[str] = []
    for figure, group in _grouped(rows):
        lines += ["", figure]
        lines += [f"  {note}" for note in _notes(group)]
        cells = [(row.engine, shown(row.ours, row.unit), _floor(row), measured(row), _mark(row)) for row in group]
        table = [("", "ours", "floor", "", "mark"), *cells]
        widths = [max(len(line[place]) for line in table) for place in range(5)]
        for place, line in enumerate(table):
            text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            lines.append(f"  {text}".rstrip())
            if place:
                lines += [f"      {peer}" for peer in _peers(group[place - 1])]
    return "\n".join(lines[1:]) + "\n"


def as_markdown(rows: Sequence[Row]) -> str:
    """One table; what the floors are is said below it."""
    lines = [
        "| figure | engine | ours | floor | measured | mark | others |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    notes: list[str] = []
    for figure, group in _grouped(rows):
        for place, row in enumerate(group):
            told = figure if place == 0 else ""
            cells = (told, row.engine, shown(row.ours, row.unit), _floor(row), measured(row), _mark(row))
            lines.append(f"| {' | '.join(map(_escaped, (*cells, '; '.join(_peers(row)))))} |")
        said = _notes(group)
        notes += [f"- {figure}: {'. '.join(said)}"] if said else []
    return "\n".join([*lines, "", *notes]) + "\n"


def as_document(rows: Sequence[Row], **more: Any) -> dict[str, Any]:
    """Everything, with every value that was measured."""
    return {**more, "rows": [row.to_dict() for row in rows]}


def summary(rows: Sequence[Row]) -> str:
    """How many marks are reached."""
    marked = [row for row in rows if row.mark is not None]
    return f"{sum(row.reached is True for row in marked)} of {len(marked)} marks are reached."


def _grouped(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """By figure, in the order in which each was first measured."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.figure, []).append(row)
    yield from groups.items()


def _notes(group: Sequence[Row]) -> list[str]:
    """What is said of all engines, once; else of each what is said of it."""
    if len({row.note for row in group}) == 1:
        return [group[0].note] if group[0].note else []
    said: dict[str, list[str]] = {}
    for row in group:
        said.setdefault(row.note, []).append(row.engine)
    return [f"{', '.join(engines)}: {note}" for note, engines in said.items() if note]


def _floor(row: Row) -> str:
    return "" if row.floor is None else shown(row.floor, row.unit)


def _mark(row: Row) -> str:
    return f"{row.mark or ''} {_SIGNS[row.reached]}".strip()


def _peers(row: Row) -> list[str]:
    """Each peer's time; the reasons why there is none, once each."""
    reasons: dict[str, list[str]] = {}
    lines = []
    for name, one in row.peers.items():
        if isinstance(one, str):
            reasons.setdefault(one, []).append(name)
        else:
            lines.append(f"{name}: {shown(one, row.unit)}")
    return lines + [f"{', '.join(names)}: {why}" for why, names in reasons.items()]


def titled(rows: Iterable[Row], titles: Mapping[str, str]) -> list[Row]:
    """The rows with the peers as people call them."""
    from dataclasses import replace

    return [replace(row, peers={titles.get(name, name): one for name, one in row.peers.items()}) for row in rows]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
