"""The ALTER algorithm and lock of each kind of operation: predicted by the dialect, and used by a server.

Each operation is sent with every cheaper algorithm first, which the server must refuse, and then with the predicted
one, which it must accept: the prediction is the cheapest that works.

    python -m tests.support.algorithms    # the table of docs/online.md, from the servers of WCH_TEST_SERVERS
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import peewee as pw

from tests.support.databases import LiveDatabase
from tests.support.engines import choose_engines
from wch_peewee.database.query import Connection, detect_dialect
from wch_peewee.execution.introspect import introspect_schema
from wch_peewee.schema.dialect import Dialect
from wch_peewee.schema.objects import (
    Column,
    ColumnType,
    Default,
    ForeignKey,
    Index,
    Table,
    bigint,
    column_type,
    datetime,
    decimal,
    enum,
    integer,
    json,
    text,
    varchar,
)
from wch_peewee.schema.operations import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    CreateTable,
    DropColumn,
    DropForeignKey,
    DropIndex,
    ModifyColumn,
    Operation,
    RenameColumn,
    RenameIndex,
)
from wch_peewee.schema.statements import Statement

COLLATION = "utf8mb4_unicode_520_ci"
ID = Column("id", bigint(unsigned=True), auto_increment=True)
PARENT = Table("p", (ID,), engine="InnoDB", collation=COLLATION)
KEY = ForeignKey(("parent_id",), "p", on_delete="CASCADE", name="t_parent_id_fk")
TABLE = Table(
    "t",
    (
        ID,
        Column("parent_id", bigint(unsigned=True)),
        Column("phone", varchar(20), default=Default("")),
        Column("short", varchar(60)),
        Column("kind", enum("in", "out"), default=Default("in")),
        Column("status", enum("sent", "read")),
        Column("tries", integer(), default=Default("0")),
        Column("note", text(), nullable=True),
        Column("at", datetime(), nullable=True),
        Column("data", json(), nullable=True),
        Column("key", column_type("varbinary(200)"), nullable=True),
        Column("price", decimal(10, 2), nullable=True),
        Column("ratio", column_type("float"), nullable=True),
        Column("picture", column_type("blob"), nullable=True),
    ),
    indexes=(Index("parent_id", ("parent_id",)), Index("status", ("status",)), Index("phone", ("phone",))),
    foreign_keys=(KEY,),
    engine="InnoDB",
    collation=COLLATION,
)


def _changed(name: str, **attributes: object) -> ModifyColumn:
    was = TABLE.column(name)
    assert was is not None
    return ModifyColumn("t", was, replace(was, **attributes))  # type: ignore[arg-type]


#: What is done to ``t``, by what people call it.
OPERATIONS: dict[str, Operation] = {
    "add a column, NULL": AddColumn("t", Column("c", integer(), nullable=True), "data"),
    "add a column in the middle": AddColumn("t", Column("c", varchar(20), nullable=True), "phone"),
    "add a column with a default": AddColumn("t", Column("c", varchar(20), default=Default("x")), "data"),
    "add a JSON column": AddColumn("t", Column("c", json(), nullable=True), "data"),
    "add an enum column": AddColumn("t", Column("c", enum("a", "b"), default=Default("a")), "data"),
    "add a decimal column with a default": AddColumn("t", Column("c", decimal(10, 2), default=Default("0")), "data"),
    "add a blob column": AddColumn("t", Column("c", column_type("blob"), nullable=True), "data"),
    "drop a column": DropColumn("t", "note"),
    "drop an indexed column": DropColumn("t", "status"),
    "rename a column": RenameColumn("t", "tries", "attempts"),
    "rename an indexed column": RenameColumn("t", "status", "state"),
    "rename the column of a foreign key": RenameColumn("t", "parent_id", "owner_id"),
    "wider varchar, below 256 bytes": _changed("phone", type=varchar(30)),
    "wider varchar, across 255 bytes": _changed("short", type=varchar(70)),
    "wider varchar, from below 128 bytes to above 255": _changed("phone", type=varchar(70)),
    "narrower varchar": _changed("short", type=varchar(50)),
    "varchar to text": _changed("short", type=text()),
    "longer enum": _changed("kind", type=enum("in", "out", "sys")),
    "enum with a value in the middle": _changed("kind", type=enum("in", "sys", "out")),
    "enum without a value": _changed("kind", type=enum("in")),
    "int to bigint": _changed("tries", type=bigint()),
    "int to unsigned": _changed("tries", type=ColumnType("int", unsigned=True)),
    "text to longtext": _changed("note", type=ColumnType("longtext")),
    "wider varbinary, across 255 bytes": _changed("key", type=column_type("varbinary(300)")),
    "wider varbinary, below 256 bytes": _changed("key", type=column_type("varbinary(250)")),
    "wider decimal": _changed("price", type=decimal(12, 2)),
    "float to double": _changed("ratio", type=column_type("double")),
    "blob to longblob": _changed("picture", type=column_type("longblob")),
    "datetime to datetime(6)": _changed("at", type=column_type("datetime(6)")),
    "NULL to NOT NULL": _changed("at", nullable=False),
    "NOT NULL to NULL": _changed("tries", nullable=True),
    "another default": _changed("tries", default=Default("5")),
    "no default": _changed("tries", default=None),
    "another collation": _changed("short", collation="utf8mb4_general_ci"),
    "another collation, indexed": _changed("phone", collation="utf8mb4_general_ci"),
    "add an index": AddIndex("t", Index("tries", ("tries",))),
    "add a unique index": AddIndex("t", Index("short", ("short",), unique=True)),
    "drop an index": DropIndex("t", "status"),
    "rename an index": RenameIndex("t", Index("status", ("status",)), "state"),
    "int to bigint, no cascading foreign key": _changed("tries", type=bigint()),
    "add a foreign key": AddForeignKey("t", KEY),
    "drop a foreign key": DropForeignKey("t", KEY),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One operation: ``predicted`` is the clause in the plan, ``actual`` the cheapest one that the server accepted."""

    predicted: str
    actual: str


