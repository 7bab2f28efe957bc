"""The declared schema as a Mermaid entity-relationship diagram, which GitHub and many editors draw.

Mermaid allows less than SQL does: a type is one word, and an entity that begins with a digit has to be
quoted. What does not fit there (a list of values, NULL, a default) goes into the comment.

    mermaid_diagram(logical_tables(MODELS), "wp_")
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ._part_mermaid_marks import Marks, named
from .objects import Column, ForeignKey, Schema, Table

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_TYPE = re.compile(r"[^A-Za-z0-9_()\[\]-]", re.ASCII)
_NONE = Marks()
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def mermaid_diagram(tables: Iterable[Table], prefix: str) -> str:
    """Draw the declared tables, then one line for each foreign key."""
    return draw(named(tables, prefix))


def draw(tables: Schema, marks: Marks = _NONE) -> str:
    """Draw tables that have their full names; what differs in a live database is said in comments, keys are dotted."""
    lines = ["erDiagram"]
    for table in tables:
        alias = '["' + f"{table.name} (missing)" + '"]' if marks.tables.get(table.name) == "missing" else ""
        lines.append(f"    {_entity(table.name)}{alias} {{")
        for column in table.columns:
            note = marks.columns.get((table.name, column.name), ("", ""))[1]
            lines.append(f"        {_attribute(column, table, [note] if note else [])}")
        lines.append("    }")
    for table in tables:
        for index in table.indexes:
            if mark := marks.indexes.get((table.name, index.name)):
                lines.append(f"    %% index {_word(index.name)} of {_word(table.name)}: {mark}")
    for table in tables:
        for key in table.foreign_keys:
            mark = marks.tables.get(table.name) or marks.keys.get((table.name, key.columns), "")
            lines.append(f"    {_relationship(key, table, mark)}")
    return "\n".join(lines) + "\n"


def is_optional(key: ForeignKey, table: Table) -> bool:
    """Tell whether a row may be without a parent."""
    columns = [table.column(name) for name in key.columns]
    return any(column is not None and column.nullable for column in columns)


def is_unique(key: ForeignKey, table: Table) -> bool:
    """Tell whether a parent has one row at most."""
    return any(index.unique and index.columns == key.columns for index in table.indexes)


def _entity(name: str) -> str:
    return name if _BARE.fullmatch(name) else f'"{name}"'


def _word(name: str) -> str:
    """A word of Mermaid's; a name in a live database can be anything."""
    return name if _WORD.fullmatch(name) else re.sub(r"[^A-Za-z0-9_-]", "_", f"_{name}", flags=re.ASCII)


def _attribute(column: Column, table: Table, marks: list[str]) -> str:
    type_ = column.type
    word = type_.name if type_.size is None else f"{type_.name}({type_.size})"
    if type_.unsigned:
        word += "_unsigned"
    keys = ", ".join(_keys(column, table))
    notes = [", ".join(type_.values)] if type_.values else []
    notes += ["NULL"] if column.nullable else []
    notes += [f"default {column.default}"] if column.default is not None else []
    notes += marks
    # A comment cannot hold a double quote, and there is no way to escape one.
    comment = " ".join("; ".join(notes).replace('"', "'").split())
    return " ".join(
        part
        for part in (_TYPE.sub("_", word) or "_", _word(column.name), keys, f'"{comment}"' if comment else "")
        if part
    )


def _keys(column: Column, table: Table) -> list[str]:
    alone = (column.name,)
    keys = ["PK"] if column.name in table.primary_key else []
    keys += ["FK"] if any(column.name in key.columns for key in table.foreign_keys) else []
    keys += ["UK"] if any(index.unique and index.columns == alone for index in table.indexes) else []
    return keys


def _relationship(key: ForeignKey, table: Table, mark: str) -> str:
    """A row has one parent, or none where the column may be NULL; a parent has any number of rows."""
    optional, unique = is_optional(key, table), is_unique(key, table)
    arrow = f"{'|o' if optional else '||'}{'..' if mark else '--'}{'o|' if unique else 'o{'}"
    label = ", ".join(key.columns) + (f" ({mark})" if mark else "")
    return f'{_entity(key.referenced_table)} {arrow} {_entity(table.name)} : "{label.replace(chr(34), chr(39))}"'
