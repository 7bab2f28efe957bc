"""Every error that the library raises on purpose, in one tree.

    WchError
    ├── ConfigurationError      a setting is missing or wrong; nothing was opened
    │   └── UnknownTable        a name that is not one of the managed tables
    ├── InvalidValue            a value that the column cannot hold (also a ValueError)
    ├── DatabaseUnavailable     not reachable, wrong password, unknown database
    ├── UnsupportedServer       an engine or a version that is not supported
    ├── MissingPrivileges       the account may not do what the run needs
    ├── Busy                    another upgrade runs, or a table is locked for too long
    ├── SchemaTooNew            the PHP plugin, or a newer release, has upgraded the database
    ├── SchemaConflict          the live schema cannot be brought to the declared one
    ├── RunStopped              a run stopped half way
    │   ├── MigrationFailed     a migration's step failed
    │   │   └── MigrationBlocked  a lock kept it waiting for too long (also a Busy)
    │   └── StatementFailed     a statement failed
    │       └── CopyRefused     a large table would have to be copied, which is not allowed
    ├── NotOwned                a statement aimed at a table that is not managed
    ├── RemovalRefused          data would be destroyed, which is not allowed
    ├── Irreversible            a migration that cannot be rolled back
    └── Undecided               a migration whose author still has to decide something

No message contains a password.
"""

from collections.abc import Sequence


class WchError(Exception):
    """Base class. The message is one or a few plain lines: what was found, what was expected, what to do next.

    ``exit_code`` is the exit code of the ``wch`` command.
    """

    exit_code = 2


class ConfigurationError(WchError):
    """A missing or malformed setting."""

    exit_code = 78


class UnknownTable(ConfigurationError):
    """A name that is not one of the six tables."""


class InvalidValue(WchError, ValueError):
    """A value that does not fit its column; nothing was written."""


class DatabaseUnavailable(WchError):
    """A database that cannot be opened."""


class UnsupportedServer(WchError):
    """A server, or a version of one, that is not known to be safe."""


class MissingPrivileges(WchError):
    """Privileges that the account lacks; ``grant`` is the SQL for the administrator."""

    def __init__(self, message: str, *, missing: Sequence[str] = (), grant: str = "") -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.grant = grant


class Busy(WchError):
    """A lock that was not available in time; trying again later may succeed."""

    exit_code = 3
    #: True if it is another session's lock on rows or a table, for which a run's statement has waited.
    of_statement = False


class SchemaTooNew(WchError):
    """A database that the PHP plugin, or a newer release, has upgraded beyond what this code may change."""

    exit_code = 4


class SchemaConflict(WchError):
    """A live schema that lacks something the models need and that cannot be added safely."""

    def __init__(self, message: str, *, reasons: Sequence[str] = (), by_hand: bool = False) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)
        #: True if somebody seems to have done a migration's work already, or something else in its place.
        self.by_hand = by_hand


#: When and where to run again after the server was lost, by the kind of its cluster.
_WHEN_LOST = {
    "": "When the server is back, or another has taken its place, run again",
    "galera": "Connect to another node, or to the cluster's address, and run again",
    "group": "When the group has a primary, connect to that, or to the cluster's address, and run again",
}


class RunStopped(WchError):
    """A run that stopped half way. Steps are repeatable: running the same again continues from there.

    ``reason`` is the server's message, ``sql`` the statement that failed, if any. ``in_place`` lists what this run
    had done before, in dbDelta's words: empty if it was rolled back (``undone``), None if the run was not to change
    anything. ``command`` is what to type next. The text is built in ``__str__``, so callers may still set attributes.
    """

    _when = "Remove the cause, then run"

    def __init__(self, reason: str, *, sql: str = "", lost: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sql = sql
        self.in_place: tuple[str, ...] | None = None
        self.undone = False
        #: True if the server was lost, or takes no writes any more.
        self.lost = lost
        self.command = ""
        #: The migration that was to be rolled back.
        self.target = ""
        #: The kind of cluster that the server belongs to; empty if it belongs to none.
        self.cluster = ""

    def __str__(self) -> str:
        lines = [self._cause()]
        if self.sql:
            lines.append(f"Statement: {one_line(self.sql)}")
        if self.in_place is not None:
            lines.append("All changes of this run were undone." if self.undone else self._done_so_far(self.in_place))
            when = _WHEN_LOST[self.cluster] if self.lost else self._when
            same = f"{when.removesuffix(' again')} the same again."
            lines.append(f"{when}: {self.command}" if self.command else same)
        return "\n".join(lines)

    def _cause(self) -> str:
        return one_line(self.reason)

    def _done_so_far(self, in_place: Sequence[str]) -> str:
        return f"Done so far: {some(in_place)}." if in_place else "This run changed nothing."


class StatementFailed(RunStopped):
    """A statement that the server refused."""


class MigrationFailed(RunStopped):
    """A migration that stopped at ``step`` of ``steps``."""

    def __init__(
        self, reason: str, *, migration: str, step: int, steps: int, sql: str = "", lost: bool = False
    ) -> None:
        super().__init__(reason, sql=sql, lost=lost)
        self.migration = migration
        self.step = step
        self.steps = steps

    def _cause(self) -> str:
        return f"migration {self.migration}, step {self.step} of {self.steps}: {super()._cause()}"

    def _done_so_far(self, in_place: Sequence[str]) -> str:
        if self.step == 1:
            return super()._done_so_far(in_place)
        steps = "step 1" if self.step == 2 else f"steps 1 to {self.step - 1}"
        return f"Done so far: {steps}. " + (f"This run: {some(in_place)}." if in_place else "This run changed nothing.")


class MigrationBlocked(MigrationFailed, Busy):
    """A migration whose step another session's lock has kept waiting for too long; trying again later may succeed."""

    _when = "When it is free, run again"


class CopyRefused(StatementFailed):
    """A change that copies a large table, which is not allowed; nothing was done."""


class NotOwned(WchError):
    """A statement on a table that does not belong to this installation; it was not sent."""


class RemovalRefused(WchError):
    """An operation that would destroy data without permission."""


class Irreversible(WchError):
    """A migration that declares that it cannot be rolled back; nothing was changed."""


class Undecided(WchError):
    """A migration with an open question to its author (``steps.decide``); none of its steps was run."""


def one_line(text: str, limit: int = 500) -> str:
    """Return a text, for example a statement, on one line of at most ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def duration(seconds: float) -> str:
    """Return a duration in words: ``1 second``, ``0.5 seconds`` or ``60 seconds``."""
    return f"{seconds:g} second{'' if f'{seconds:g}' == '1' else 's'}"


def some(outcomes: Sequence[str]) -> str:
    """Return the last of a run's changes in words, and how many came before."""
    more = len(outcomes) - 3
    return "; ".join(outcomes[-3:]) + (f"; and {more} more before" if more > 0 else "")
