"""Time contestants in turns, so that a machine that slows down slows all of them.

samples = interleaved({"ours": ours, "floor": floor}, rounds=9)
ratio(samples["ours"], samples["floor"]).median
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: One turn: does the work and returns what it took, in seconds; what it has to prepare is not in it.
Turn = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured, in the order of the rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles; with fewer than four values the smallest and the largest."""
        if len(self.values) < 4:
            return min(self.values), max(self.values)
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high

    def to_dict(self) -> dict[str, Any]:
        low, high = self.spread
        return {"median": self.median, "low": low, "high": high, "values": list(self.values)}


def interleaved(turns: Mapping[str, Turn], *, rounds: int, warm_up: int = 1) -> dict[str, Sample]:
    """Give each its turn in every round; who begins changes. The first rounds do not count."""
    values: dict[str, list[float]] = {name: [] for name in turns}
    names = list(turns)
    for number in range(-warm_up, rounds):
        for name in names:
            # Someone else's garbage is not collected at one's own expense.
            gc.collect()
            seconds = turns[name]()
            if number >= 0:
                values[name].append(seconds)
        names = names[1:] + names[:1]
    return {name: Sample(tuple(found)) for name, found in values.items()}


def ratio(sample: Sample, floor: Sample) -> Sample:
    """Divide round by round."""
    return Sample(tuple(a / b for a, b in zip(sample.values, floor.values, strict=True)))


def difference(sample: Sample, floor: Sample) -> Sample:
    """Subtract round by round."""
    return Sample(tuple(a - b for a, b in zip(sample.values, floor.values, strict=True)))


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Return the seconds that ``work`` takes, the mean of ``times`` in a row."""
    begun = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begun) / times
