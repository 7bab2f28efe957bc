"""The installed state: the stored schema version, the history, and what follows from them."""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import peewee as pw

from ..errors import SchemaConflict
from ..execution.apply import ConcurrentChange
from ..execution.context import RunContext
from ..schema.plan import RowWork
from ..wordpress.options import (
    cluster_obstacle,
    delete_option,
    options_obstacle,
    read_option,
    write_option,
)
from ..wordpress.version import version_compare
from .folder import MigrationFolder
from .ledger import Books, read_books

T = TypeVar("T")

logger = logging.getLogger("wch_peewee")


def read_version(context: RunContext) -> str | None:
    """Return the stored version as it is, with one SELECT."""
    if context.is_imaginary:
        return None
    return read_option(context.connection, context.prefix, context.namespace.version_option)


def options_trouble(context: RunContext) -> str:
    """Return why the version cannot be written to the options table, or an empty text; it may be missing."""
    live = context.live(context.names.options, for_columns=True)
    if live is None:
        return ""
    return options_obstacle(live) or (cluster_obstacle(live, context.dialect) if context.topology.kind else "")


def claimed_by_another(context: RunContext) -> str:
    """Return which of the tables may be that of another namespace that is installed here, or an empty text."""
    names, candidates = context.names, context.names.namesakes()
    for history in context.connection.present([*candidates]) if candidates else ():
        table, other = candidates[history]
        # One whose name begins with ours has what its mark says. Of ours, it may be what is there before our history.
        if other.startswith(names.namespace.mark) or (
            context.connection.present([table]) and not context.connection.present([names.history])
        ):
            return (
                f"{table} may be a table of the namespace {other}, which is installed here ({history}); give the model "
                "another Meta.table_key"
            )
    return ""


def write_version(context: RunContext, version: str) -> None:
    """Write the version; the options table is created if it is missing."""
    table, name = context.names.options, context.namespace.version_option
    # WordPress itself, which takes no lock of ours, may make the table at the same moment.
    with contextlib.suppress(ConcurrentChange):
        context.run_steps(context.options_step(), table)
    if context.records(RowWork(f"Sets the option {name} to {version}", (table,))):
        return
    live = context.live(table, for_columns=True)
    if live is None:
        raise SchemaConflict(f"{table} does not exist")
    _told(context, version, lambda: write_option(context.connection, live, name, version))


def delete_version(context: RunContext) -> bool:
    """Delete the version; return whether it was there."""
    connection, prefix, name = context.connection, context.prefix, context.namespace.version_option
    if context.records(RowWork(f"Deletes the option {name}", (context.names.options,))):
        return True
    if read_option(connection, prefix, name) is None:
        return False
    return _told(context, None, lambda: delete_option(connection, prefix, name))


def _told(context: RunContext, version: str | None, write: Callable[[], T]) -> T:
    """Write the version, and record it for the on_option_written callback."""
    table, name = context.names.options, context.namespace.version_option
    try:
        done = context.write(write, table)
    except pw.PeeweeException as error:
        if context.dialect.failure(error.args) == "lost":  # then it may have been done
            context.written[name] = version
        raise
    if done is not False:  # there was a row to delete
        context.written[name] = version
        logger.info("%s: %s is %s", table, name, version or "deleted")
    return done


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledState(Books):
    """The stored version, and what history and ledger say. ``known`` are this code's migrations."""

    version: str | None
    code_version: str
    known: tuple[str, ...]
    #: whose releases upgrade the tables
    package: str

    @property
    def is_newer(self) -> bool:
        """True if the stored version is above this code's, so that nothing may be changed, whoever wrote it."""
        return is_above(self.version, self.code_version)

    @property
    def is_foreign(self) -> bool:
        """True if our history does not explain a newer version, as after an upgrade by the PHP plugin."""
        return self.is_newer and all(name in self.known for name in self.applied or ())

    @property
    def why_newer(self) -> str:
        """Who has upgraded the tables, in words; empty if the database is not newer."""
        if not self.is_newer:
            return ""
        who = "the PHP plugin" if self.is_foreign else f"a newer release of {self.package}"
        otherwise = ", or the history was restored from an older backup" if self.is_foreign else ""
        supported = f"this release supports {self.code_version}"
        return f"{who} has upgraded the tables to version {self.version}{otherwise}; {supported}"

    @property
    def is_stamped(self) -> bool:
        """True if no version has to be written."""
        return self.version == self.code_version or self.is_newer

    @property
    def pending(self) -> tuple[str, ...]:
        """This code's migrations that are still to be run; one that is half rolled back is to be run again."""
        return tuple(name for name in self.known if name not in (self.applied or ()) or name in self.half_back)

    def pending_to(self, name: str | None) -> tuple[str, ...]:
        """Return the pending migrations up to ``name``; all of them without one."""
        return tuple(one for one in self.pending if name is None or one <= name)


def read_state(context: RunContext, folder: MigrationFolder) -> InstalledState:
    """Read the installed state, with two SELECTs."""
    return state_of(read_version(context), read_books(context.connection, context.names), folder)


def state_of(version: str | None, books: Books, folder: MigrationFolder) -> InstalledState:
    """Return the state with this version, history and ledger."""
    return InstalledState(
        applied=books.applied,
        half_back=books.half_back,
        half_applied=books.half_applied,
        checksums=books.checksums,
        version=version,
        code_version=folder.version,
        known=folder.names,
        package=folder.namespace.package,
    )


def is_above(version: str | None, other: str | None) -> bool:
    """Return True if a version is above another one, as PHP compares them; none is below every other."""
    return version is not None and (other is None or version_compare(version, other) > 0)
