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
from ..execution.introspect import introspect_schema
from ..install.manager import DatabaseManager
from ..migrate.folder import MigrationFolder
from ..schema.declared import physical_name, resolve
from ..schema.dialect import Dialect
from ..schema.naming import DEFAULT_PREFIX, history_table_name
from ..schema.objects import Column, ForeignKey, Schema, Table


def declared_schema(tables: Iterable[Table], prefix: str, dialect: Dialect) -> Schema:
    """Return declared tables in the form in which the engine reports them."""
    return logical_schema(resolve(tables, prefix=prefix, dialect=dialect, collation=None), prefix, dialect)


def logical_schema(live: Schema, prefix: str, dialect: Dialect) -> Schema:
    """Return the schema without prefix, names and everything else that belongs to one installation."""
    mark = physical_name("", prefix)
    return Schema(tuple(_table(table, mark, dialect) for table in live))


def _table(table: Table, mark: str, dialect: Dialect) -> Table:
    in_front = dialect.index_name(table.name, "")
    return Table(
        table.name.removeprefix(mark),
        tuple(map(_column, table.columns)),
        primary_key=table.primary_key,
        indexes=tuple(replace(index, name=index.name.removeprefix(in_front)) for index in table.indexes),
        foreign_keys=tuple(_foreign_key(key, mark) for key in table.foreign_keys),
    )


def _column(column: Column) -> Column:
    return replace(column, collation=None, comment="")


def _foreign_key(key: ForeignKey, mark: str) -> ForeignKey:
    return replace(key, name="", referenced_table=key.referenced_table.removeprefix(mark))


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
            there = stack.enter_context(_on_server(target))
        except (WchError, pw.PeeweeException) as error:
            why = " ".join(str(error.args[-1] if error.args else error).split())
            yield (memory,), (f"No scratch database on the server ({why}); compared on SQLite alone.",)
            return
        yield (memory, there), ()


@contextlib.contextmanager
def _on_server(target: Target) -> Iterator[pw.Database]:
    name = f"wch_scratch_{secrets.token_hex(4)}"
    administration = open_database(replace(target, name="information_schema"))
    with connected(administration):
        administration.execute_sql(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    try:
        with connected(open_database(replace(target, name=name))) as database:
            yield database
    finally:
        with connected(administration):
            administration.execute_sql(f"DROP DATABASE IF EXISTS `{name}`")


def produced_schema(database: pw.Database, folder: MigrationFolder) -> Schema:
    """Replay the migrations of ``folder`` and return the schema that they make, without its prefix.

    Raises MigrationFailed, and Undecided if one of them still holds a question.
    """
    if folder.names:
        DatabaseManager(database, prefix=DEFAULT_PREFIX, remove_data=False, migrations=folder.path).run_migrations()
    return scratch_schema(database)


def scratch_schema(database: pw.Database) -> Schema:
    """Return all tables of ours that exist, parents first as far as possible."""
    dialect, mark = detect_dialect(database), physical_name("", DEFAULT_PREFIX)
    names = [n for n in database.get_tables() if n.startswith(mark) and n != history_table_name(DEFAULT_PREFIX)]
    if not names:
        return Schema(())
    live = logical_schema(introspect_schema(Connection(database, dialect), sorted(names)), DEFAULT_PREFIX, dialect)
    return Schema(_parents_first(live))


def _parents_first(schema: Schema) -> tuple[Table, ...]:
    ordered: list[Table] = []
    left = list(schema)
    while left:
        waiting = {table.name for table in left}
        free = [
            table
            for table in left
            if not {key.referenced_table for key in table.foreign_keys} & (waiting - {table.name})
        ] or left
        ordered += free
        left = [table for table in left if table not in free]
    return tuple(ordered)
