"""The events of a run in progress, passed to a callback: ``manager.on_progress = print``."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepStarted:
    """The start of a migration's ``step`` of ``steps``."""

    migration: str
    step: int
    steps: int

    def __str__(self) -> str:
        return f"{self.migration}: step {self.step} of {self.steps}"


@dataclass(frozen=True, slots=True)
class BatchDone:
    """The end of a batch: ``rows`` changed so far, ``fraction`` of the range of primary keys done.

    ``seconds`` is the time since this run's first batch began.
    """

    table: str
    rows: int
    fraction: float
    seconds: float

    @property
    def rate(self) -> float:
        """Rows changed per second."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """The estimated time for the rest; None if nothing is done yet."""
        return self.seconds * (1 - self.fraction) / self.fraction if self.fraction > 0 else None

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f", {self.seconds_left:.0f} s left"
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return f"{self.table}: {self.fraction:.0%}, {rows} changed, {self.rate:.0f} a second{left}"


@dataclass(frozen=True, slots=True)
class SiteStarted:
    """The start of site ``number`` of the ``sites`` of a network."""

    prefix: str
    number: int
    sites: int

    @property
    def fraction(self) -> float:
        """The part of the sites that is done."""
        return (self.number - 1) / self.sites

    def __str__(self) -> str:
        return f"site {self.number} of {self.sites} (prefix {self.prefix})"


#: Called in the run's own thread, between its statements.
Progress = Callable[[StepStarted | BatchDone], None]
