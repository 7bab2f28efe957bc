"""What a dialect hands out to be run: statements, and steps that group them.

The preview prints the very statements that the run executes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .operations import Operation
from .preconditions import Precondition


@dataclass(frozen=True, slots=True)
class Statement:
    """A write. ``table`` is what it changes, held against the owned names before it is sent; empty for a SET.

    ``algorithms`` are clauses that name an algorithm, cheapest first: one that the server refuses is followed by the
    next. When none is left, ``copying`` are those that copy the table, for which somebody has to have given leave.
    ``clauses`` is an ALTER's text without its table.
    """

    sql: str
    table: str = ""
    algorithms: tuple[str, ...] = ()
    copying: tuple[str, ...] = ()
    clauses: str = ""

    def __str__(self) -> str:
        return self.text + ";"

    @property
    def text(self) -> str:
        """The statement as it is sent first."""
        return self.naming((*self.algorithms, *self.copying, "")[0])

    def naming(self, algorithm: str) -> str:
        """Return the statement with that clause."""
        return f"{self.sql}, {algorithm}" if algorithm else self.sql


@dataclass(frozen=True, slots=True)
class Effect:
    """What a step means for a table's users: the algorithm and lock in the server's words, and ours."""

    algorithm: str
    lock: str
    words: str


@dataclass(frozen=True, slots=True)
class Step:
    """Statements that belong together because they do ``operations`` in one go.

    ``cost`` is the class of the work in the server's own words (INSTANT, NOCOPY, INPLACE, COPY; on
    SQLite ALTER or REBUILD; CREATE). ``cleanup`` runs whether or not the statements succeed.
    ``recheck`` is counted once more afterwards; where it does not hold, ``undo`` takes the step back.
    """

    table: str
    operations: tuple[Operation, ...]
    statements: tuple[Statement, ...]
    cost: str
    cleanup: tuple[Statement, ...] = ()
    recheck: Precondition | None = None
    undo: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """How large a table is, by the server's own estimate."""

    rows: int
    bytes: int

    def __str__(self) -> str:
        return f"about {self.rows:,} rows, {readable(self.bytes)}"


def readable(size: int) -> str:
    """Write a number of bytes for people: ``1.5 GiB``."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"


#: Changes a table in the stead of the server, with a tool that copies it beside its users. The statement is the
#: ALTER that the server would have copied for; the function is called all along, and what it raises stops the tool.
Copier = Callable[[Statement, Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class CopyRule:
    """A table of more than ``rows`` rows or ``bytes`` bytes is copied only with ``allowed``.

    ``copier`` takes over for such a table when it is given.
    """

    rows: int = 100_000
    bytes: int = 256 * 1024 * 1024
    allowed: bool = False
    copier: Copier | None = None

    def is_small(self, size: Size | None) -> bool:
        """Say whether nobody minds; a table that is not there is small."""
        return size is None or (size.rows <= self.rows and size.bytes <= self.bytes)

    def hands_over(self, size: Size | None) -> bool:
        """Say whether ``copier`` takes over for a table of that size."""
        return self.copier is not None and not self.is_small(size)

    def refusal(self, table: str, size: Size | None) -> str:
        """Say why ``table`` may not be copied; empty when it may, or is handed over."""
        if self.allowed or self.is_small(size) or self.hands_over(size):
            return ""
        return (
            f"the server can do this only by copying {table} ({size}), and its writers may wait until that is done; "
            "allow it with --allow-copy in a quiet hour, or have it done beside them with "
            "--online=pt-online-schema-change or --online=gh-ost"
        )


#: A second of waiting writers, or so.
COPY_RULE = CopyRule()
