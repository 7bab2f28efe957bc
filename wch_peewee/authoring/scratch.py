"""Scratch databases for replaying migrations: one in memory, and one on the configured server."""

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace

import peewee as pw

from ..database.connect import connected, open_database
from ..database.query import Connection, detect_dialect
from ..database.url import Target
from ..errors import WchError
from ..execution.context import RunContext
from ..execution.introspect import introspect_schema
from ..execution.topology import read_topology, refuse
from ..install.manager import DatabaseManager
from ..migrate.dry_run import dry_run_on_empty
from ..migrate.folder import MigrationFolder
from ..schema.declared import resolve
from ..schema.dialect import Dialect
from ..schema.naming import Names, Namespace
from ..schema.objects import ForeignKey, Schema, Table, as_declared, in_order
from ..schema.operations import CreateTable


def declared_schema(tables: Iterable[Table], names: Names, dialect: Dialect) -> Schema:
    """Return declared tables in the form in which the engine reports them."""
    return _logical(resolve(tables, names=names, dialect=dialect, collation=None), names, dialect)


def _logical(live: Schema, names: Names, dialect: Dialect) -> Schema:
    """Return the schema without prefix, names and everything else that belongs to one installation."""
    return Schema(tuple(_table(table, names, dialect) for table in live))


def _table(table: Table, names: Names, dialect: Dialect) -> Table:
    in_front = dialect.index_name(table.name, "")
    return Table(
        names.key(table.name),
        tuple(replace(column, collation=None, comment="") for column in table.columns),
        primary_key=table.primary_key,
        indexes=tuple(replace(index, name=index.name.removeprefix(in_front)) for index in table.indexes),
        foreign_keys=tuple(_foreign_key(key, names) for key in table.foreign_keys),
    )


def _foreign_key(key: ForeignKey, names: Names) -> ForeignKey:
    return replace(key, name="", referenced_table=names.key(key.referenced_table))


@contextlib.contextmanager
def scratch_databases(target: Target | None) -> Iterator[tuple[tuple[pw.Database, ...], tuple[str, ...]]]:
    """Open them for the block, SQLite's first; the notes say why there is none on the server.

    The one on the server is created for the purpose and dropped again; the configured database itself is not opened.
    """
    with contextlib.ExitStack() as stack:
        memory = stack.enter_context(connected(pw.SqliteDatabase(":memory:")))
        if target is None or target.scheme == "sqlite":
            yield (memory,), ()
            return
        try:
            own = stack.enter_context(temporary_database(replace(target, name=f"wch_scratch_{secrets.token_hex(4)}")))
            there = stack.enter_context(connected(open_database(own)))
        except (WchError, pw.PeeweeException) as error:
            why = " ".join(str(error.args[-1] if error.args else error).split())
            yield (memory,), (f"Cannot create a scratch database on the server ({why}); compared on SQLite only.",)
            return
        yield (memory, there), ()


@contextlib.contextmanager
def temporary_database(target: Target) -> Iterator[Target]:
    """Create the database that ``target`` names on its server for the block, empty. Raises DatabaseUnavailable."""
    administration = open_database(replace(target, name="information_schema"))
    with connected(administration):
        connection = Connection.detect(administration)
        refuse(connection, read_topology(connection, locking=True))
        administration.execute_sql(f"CREATE DATABASE `{target.name}` CHARACTER SET utf8mb4")
    try:
        yield target
    finally:
        with connected(administration):
            administration.execute_sql(f"DROP DATABASE IF EXISTS `{target.name}`")


def scratch_manager(database: pw.Database, folder: MigrationFolder, *, remove_data: bool = False) -> DatabaseManager:
    """Return the manager that runs the migrations of ``folder`` there, whatever the models are."""
    manager = DatabaseManager(database, remove_data=remove_data, migrations=folder.path)
    manager.names = folder.namespace.at()
    return manager


def make_parents(database: pw.Database, folder: MigrationFolder, names: Names) -> Schema:
    """Create, with their keys alone, the tables outside the namespace that the migrations' foreign keys refer to.

    Return the other tables as the migrations declare them. One that cannot be replayed is left to the run to tell of.
    """
    context = RunContext(Connection.detect(database), names)
    with contextlib.suppress(WchError):
        dry_run = dry_run_on_empty(context, folder, folder.names)
        missing = [one for one in dry_run.parents if not context.present([one.name])]
        for step in (s for one in missing for s in context.dialect.render(None, [CreateTable(one.name, one)])):
            context.run_steps([step], step.table)
        return dry_run.tables
    return Schema(())


def produced_schema(database: pw.Database, folder: MigrationFolder) -> Schema:
    """Replay the migrations of ``folder`` and return the schema that they make, without its prefix.

    Raises MigrationFailed, and Undecided if one of them still holds a question.
    """
    if not folder.names:
        return scratch_schema(database, folder.namespace)
    names = folder.namespace.at()
    declared = make_parents(database, folder, names)
    scratch_manager(database, folder).run_migrations()
    found = scratch_schema(database, folder.namespace)
    return Schema(tuple(_typed(table, declared.table(names.table(table.name))) for table in found))


def _typed(found: Table, declared: Table | None) -> Table:
    """Return a table with the types that the migrations declare where the engine cannot tell them."""
    pairs = ((column, declared and declared.column(column.name)) for column in found.columns)
    columns = (replace(as_declared(one, other), is_rowid=False) if other else one for one, other in pairs)
    return replace(found, columns=tuple(columns))


def scratch_schema(database: pw.Database, namespace: Namespace) -> Schema:
    """Return all tables of the namespace that exist, parents first as far as possible."""
    dialect, names = detect_dialect(database), namespace.at()
    there = [name for name in database.get_tables() if name.startswith(names.start) and name not in names.books]
    if not there:
        return Schema(())
    live = _logical(introspect_schema(Connection(database, dialect), sorted(there)), names, dialect)
    ordered, rest = in_order(live, lambda table: [live.table(key.referenced_table) for key in table.foreign_keys])
    return Schema((*ordered, *rest))
