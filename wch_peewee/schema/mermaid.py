"""The declared schema as a Mermaid entity-relationship diagram, which GitHub and many editors draw.

Mermaid allows less than SQL does: a type is one word, and an entity that begins with a digit has to be
quoted. What does not fit there (a list of values, NULL, a default) goes into the comment.

    mermaid_diagram(logical_tables(MODELS), "wp_")
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .objects import Column, ForeignKey, Table
from .resolve import physical_name

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def mermaid_diagram(tables: Iterable[Table], prefix: str) -> str:
    """Draw the tables, then one line for each foreign key."""
    tables = tuple(tables)
    lines = ["erDiagram"]
    for table in tables:
        lines.append(f"    {_entity(physical_name(table.name, prefix))} {{")
        lines += [f"        {_attribute(column, table)}" for column in table.columns]
        lines.append("    }")
    for table in tables:
        lines += [f"    {_relationship(key, table, prefix)}" for key in table.foreign_keys]
    return "\n".join(lines) + "\n"


def _entity(name: str) -> str:
    return name if _BARE.fullmatch(name) else f'"{name}"'


def _attribute(column: Column, table: Table) -> str:
    type_ = column.type
    word = type_.name if type_.size is None else f"{type_.name}({type_.size})"
    if type_.unsigned:
        word += "_unsigned"
    keys = ", ".join(_keys(column, table))
    notes = [", ".join(type_.values)] if type_.values else []
    notes += ["NULL"] if column.nullable else []
    notes += [f"default {column.default}"] if column.default is not None else []
    # A comment cannot hold a double quote, and there is no way to escape one.
    comment = "; ".join(notes).replace('"', "'")
    return " ".join(part for part in (word, column.name, keys, f'"{comment}"' if comment else "") if part)


def _keys(column: Column, table: Table) -> list[str]:
    alone = (column.name,)
    keys = ["PK"] if column.name in table.primary_key else []
    keys += ["FK"] if any(column.name in key.columns for key in table.foreign_keys) else []
    keys += ["UK"] if any(index.unique and index.columns == alone for index in table.indexes) else []
    return keys


def _relationship(key: ForeignKey, table: Table, prefix: str) -> str:
    """A row has one parent, or none where the column may be NULL; a parent has any number of rows."""
    columns = [table.column(name) for name in key.columns]
    optional = any(column is not None and column.nullable for column in columns)
    unique = any(index.unique and index.columns == key.columns for index in table.indexes)
    parent, child = physical_name(key.referenced_table, prefix), physical_name(table.name, prefix)
    arrow = f"{'|o' if optional else '||'}--{'o|' if unique else 'o{'}"
    return f'{_entity(parent)} {arrow} {_entity(child)} : "{", ".join(key.columns)}"'
