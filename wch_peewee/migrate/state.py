"""The installed state: the stored schema version, the history, and what follows from them."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import peewee as pw

from ..database.query import Connection
from ..execution.apply import ConcurrentChange
from ..execution.context import RunContext
from ..schema.base import Query
from ..schema.naming import history_table_name, options_table_name
from ..schema.objects import Column, Index, Table, bigint, datetime, varchar
from ..schema.plan import RowWork
from ..schema.statements import Step
from ..wordpress.options import (
    ADOPTED_OPTION,
    VERSION_OPTION,
    delete_option,
    options_steps,
    read_option,
    write_option,
)
from ..wordpress.version import version_compare
from .folder import MigrationFolder

T = TypeVar("T")


def read_version(context: RunContext) -> str | None:
    """Return the stored version as it is, with one SELECT."""
    return read_option(context.connection, context.prefix, VERSION_OPTION)


def options_step(context: RunContext) -> tuple[Step, ...]:
    """Return the step that creates the options table if it is missing."""
    if context.present([options_table_name(context.prefix)]):
        return ()
    return options_steps(context.dialect, context.prefix, context.collation)


def write_version(context: RunContext, version: str) -> None:
    """Write the version; the options table is created if it is missing."""
    table = options_table_name(context.prefix)
    # WordPress itself, which takes no lock of ours, may make the table at the same moment.
    with contextlib.suppress(ConcurrentChange):
        context.run_steps(options_step(context), table)
    _write(context, VERSION_OPTION, version)


def delete_version(context: RunContext) -> bool:
    """Delete the version, and PHP's version with it; return whether it was there."""
    _delete(context, ADOPTED_OPTION)
    return _delete(context, VERSION_OPTION)


def read_adopted_version(context: RunContext) -> str | None:
    """Return the version that PHP had written before our history began, or None."""
    return read_option(context.connection, context.prefix, ADOPTED_OPTION)


def remember_adopted_version(context: RunContext, version: str) -> None:
    """Store whose version this is, before the first row of our history, while it can still be told."""
    if read_adopted_version(context) is None:
        _write(context, ADOPTED_OPTION, version)


def _write(context: RunContext, name: str, value: str) -> None:
    connection, prefix = context.connection, context.prefix
    if context.records(RowWork(f"Sets the option {name} to {value}", (options_table_name(prefix),))):
        return
    _told(context, name, value, lambda: write_option(connection, prefix, name, value))


def _delete(context: RunContext, name: str) -> bool:
    connection, prefix = context.connection, context.prefix
    if read_option(connection, prefix, name) is None:
        return False
    if context.records(RowWork(f"Deletes the option {name}", (options_table_name(prefix),))):
        return True
    return _told(context, name, None, lambda: delete_option(connection, prefix, name))


def _told(context: RunContext, name: str, value: str | None, write: Callable[[], T]) -> T:
    """Write an option, and record it for the on_option_written callback."""
    try:
        done = context.write(write, options_table_name(context.prefix))
    except pw.PeeweeException as error:
        if context.dialect.failure(error.args) == "lost":  # then it may have been done
            context.written[name] = value
        raise
    if done is not False:  # there was a row to delete
        context.written[name] = value
    return done


#: The names of the applied migrations, oldest first; None where there is no history table.
Applied = tuple[str, ...] | None

HISTORY_SHAPE = Table(
    "migratehistory",
    columns=(
        Column("id", bigint(unsigned=True), auto_increment=True),
        Column("name", varchar(191)),
        Column("migrated_at", datetime()),
    ),
    indexes=(Index("name", ("name",), unique=True),),
)


def ensure_history(context: RunContext, stored: tuple[Applied, str | None] | None = None) -> None:
    """Create the history table, or what it lacks. A version that was there before it is PHP's, and is stored as that.

    ``stored`` is the history and the version, if they have been read under this lock already.
    """
    if stored is None:
        applied = history_names(context.connection, context.prefix)
        stored = applied, read_version(context) if applied is None else None
    applied, version = stored
    if applied is None and version is not None:
        remember_adopted_version(context, version)
    context.reconcile([HISTORY_SHAPE], verify=False)


def applied_names(connection: Connection, prefix: str) -> tuple[str, ...]:
    """Return the applied migrations, oldest first; none if the history table is missing."""
    return history_names(connection, prefix) or ()


def history_names(connection: Connection, prefix: str) -> Applied:
    """Return the applied migrations, oldest first, or None if the history table is missing."""
    sql = f"SELECT name FROM {connection.dialect.quote(history_table_name(prefix))} ORDER BY id"
    try:
        return tuple(str(row[0]) for row in connection.query(Query(sql)))
    except pw.PeeweeException as error:
        if connection.dialect.failure(error.args) == "missing":
            return None
        raise


@dataclass(frozen=True, slots=True)
class InstalledState:
    """The stored version and history; ``applied`` is None without one. ``known`` are this code's migrations."""

    version: str | None
    code_version: str
    applied: tuple[str, ...] | None
    known: tuple[str, ...]
    #: the version that PHP had when our history began; None where the history came first
    adopted: str | None = None

    @property
    def is_newer(self) -> bool:
        """True if a newer release of this library has upgraded the database, so that nothing may be changed."""
        if not is_above(self.version, self.code_version) or self.applied is None:
            return False
        return self.adopted is None or any(name not in self.known for name in self.applied)

    @property
    def is_foreign(self) -> bool:
        """True if PHP wrote a version above ours. It is left as it is, because a version never goes backwards."""
        return is_above(self.version, self.code_version) and not self.is_newer

    @property
    def is_stamped(self) -> bool:
        """True if no version has to be written."""
        return self.version == self.code_version or self.is_foreign

    @property
    def pending(self) -> tuple[str, ...]:
        return tuple(name for name in self.known if name not in (self.applied or ()))


def read_state(context: RunContext, folder: MigrationFolder) -> InstalledState:
    """Read the installed state: two SELECTs, and one more if the version is above ours."""
    version = read_version(context)
    applied = history_names(context.connection, context.prefix)
    above = is_above(version, folder.version)
    adopted = read_adopted_version(context) if above and applied is not None else None
    return InstalledState(version, folder.version, applied, folder.names, adopted)


def is_above(version: str | None, code_version: str) -> bool:
    """Return True if a stored version is above the code's, as PHP compares versions."""
    return version is not None and version_compare(version, code_version) > 0
