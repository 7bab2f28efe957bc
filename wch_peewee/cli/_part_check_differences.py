"""Differences between the tables and their declaration as lines: what each is, and who mends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..install.drift import REPAIR, Difference
from .output import Output


def print_differences(found: Sequence[Difference], out: Output, *, verbose: bool) -> None:
    """Print a line for each; with ``verbose`` the statements of each step below its last line."""
    for number, difference in enumerate(found):
        mended = f" ({difference.mended_by} mends it)" if difference.mended_by else ""
        out.line(f"{difference.kind.capitalize()}: {_one_line(str(difference))}{mended}")
        following = found[number + 1].statements if number + 1 < len(found) else ()
        if verbose and difference.statements != following:
            print_statements(difference.statements, out)


def print_statements(statements: Iterable[str], out: Output) -> None:
    """Print SQL so that it stands out from the words."""
    for statement in statements:
        out.lines(f"    {line}" for line in statement.splitlines())


def advice(found: Sequence[Difference]) -> str:
    """Say what to type next."""
    mendable = any(difference.mended_by == REPAIR for difference in found)
    if any(difference.kind == "pending" for difference in found):
        return "wch plan shows the SQL, wch activate runs it."
    if mendable:
        return "wch repair --dry-run shows the SQL, wch repair runs it; wch activate does the same."
    if any(not difference.statements and "wch activate" in difference.reason for difference in found):
        return "wch activate writes the version."
    return "What is refused stays until somebody decides; wch activate changes nothing."


def _one_line(text: str) -> str:
    return " ".join(text.split())
