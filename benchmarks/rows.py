"""One row of the table: a figure on one engine, ours, its floor, its peers, and the mark it is to reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .samples import Sample, difference, ratio

#: From seconds, from bytes or from a ratio to what is printed.
UNITS = {"µs": 1e6, "ms": 1e3, "s": 1.0, "MiB": 1 / 2**20, "x": 1.0}


@dataclass(frozen=True, slots=True)
class Mark:
    """What is to be reached: ``at_most`` times the floor, or that many seconds above it."""

    at_most: float
    above: bool = False

    def of(self, ours: Sample, floor: Sample) -> Sample:
        return difference(ours, floor) if self.above else ratio(ours, floor)

    def __str__(self) -> str:
        return f"+{self.at_most * 1e3:g} ms" if self.above else f"{self.at_most:g} x"


@dataclass(frozen=True, slots=True)
class Row:
    """``peers`` holds a sample for each, or why there is none; ``note`` says what the floor is, or what to know."""

    figure: str
    engine: str
    unit: str
    ours: Sample
    floor: Sample | None = None
    mark: Mark | None = None
    peers: Mapping[str, Sample | str] = field(default_factory=dict)
    note: str = ""

    @property
    def measure(self) -> Sample | None:
        """What the mark is about: the ratio to the floor, or the seconds above it."""
        if self.floor is None:
            return None
        return (self.mark or Mark(1.0)).of(self.ours, self.floor)

    @property
    def reached(self) -> bool | None:
        """Whether the mark is reached; None without one."""
        measure = self.measure
        return None if self.mark is None or measure is None else measure.median <= self.mark.at_most

    def to_dict(self) -> dict[str, Any]:
        measure = self.measure
        peers = {name: one if isinstance(one, str) else one.to_dict() for name, one in self.peers.items()}
        return {
            "figure": self.figure,
            "engine": self.engine,
            "unit": {"MiB": "bytes", "x": "ratio"}.get(self.unit, "seconds"),
            "ours": self.ours.to_dict(),
            "floor": None if self.floor is None else self.floor.to_dict(),
            "measure": None if measure is None else measure.to_dict(),
            "mark": None if self.mark is None else str(self.mark),
            "reached": self.reached,
            "peers": peers,
            "note": self.note,
        }
