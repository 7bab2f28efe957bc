"""Online schema change tools seen from the database: what one at work, or a killed one, has there, and how to clear it.

A copy that is swapped in late undoes what a run has done meanwhile, so no run starts beside one.
"""

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from peewee import PeeweeException

from ..database.connect import attempts
from ..database.query import Connection
from ..errors import Busy
from ..schema.base import Query
from ..schema.dialect import Topology
from .introspect import referencing_tables

PT_OSC, GH_OST = "pt-online-schema-change", "gh-ost"

#: The end of the copy's name, by which a copy that a run has ordered differs from an administrator's.
OWN_COPY = "_wch_new"

_TOOLS = {"_new": PT_OSC, OWN_COPY: PT_OSC, "_gho": GH_OST, "_ghc": GH_OST}
_POLL = 0.25


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of pt-online-schema-change; it goes with its table when that is renamed."""

    name: str
    table: str
    body: str


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What a tool has in the database for its work on ``table``, while it works or afterwards.

    ``old`` are tables that were swapped out. An administrator may keep one; one with triggers is still in use.
    """

    table: str
    copies: tuple[str, ...]
    old: tuple[str, ...]
    triggers: tuple[Trigger, ...]

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The swapped out tables that still have triggers."""
        return tuple(name for name in self.old if any(trigger.table == name for trigger in self.triggers))


def tool_lock(connection: Connection, table: str) -> str:
    """Return the name of the lock that is held while a tool that a run has started may change ``table``."""
    folded = connection.dialect.folded
    name = f"{folded(str(connection.database.database))}\0{folded(table)}"
    return "wch.tool." + hashlib.sha1(name.encode()).hexdigest()


def find_leftovers(connection: Connection, tables: Sequence[str]) -> tuple[Leftovers, ...]:
    """Return what tools have for each of ``tables``; those that have nothing are left out."""
    dialect = connection.dialect
    owners = {dialect.folded(table): table for table in tables}
    # The tools add underscores until a name is free.
    shape = re.compile(f"_{{1,10}}({'|'.join(map(re.escape, owners))})({'|'.join(_TOOLS)}|_old)")
    matches = [
        (str(name), shape.fullmatch(dialect.folded(str(name))))
        for (name,) in connection.query(dialect.underscored_tables())
    ]
    named = [(name, owners[match[1]], match[2]) for name, match in matches if match is not None]
    old = {name: owner for name, owner, suffix in named if suffix == "_old"}
    rows = connection.query(dialect.triggers_of(os.path.commonprefix(tables)))  # noqa: RUF071 - of texts
    triggers = [Trigger(str(row[0]), str(row[2]), str(row[3])) for row in rows if str(row[0]).startswith("pt_osc_")]
    found = []
    for table in tables:
        copies = tuple(name for name, owner, suffix in named if owner == table and suffix != "_old")
        swapped = tuple(name for name, owner in old.items() if owner == table)
        mine = tuple(trigger for trigger in triggers if trigger.table in (table, *swapped))
        if copies or swapped or mine:
            found.append(Leftovers(table, copies, swapped, mine))
    return tuple(found)


def clearing(connection: Connection, left: Leftovers) -> tuple[str, ...]:
    """Return the statements that remove what a dead tool has left, in the order that keeps the site working.

    First the triggers, which write into the copy, then foreign keys that refer to a swapped out table, then the tables.
    """
    quote = connection.dialect.quote
    statements = [f"DROP TRIGGER IF EXISTS {quote(one.name)};" for one in left.triggers if one.table == left.table]
    if left.unfinished:
        statements += referencing_tables(connection, left.unfinished).values()
    return (*statements, *(f"DROP TABLE IF EXISTS {quote(name)};" for name in (*left.copies, *left.unfinished)))


@dataclass(frozen=True, slots=True)
class ToolAtWork:
    """The reason why no run may start, and what to do about it."""

    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}. {self.advice}"


def tool_at_work(connection: Connection, topology: Topology, tables: Sequence[str]) -> ToolAtWork | None:
    """Return what an online tool does with ``tables``, or has left there; None if there is nothing.

    A run that is killed frees its named lock before its tool has begun, or ended, so the tool has one of its own. On a
    cluster the lease of such a run lasts for longer than that.
    """
    if not topology.shares_writes:
        locks = tuple(tool_lock(connection, table) for table in tables)
        held = ", ".join(["IS_USED_LOCK(%s)"] * len(locks))
        ((holder,),) = connection.query(Query(f"SELECT COALESCE({held})", locks))
        if holder is not None:
            what = f"the online tool of another run is running or being stopped (connection {holder})"
            return ToolAtWork(what, "Try again later.")
    for left in find_leftovers(connection, tables):
        if left.copies or left.triggers:
            return _in_words(connection, left)
    return None


def wait_for_tools(connection: Connection, topology: Topology, tables: Sequence[str], deadline: float) -> None:
    """Wait until no tool has anything at ``tables``. Raises Busy after ``deadline``, in monotonic seconds."""
    found: ToolAtWork | None = None
    left = max(0.0, deadline - time.monotonic())
    for _ in attempts(left, lambda: found.what if found else "", every=_POLL):
        if (found := tool_at_work(connection, topology, tables)) is None:
            return
    raise Busy(f"{found} Nothing was changed.")


def _in_words(connection: Connection, left: Leftovers) -> ToolAtWork:
    suffixes = [suffix for suffix in _TOOLS for name in left.copies if name.endswith(suffix)]
    tool = _TOOLS[suffixes[0]] if suffixes else PT_OSC
    there = ", ".join((*left.copies, *left.unfinished, *(f"trigger {one.name}" for one in left.triggers)))
    seen = ", ".join(_connections(connection, tool))
    work = f"; running in connection {seen}" if seen else ""
    after = "the same again, and wch repair" if left.unfinished else "the same again"
    return ToolAtWork(
        f"{tool} is changing {left.table}, or was killed while doing so ({there}{work})",
        f"If it is running, wait for its end. If not, run: {' '.join(clearing(connection, left))} Then run {after}.",
    )


def _connections(connection: Connection, tool: str) -> list[str]:
    """Return the connections that run a statement of the tool, as far as the account sees them."""
    with contextlib.suppress(PeeweeException):
        seen = f"SELECT ID FROM {connection.dialect.processlist} WHERE DB = DATABASE() AND INFO LIKE %s"
        rows = connection.query(Query(f"{seen} AND ID <> CONNECTION_ID()", (f"%{tool}%",)))
        return [str(row[0]) for row in rows]
    return []
