"""``wch schema``: the declared schema as SQL, as JSON, as a diagram, or as text for WordPress's dbDelta."""

import sqlite3

import click
import peewee as pw

from ..database.driver import DEFAULT_COLLATION
from ..execution.introspect import introspect_schema
from ..execution.session import read_session
from ..install.manager import DatabaseManager
from ..schema.declared import create_statements, describe_schema, physical_schema
from ..schema.dialect import Dialect
from ..schema.mermaid import NO_MARKS, Marks, draw, mark_differences
from ..schema.mysql.dialect import MySQLDialect
from ..schema.naming import OUTSIDE, SHARED, Names, as_site
from ..schema.objects import Schema
from ..schema.sqlite.dialect import SQLiteDialect
from ..schema.svg import svg_diagram
from ..wordpress.dbdelta import dbdelta_text
from .options import Choices, ExitCode, subcommand
from .session import Session, open_session

_FORMATS = ("sql", "json", "mermaid", "svg", "dbdelta")
#: The formats that can also show what is in the database.
_PICTURES = {"mermaid": draw, "svg": svg_diagram}

#: CREATE statements are the same for every supported version of an engine.
_ENGINES: dict[str, Dialect] = {
    "sqlite": SQLiteDialect(sqlite3.sqlite_version_info),
    "mysql": MySQLDialect("mysql", (8, 0, 13)),
    "mariadb": MySQLDialect("mariadb", (10, 4)),
}


@subcommand("schema", formats=_FORMATS)
@click.option("--engine", type=click.Choice(tuple(_ENGINES)), help="Write SQL for this engine  [the database's own]")
@click.option("--live", is_flag=True, help="With mermaid or svg: draw what is in the database, with drift marked.")
def command(choices: Choices, engine: str | None, live: bool) -> int:
    """Print the declared tables with this prefix. Reads only.

    sql creates them in an empty database. With --engine, and for SQLite, no database is needed; otherwise the
    collation is read from the site. json, mermaid and svg are the same for every engine; --live marks in the
    picture what is missing, different or not declared in the database.
    dbdelta is text for WordPress's dbDelta: it changes nothing in these tables, and creates them without the
    foreign key. MySQL and MariaDB have different texts, because their JSON columns differ.

    \b
      wch schema --engine mysql > tables.sql
      wch schema --format mermaid > tables.mmd
      wch schema --format svg --live > tables.svg
      wch schema --format dbdelta --engine mariadb > tables.txt
    """
    if live and choices.format not in _PICTURES:
        raise click.UsageError("--live requires --format mermaid or svg.")
    session = open_session(choices)
    manager = session.manager
    manager.names = _located(manager)
    if choices.format == "json":
        session.out.document(describe_schema(manager.tables, manager.names))
    elif choices.format in _PICTURES:
        drawn = _compared(session) if live else (physical_schema(manager.tables, manager.names), NO_MARKS)
        session.out.line(_PICTURES[choices.format](*drawn).rstrip("\n"))
    elif choices.format == "dbdelta":
        dialect, collation = _target(session, engine)
        if not isinstance(dialect, MySQLDialect):
            raise click.UsageError("--format dbdelta requires --engine mysql or mariadb, or the database of a server.")
        text = dbdelta_text(manager.tables, names=manager.names, dialect=dialect, collation=collation)
        session.out.line(text.rstrip("\n"))
    else:
        dialect, collation = _target(session, engine)
        session.out.lines(
            map(str, create_statements(manager.tables, names=manager.names, dialect=dialect, collation=collation))
        )
    return ExitCode.FINE


def _located(manager: DatabaseManager) -> Names:
    """Return the names; where the network counts, the database says if the prefix is that of one of its sites."""
    referred = {key.referenced_table for table in manager.tables for key in table.foreign_keys}
    if as_site(manager.prefix) is None or referred.isdisjoint(f"{OUTSIDE}{table}" for table in SHARED):
        return manager.names
    with read_session(manager.database, manager.names, manager.options) as context:
        return context.names


def _compared(session: Session) -> tuple[Schema, Marks]:
    with read_session(session.manager.database, session.manager.names, session.manager.options) as context:
        desired = context.resolve(session.manager.tables)
        names = [table.name for table in desired]
        return mark_differences(desired, introspect_schema(context.connection, names))


def _target(session: Session, engine: str | None) -> tuple[Dialect, str | None]:
    database = session.manager.database
    if engine is None and isinstance(database, pw.SqliteDatabase):
        engine = "sqlite"
    if engine is not None:
        return _ENGINES[engine], None if engine == "sqlite" else DEFAULT_COLLATION
    with read_session(database, session.manager.names, session.manager.options) as context:
        return context.dialect, context.collation
