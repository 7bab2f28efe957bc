"""Statements, which a dialect renders, and the steps that group them. A preview prints what a run executes."""

from collections.abc import Callable
from dataclasses import dataclass

from .operations import AddIndex, DropIndex, Operation
from .preconditions import Precondition


@dataclass(frozen=True, slots=True)
class Statement:
    """A write. ``table`` is what it changes, which must be an owned name; empty for a SET.

    ``algorithms`` are clauses that name an algorithm, cheapest first: if the server refuses one, the next is tried.
    If none is left, ``copying`` are those that copy the table, which has to be permitted. ``clauses`` is an ALTER's
    text without its table.
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
    """The impact of a step on a table's users: algorithm and lock in the server's words, and an explanation."""

    algorithm: str
    lock: str
    words: str


@dataclass(frozen=True, slots=True)
class Step:
    """Statements that together do ``operations``.

    ``cost`` is the class of the work: INSTANT, NOCOPY, INPLACE or COPY in the server's words, ALTER or REBUILD on
    SQLite, CREATE or DROP. ``cleanup`` runs even if a statement fails. ``recheck`` is counted again afterwards; if it
    does not hold, ``undo`` rolls the step back.
    """

    table: str
    operations: tuple[Operation, ...]
    statements: tuple[Statement, ...]
    cost: str
    cleanup: tuple[Statement, ...] = ()
    recheck: Precondition | None = None
    undo: tuple[Statement, ...] = ()

    @property
    def reads_rows(self) -> bool:
        """True if the server reads the whole table for it, and perhaps writes it anew."""
        drops = {type(operation) for operation in self.operations} == {DropIndex}
        return self.cost in ("NOCOPY", "INPLACE", "COPY") and not drops

    @property
    def suits_tools(self) -> bool:
        """False if a tool, which copies with INSERT IGNORE, would drop what is written twice meanwhile."""
        return not any(isinstance(operation, AddIndex) and operation.index.unique for operation in self.operations)

    @property
    def suits_single_nodes(self) -> bool:
        """True if the nodes of a cluster can do it one after the other: what they send each other fits all of them."""
        return self.suits_tools and all(isinstance(operation, AddIndex) for operation in self.operations)


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a table, as the server estimates it."""

    rows: int
    bytes: int

    def __str__(self) -> str:
        return f"about {self.rows:,} row{'' if self.rows == 1 else 's'}, {readable(self.bytes)}"


def readable(size: int) -> str:
    """Return a number of bytes for display: ``1.5 GiB``."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"


#: Changes a table with a tool that copies it online. The statement is the ALTER for which the server would have copied
#: the table; the function is called throughout, and an exception from it stops the tool.
Copier = Callable[[Statement, Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class CopyRule:
    """The limits above which the server copies a table, or a cluster stops its writes, only with permission.

    A table of more than ``rows`` rows or ``bytes`` bytes is left to ``copier`` if there is one, and is otherwise copied
    only if that is ``allowed``.
    """

    rows: int = 100_000
    bytes: int = 256 * 1024 * 1024
    allowed: bool = False
    copier: Copier | None = None

    def is_small(self, size: Size | None) -> bool:
        """Return True if the table may be copied in any case. A missing table counts as small."""
        return size is None or (size.rows <= self.rows and size.bytes <= self.bytes)

    def hands_over(self, step: Step | None, size: Size | None) -> bool:
        """Return True if ``copier`` does ``step`` on a table of that size."""
        return self.copier is not None and step is not None and step.suits_tools and not self.is_small(size)

    def refusal(self, table: str, step: Step | None, size: Size | None, stops: str = "") -> str:
        """Return the reason why ``table`` may not be changed; empty if it may, or is left to ``copier``.

        ``stops`` says of a cluster how long its writes stop; the server need not copy the table then.
        """
        if self.allowed or self.is_small(size) or self.hands_over(step, size):
            return ""
        tool = "copy it without blocking with --online=pt-online-schema-change"
        if not stops:
            return (
                f"the server has to copy {table} ({size}), which may block writers until it is "
                f"done; allow it with --allow-copy at a quiet time, or {tool}"
            )
        ways = ["allow it with --allow-copy at a quiet time"]
        if step is not None and step.suits_tools:
            ways.append(tool)
        if step is not None and step.suits_single_nodes:
            ways.append("do it node by node as docs/clusters.md says")
        return f"{table} ({size}): {stops}; {', or '.join(ways)}"


#: Copying a table of that size blocks writers for about a second.
COPY_RULE = CopyRule()