def measure(database: LiveDatabase, *, partitioned: bool = False) -> Iterator[tuple[str, Outcome]]:
    """Run every operation on a server, each on its own table, and return the outcomes.

    A partitioned table has no foreign key, and what it cannot have is left out.
    """
    connection = database.connect()
    dialect = detect_dialect(connection)
    after = "ALTER TABLE t PARTITION BY HASH (id) PARTITIONS 2" if partitioned else ""
    for words, operation in OPERATIONS.items():
        bare = partitioned or isinstance(operation, AddForeignKey) or "no cascading" in words
        table = replace(TABLE, foreign_keys=()) if bare else TABLE
        unique = isinstance(operation, AddIndex) and operation.index.unique
        if not partitioned or not (unique or isinstance(operation, AddForeignKey | DropForeignKey)):
            yield words, _measured(connection, dialect, operation, table, after)
    connection.close()


def _measured(connection: pw.Database, dialect: Dialect, operation: Operation, table: Table, after: str) -> Outcome:
    connection.execute_sql("DROP TABLE IF EXISTS t, p")
    for made in (PARENT, table):
        for step in dialect.render(None, [CreateTable(made.name, made)]):
            for statement in step.statements:
                connection.execute_sql(dialect.escape(statement.sql))
    if after:
        connection.execute_sql(after)
    connection.execute_sql("INSERT INTO p VALUES (1)")
    connection.execute_sql(
        "INSERT INTO t (parent_id, phone, short, kind, status, tries, at) VALUES (1, 'a', 'b', 'in', 'sent', 1, NOW())"
    )
    live = introspect_schema(Connection(connection, dialect), ["t"]).table("t")
    (step,) = dialect.render(live, [operation])
    (alter,) = (statement for statement in step.statements if statement.table)
    for statement in step.statements:
        if not statement.table:
            connection.execute_sql(statement.sql)
    try:
        actual = next(clause for clause in _all(dialect, alter) if _takes(connection, dialect, alter, clause))
    finally:
        for statement in step.cleanup:
            connection.execute_sql(statement.sql)
    return Outcome((*alter.algorithms, *alter.copying)[0], actual)


def _all(dialect: Dialect, alter: Statement) -> list[str]:
    names = ("INSTANT", "NOCOPY", "INPLACE") if dialect.name == "mariadb" else ("INSTANT", "INPLACE")
    online = [
        f"ALGORITHM={name}" + ("" if dialect.name == "mysql" and name == "INSTANT" else ", LOCK=NONE") for name in names
    ]
    return [*online, "ALGORITHM=COPY, LOCK=NONE", "ALGORITHM=COPY, LOCK=SHARED"]


def _takes(connection: pw.Database, dialect: Dialect, alter: Statement, clause: str) -> bool:
    try:
        connection.execute_sql(dialect.escape(alter.naming(clause)))
    except pw.PeeweeException as error:
        if dialect.failure(error.args) != "unsupported":
            raise
        return False
    return True


def short(clause: str) -> str:
    """Return ``ALGORITHM=COPY, LOCK=SHARED`` in short form: ``COPY, SHARED``."""
    return clause.replace("ALGORITHM=", "").replace("LOCK=", "")


def main() -> int:
    engines = [
        engine for engine in choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), "")[0] if engine.family != "sqlite"
    ]
    columns = []
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder, engine.fresh(Path(folder)) as database:
            columns.append({words: short(outcome.actual) for words, outcome in measure(database)})
    for words in OPERATIONS:
        sys.stdout.write(" | ".join(["|", words, *(column[words] for column in columns)]).replace("| |", "|") + " |\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
