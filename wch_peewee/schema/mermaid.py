"""The schema as a Mermaid diagram, and the marks that this and the SVG picture put on differences.

In Mermaid a type is one word, and an entity that begins with a digit is quoted. What does not fit (a list of values,
NULL, a default) goes into the comment. In quotes, characters that Mermaid would obey are its entity codes: #34; is a
double quote.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from .diff import Pair, compare_tables
from .objects import Column, ForeignKey, Index, Schema, Table

MISSING, EXTRA = "missing", "not declared"

#: How a part of a table, or with None the table itself, differs from its declaration, in words; by the table's name.
Marks = Mapping[tuple[str, Column | Index | ForeignKey | None], str]
NO_MARKS: Marks = MappingProxyType({})


def mark_differences(desired: Schema, actual: Schema) -> tuple[Schema, Marks]:
    """Return the tables of both sides, and the marks. ``desired`` must be resolved for the engine of ``actual``."""
    tables: list[Table] = []
    marks: dict[tuple[str, Column | Index | ForeignKey | None], str] = {}
    for table in desired:
        live = actual.table(table.name)
        if live is None:
            marks[table.name, None] = MISSING
            tables.append(table)
            continue
        comparison = compare_tables(table, live)
        extras: list[Column | Index | ForeignKey] = []
        pairs: list[Pair[Column] | Pair[Index] | Pair[ForeignKey]] = [*comparison.columns, *comparison.indexes]
        for pair in [*pairs, *comparison.foreign_keys]:
            wanted, found = pair.wanted, pair.found
            if found is None:
                marks[table.name, wanted] = MISSING
            elif wanted is None and pair.verdict != "cosmetic":
                marks[table.name, found] = EXTRA
                extras.append(found)
            elif isinstance(wanted, Column) and isinstance(found, Column) and pair.verdict == "different":
                marks[table.name, wanted] = "; ".join(_differing(wanted, found))
        tables.append(
            replace(
                table,
                columns=(*table.columns, *(extra for extra in extras if isinstance(extra, Column))),
                indexes=(*table.indexes, *(extra for extra in extras if isinstance(extra, Index))),
                foreign_keys=(*table.foreign_keys, *(extra for extra in extras if isinstance(extra, ForeignKey))),
            )
        )
    return Schema(tuple(tables)), marks


def _differing(column: Column, actual: Column) -> Iterator[str]:
    if actual.type != column.type:
        yield f"is {actual.type}"
    if actual.nullable != column.nullable:
        yield "is NULL" if actual.nullable else "is NOT NULL"
    if actual.default != column.default:
        yield "has no default" if actual.default is None else f"has default {actual.default}"
    if actual.auto_increment != column.auto_increment:
        yield "is AUTO_INCREMENT" if actual.auto_increment else "is not AUTO_INCREMENT"


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_TYPE = re.compile(r"[^A-Za-z0-9_()\[\]-]", re.ASCII)
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def draw(tables: Schema, marks: Marks = NO_MARKS) -> str:
    """Return the diagram of tables with full names; differences stand in comments, and such keys are dotted."""
    lines = ["erDiagram"]
    for table in tables:
        mark = marks.get((table.name, None))
        alias = f"[{_quoted(f'{table.name} ({mark})')}]" if mark else ""
        lines.append(f"    {_entity(table.name)}{alias} {{")
        lines += [f"        {_attribute(column, table, marks)}" for column in table.columns]
        lines.append("    }")
    for table in tables:
        for index in table.indexes:
            if mark := marks.get((table.name, index)):
                lines.append(f"    %% index {_coded(index.name)} of {_coded(table.name)}: {mark}")
    for table in tables:
        for key in table.foreign_keys:
            mark = marks.get((table.name, None)) or marks.get((table.name, key), "")
            lines.append(f"    {_relationship(key, table, mark)}")
    return "\n".join(lines) + "\n"


def _entity(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return f'"{_coded(text)}"'


def _coded(text: str) -> str:
    """Return a text for inside quotes, in which Mermaid knows no escapes; a %% or a #...; has a meaning anywhere."""
    return "".join(c if c.isprintable() and c not in '"%\\#' else f"#{ord(c)};" for c in text)


def _word(name: str) -> str:
    """Return a word that Mermaid accepts; a name in a live database can be anything."""
    return name if _WORD.fullmatch(name) else re.sub(r"[^A-Za-z0-9_-]", "_", f"_{name}", flags=re.ASCII)


def _attribute(column: Column, table: Table, marks: Marks) -> str:
    type_ = column.type
    word = str(replace(type_, values=())).replace(" ", "_").replace(",", "_")
    keys = ", ".join(keys_of(column, table))
    notes = [", ".join(type_.values)] if type_.values else []
    notes += ["NULL"] if column.nullable else []
    notes += [f"default {column.default}"] if column.default is not None else []
    notes += [marks[table.name, column]] if (table.name, column) in marks else []
    if (name := _word(column.name)) != column.name:
        notes.insert(0, f"called {column.name}")
    return " ".join(
        part for part in (_TYPE.sub("_", word) or "_", name, keys, _quoted("; ".join(notes)) if notes else "") if part
    )


def keys_of(column: Column, table: Table) -> list[str]:
    """Return PK, FK and UK, as far as the column is a key, or part of it."""
    alone = (column.name,)
    keys = ["PK"] if column.name in table.primary_key else []
    keys += ["FK"] if any(column.name in key.columns for key in table.foreign_keys) else []
    keys += ["UK"] if any(index.unique and index.columns == alone for index in table.indexes) else []
    return keys


def _relationship(key: ForeignKey, table: Table, mark: str) -> str:
    """Return the line of a key. A row has one parent, or none if the column may be NULL; a parent has many rows."""
    columns = [table.column(name) for name in key.columns]
    optional = any(column is not None and column.nullable for column in columns)
    unique = any(index.unique and index.columns == key.columns for index in table.indexes)
    arrow = f"{'|o' if optional else '||'}{'..' if mark else '--'}{'o|' if unique else 'o{'}"
    label = ", ".join(key.columns) + (f" ({mark})" if mark else "")
    return f"{_entity(key.referenced_table)} {arrow} {_entity(table.name)} : {_quoted(label)}"
