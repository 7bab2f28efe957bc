"""Every error that the library raises on purpose, in one tree.

    WchError
    ├── ConfigurationError      a setting is missing or wrong; nothing was opened
    │   └── UnknownTable        a table name that is none of ours
    ├── InvalidValue            a value that the column cannot hold (also a ValueError)
    ├── DatabaseUnavailable     not reachable, wrong password, unknown database
    ├── UnsupportedServer       an engine or a version that is not supported
    ├── MissingPrivileges       the account may not do what the run needs
    ├── Busy                    somebody else upgrades, or holds a table too long
    ├── SchemaTooNew            the database belongs to a newer major version
    ├── SchemaConflict          the live schema cannot be brought to the declared one
    ├── RunStopped              a run stopped half way; its parts are attributes
    │   ├── MigrationFailed     a migration's step failed
    │   └── StatementFailed     a statement failed
    │       └── CopyRefused     a large table would have to be copied, and nobody gave leave
    ├── NotOwned                a statement aimed at a table that is not ours
    ├── RemovalRefused          data would be destroyed without leave
    ├── Irreversible            a migration that cannot be taken back
    └── Undecided               a migration whose author still has to decide something

Messages are one or a few plain lines: what was found, what was expected, what to do next. They never
hold a password. ``exit_code`` is what the ``wch`` command ends with.
"""

from __future__ import annotations

from collections.abc import Sequence


class WchError(Exception):
    """Root of the tree."""

    exit_code = 2


class ConfigurationError(WchError):
    """A setting is missing or malformed."""

    exit_code = 78


class UnknownTable(ConfigurationError):
    """The name is none of the six tables."""


class InvalidValue(WchError, ValueError):
    """The value does not fit its column; nothing was written."""


class DatabaseUnavailable(WchError):
    """The database cannot be opened."""


class UnsupportedServer(WchError):
    """The server, or its version, is none that the library knows to be safe."""


class MissingPrivileges(WchError):
    """The account lacks privileges; ``grant`` is the SQL for the administrator."""

    def __init__(self, message: str, *, missing: Sequence[str] = (), grant: str = "") -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.grant = grant


class Busy(WchError):
    """A lock could not be had in time; trying again later is right."""

    exit_code = 3


class SchemaTooNew(WchError):
    """The database is of a newer major version than this code."""

    exit_code = 4


class SchemaConflict(WchError):
    """The live schema lacks something that the models need and that cannot be added safely."""

    def __init__(self, message: str, *, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)


class RunStopped(WchError):
    """A run stopped half way. Every step can be repeated, so running the same again goes on from there.

    ``reason`` is the server's words, ``sql`` the statement, where it was one. ``in_place`` is what this run had
    done before, in dbDelta's words; nothing when it is ``undone``, and None when nothing was to be changed.
    ``command`` is what to type next, where a command was typed. The text has one line for each, and is made
    when it is asked for: whoever passes the error on may set what it knows better.
    """

    def __init__(
        self,
        reason: str,
        *,
        sql: str = "",
        in_place: Sequence[str] | None = None,
        undone: bool = False,
        lost: bool = False,
        command: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sql = sql
        self.in_place = None if in_place is None else tuple(in_place)
        self.undone = undone
        #: the connection was lost: whether the statement was done is unknown
        self.lost = lost
        self.command = command

    def __str__(self) -> str:
        lines = [self._what(), *([f"Statement: {one_line(self.sql)}"] if self.sql else ())]
        if self.in_place is not None:
            there = "All of this run is undone." if self.undone else self._where_it_stands(self.in_place)
            lines += [there, self._way_on()]
        return "\n".join(lines)

    def _what(self) -> str:
        return one_line(self.reason)

    def _where_it_stands(self, in_place: Sequence[str]) -> str:
        return f"In place: {_some(in_place)}." if in_place else "Nothing of this run is in place yet."

    def _way_on(self) -> str:
        when = "When the server is back, run again" if self.lost else "Remove the cause, then run"
        return f"{when}: {self.command}" if self.command else f"{when.removesuffix(' again')} the same again."


class StatementFailed(RunStopped):
    """The server refused a statement."""


class MigrationFailed(RunStopped):
    """A migration stopped at ``step`` of ``steps``."""

    def __init__(
        self,
        reason: str,
        *,
        migration: str,
        step: int,
        steps: int,
        sql: str = "",
        in_place: Sequence[str] | None = None,
        undone: bool = False,
        lost: bool = False,
        command: str = "",
    ) -> None:
        super().__init__(reason, sql=sql, in_place=in_place, undone=undone, lost=lost, command=command)
        self.migration = migration
        self.step = step
        self.steps = steps

    def _what(self) -> str:
        return f"migration {self.migration}, step {self.step} of {self.steps}: {super()._what()}"

    def _where_it_stands(self, in_place: Sequence[str]) -> str:
        if self.step == 1:
            return super()._where_it_stands(in_place)
        steps = "step 1" if self.step == 2 else f"steps 1 to {self.step - 1}"
        return f"In place: {steps}. " + (f"This run: {_some(in_place)}." if in_place else "This run changed nothing.")


def one_line(text: str, limit: int = 500) -> str:
    """Put a text, a statement for one, on one line of a bearable length."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def _some(outcomes: Sequence[str]) -> str:
    more = len(outcomes) - 3
    return "; ".join(outcomes[-3:]) + (f"; and {more} more before" if more > 0 else "")


class CopyRefused(StatementFailed):
    """The server can make the change only by copying a large table, and nobody gave leave; nothing was done."""


class NotOwned(WchError):
    """A statement aims at a table that does not belong to this installation; it was not sent."""


class RemovalRefused(WchError):
    """The operation destroys data and nobody allowed it."""


class Irreversible(WchError):
    """The migration says that it cannot be taken back; nothing was changed."""


class Undecided(WchError):
    """The migration holds a question to its author (``steps.decide``); none of its steps was run."""
