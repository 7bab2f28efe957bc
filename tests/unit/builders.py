"""Builders for schema values in unit tests, and results as lines of text.

said(diff_schemas(schema(table(column("a"))), schema(table()))) == ["+ Add column t.a"]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wch_peewee.schema.diff import SchemaDiff
from wch_peewee.schema.objects import Column, ColumnType, Default, ForeignKey, Index, Schema, Table, bigint, integer
from wch_peewee.schema.statements import Step

ID = Column("id", bigint(unsigned=True), auto_increment=True)


def column(name: str, type_: ColumnType | None = None, **more: Any) -> Column:
    """Return a column, by default a nullable ``int``; a default may be plain text."""
    if isinstance(more.get("default"), str):
        more["default"] = Default(more["default"])
    return Column(name, type_ or integer(), **{"nullable": True, **more})


def required(name: str, type_: ColumnType | None = None, **more: Any) -> Column:
    return column(name, type_, nullable=False, **more)


def index(*columns: str, name: str = "", unique: bool = False, opaque: tuple[str, ...] = ()) -> Index:
    return Index(name or "_".join(columns), columns, unique, opaque)


def key(column_: str = "p_id", to: str = "p", **more: Any) -> ForeignKey:
    return ForeignKey((column_,), to, **{"name": f"{column_}_fk", **more})


def table(*parts: Column | Index | ForeignKey, name: str = "t", **more: Any) -> Table:
    """Return a table that begins with ``id``."""
    return Table(
        name,
        (ID, *(part for part in parts if isinstance(part, Column))),
        indexes=tuple(part for part in parts if isinstance(part, Index)),
        foreign_keys=tuple(part for part in parts if isinstance(part, ForeignKey)),
        **more,
    )


def schema(*tables: Table) -> Schema:
    return Schema(tables)


def said(diff: SchemaDiff) -> list[str]:
    """Return a difference as lines: ``+`` change, ``-`` refusal, ``!`` blocking refusal, ``?`` not managed."""
    lines = []
    for change in diff.changes:
        asks = "".join(f" [{need.kind} {need.table} {','.join(need.columns)}]" for need in change.requires)
        lines.append("+ " + "; ".join(change.operation.describe()) + asks)
    lines += [f"{'!' if refusal.blocking else '-'} {refusal.what}" for refusal in diff.refusals]
    return lines + [f"? {extra}" for extra in diff.extras]


def sql(steps: Iterable[Step]) -> list[str]:
    """Return every statement that is sent if nothing fails."""
    return [statement.sql for step in steps for statement in (*step.statements, *step.cleanup)]


def costs(steps: Sequence[Step]) -> list[str]:
    return [step.cost for step in steps]
