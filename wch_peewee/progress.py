"""What a run says of itself while it works: values, handed to a callback.

    manager.on_progress = print

Nothing is printed or logged here. The callback runs in the run's own thread, between its statements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A migration begins its ``step`` of ``steps``."""

    migration: str
    step: int
    steps: int

    def __str__(self) -> str:
        return f"{self.migration}: step {self.step} of {self.steps}"


@dataclass(frozen=True, slots=True)
class BatchDone:
    """A batch of rows is through: ``rows`` changed so far; ``fraction`` of the primary keys' range lies behind.

    ``seconds`` is the time since the first batch of this run began.
    """

    table: str
    rows: int
    fraction: float
    seconds: float

    @property
    def rate(self) -> float:
        """Rows changed in a second."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this pace; None before anything can be told."""
        return self.seconds * (1 - self.fraction) / self.fraction if self.fraction > 0 else None

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f", {self.seconds_left:.0f} s left"
        return f"{self.table}: {self.fraction:.0%}, {self.rows} rows changed, {self.rate:.0f} a second{left}"


@dataclass(frozen=True, slots=True)
class SiteStarted:
    """A network's ``number``-th site of ``sites`` is taken up."""

    prefix: str
    number: int
    sites: int

    @property
    def fraction(self) -> float:
        """How much lies behind."""
        return (self.number - 1) / self.sites

    def __str__(self) -> str:
        return f"site {self.number} of {self.sites} (prefix {self.prefix})"


Progress = Callable[[StepStarted | BatchDone], None]
