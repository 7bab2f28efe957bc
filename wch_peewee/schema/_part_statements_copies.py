"""Whether a table may be copied: only a small one, unless somebody gives leave.

A change for which the server knows nothing cheaper writes every row anew, and on most servers the writers wait until
it is done: a second or so for 100,000 messages, half an hour for fifty million.

    CopyRule(rows=10_000).refusal("wp_wch_messages", Size(2_000_000, 10**9), "...")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .statements import Statement


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
