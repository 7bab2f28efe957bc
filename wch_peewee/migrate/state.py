"""The installed state: the stored schema version, the history, and what follows from them."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import peewee as pw

from ..database.query import Connection
from ..errors import SchemaConflict
from ..execution.apply import ConcurrentChange
from ..execution.context import RunContext
from ..execution.introspect import with_free_names
from ..schema.base import Query
from ..schema.naming import history_table_name, options_table_name
from ..schema.objects import Column, Index, Table, bigint, datetime, varchar
from ..schema.plan import RowWork
from ..schema.statements import Step
from ..wordpress.options import (
    VERSION_OPTION,
    delete_option,
    options_obstacle,
    options_table,
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
    create = options_table(context.dialect, context.prefix, context.collation)
    return context.dialect.render(None, with_free_names([create], context.dialect, context.database_names))


def options_trouble(context: RunContext) -> str:
    """Return why the version cannot be written to the options table, or an empty text; it may be missing."""
    live = context.live(options_table_name(context.prefix), for_columns=True)
    return "" if live is None else options_obstacle(live)


def write_version(context: RunContext, version: str) -> None:
    """Write the version; the options table is created if it is missing."""
    table = options_table_name(context.prefix)
    # WordPress itself, which takes no lock of ours, may make the table at the same moment.
    with contextlib.suppress(ConcurrentChange):
        context.run_steps(options_step(context), table)
    _write(context, VERSION_OPTION, version)


def delete_version(context: RunContext) -> bool:
    """Delete the version; return whether it was there."""
    return _delete(context, VERSION_OPTION)


def _write(context: RunContext, name: str, value: str) -> None:
    table = options_table_name(context.prefix)
    if context.records(RowWork(f"Sets the option {name} to {value}", (table,))):
        return
    live = context.live(table, for_columns=True)
    if live is None:
        raise SchemaConflict(f"{table} is gone")
    _told(context, name, value, lambda: write_option(context.connection, live, name, value))


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


def ensure_history(context: RunContext) -> None:
    """Create the history table, or what it lacks."""
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

    @property
    def is_newer(self) -> bool:
        """True if the stored version is above this code's, so that nothing may be changed, whoever wrote it."""
        return is_above(self.version, self.code_version)

    @property
    def is_foreign(self) -> bool:
        """True if our history does not explain a newer version: then the PHP plugin has upgraded the tables."""
        return self.is_newer and all(name in self.known for name in self.applied or ())

    @property
    def why_newer(self) -> str:
        """Who has upgraded the tables, in words; empty if the database is not newer."""
        if not self.is_newer:
            return ""
        who = "the PHP plugin" if self.is_foreign else "a newer release of wch-peewee"
        return f"{who} has upgraded the tables to version {self.version}, and this release knows {self.code_version}"

    @property
    def is_stamped(self) -> bool:
        """True if no version has to be written."""
        return self.version == self.code_version or self.is_newer

    @property
    def pending(self) -> tuple[str, ...]:
        return tuple(name for name in self.known if name not in (self.applied or ()))


def read_state(context: RunContext, folder: MigrationFolder) -> InstalledState:
    """Read the installed state, with two SELECTs."""
    return InstalledState(
        read_version(context), folder.version, history_names(context.connection, context.prefix), folder.names
    )


def is_above(version: str | None, code_version: str) -> bool:
    """Return True if a stored version is above the code's, as PHP compares versions."""
    return version is not None and version_compare(version, code_version) > 0
