"""The schema as a Mermaid diagram, and the marks that this and the SVG picture put on differences.

In Mermaid a type is one word, and an entity that begins with a digit is quoted. What does not fit (a list of values,
NULL, a default) goes into the comment. In quotes, characters that Mermaid would obey are its entity codes: #34; is a
double quote.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from .diff import Pair, Part, compare_tables
from .objects import Column, ForeignKey, Schema, Table

#: ``extra`` is what exists and is not declared.
Mark = Literal["", "missing", "differs", "extra"]


@dataclass(frozen=True, slots=True)
class Marks:
    """The differences that a picture shows. The texts describe how a column differs."""

    tables: Mapping[str, Mark] = field(default_factory=lambda: MappingProxyType({}))
    columns: Mapping[tuple[str, str], tuple[Mark, str]] = field(default_factory=lambda: MappingProxyType({}))
    indexes: Mapping[tuple[str, str], Mark] = field(default_factory=lambda: MappingProxyType({}))
    keys: Mapping[tuple[str, tuple[str, ...]], Mark] = field(default_factory=lambda: MappingProxyType({}))
    #: the picture shows a live database, even if nothing differs
    live: bool = False


def mark_differences(desired: Schema, actual: Schema) -> tuple[Schema, Marks]:
    """Return the tables of both sides, and the marks. ``desired`` must be resolved for the engine of ``actual``."""
    tables: list[Table] = []
    missing: dict[str, Mark] = {}
    columns: dict[tuple[str, str], tuple[Mark, str]] = {}
    indexes: dict[tuple[str, str], Mark] = {}
    keys: dict[tuple[str, tuple[str, ...]], Mark] = {}
    for table in desired:
        live = actual.table(table.name)
        if live is None:
            missing[table.name] = "missing"
            tables.append(table)
            continue
        comparison = compare_tables(table, live)
        columns.update({(table.name, name): mark for name, mark in _column_marks(comparison.columns)})
        extra_indexes, extra_keys = _extras(comparison.indexes), _extras(comparison.foreign_keys)
        indexes.update({(table.name, index.name): "missing" for index in _missing(comparison.indexes)})
        keys.update({(table.name, key.columns): "missing" for key in _missing(comparison.foreign_keys)})
        indexes.update({(table.name, index.name): "extra" for index in extra_indexes})
        for key in extra_keys:
            keys.setdefault((table.name, key.columns), "extra")
        tables.append(
            replace(
                table,
                columns=(*table.columns, *_extras(comparison.columns)),
                indexes=(*table.indexes, *extra_indexes),
                foreign_keys=(*table.foreign_keys, *(k for k in extra_keys if keys[table.name, k.columns] == "extra")),
            )
        )
    return Schema(tuple(tables)), Marks(missing, columns, indexes, keys, live=True)


def _column_marks(pairs: Iterable[Pair[Column]]) -> Iterator[tuple[str, tuple[Mark, str]]]:
    for pair in pairs:
        if pair.wanted is None:
            assert pair.found is not None
            yield pair.found.name, ("extra", "not declared")
        elif pair.found is None:
            yield pair.wanted.name, ("missing", "missing")
        elif pair.verdict == "different":
            yield pair.wanted.name, ("differs", "; ".join(_differing(pair.wanted, pair.found)))


def _missing(pairs: Iterable[Pair[Part]]) -> tuple[Part, ...]:
    return tuple(pair.wanted for pair in pairs if pair.wanted is not None and pair.found is None)


def _extras(pairs: Iterable[Pair[Part]]) -> tuple[Part, ...]:
    return tuple(
        pair.found for pair in pairs if pair.found is not None and pair.wanted is None and pair.verdict != "cosmetic"
    )


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
_NONE = Marks()
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def draw(tables: Schema, marks: Marks = _NONE) -> str:
    """Return the diagram of tables with full names; differences stand in comments, and such keys are dotted."""
    lines = ["erDiagram"]
    for table in tables:
        alias = f"[{_quoted(f'{table.name} (missing)')}]" if marks.tables.get(table.name) == "missing" else ""
        lines.append(f"    {_entity(table.name)}{alias} {{")
        for column in table.columns:
            note = marks.columns.get((table.name, column.name), ("", ""))[1]
            lines.append(f"        {_attribute(column, table, [note] if note else [])}")
        lines.append("    }")
    for table in tables:
        for index in table.indexes:
            if mark := marks.indexes.get((table.name, index.name)):
                lines.append(f"    %% index {_coded(index.name)} of {_coded(table.name)}: {mark}")
    for table in tables:
        for key in table.foreign_keys:
            mark = marks.tables.get(table.name) or marks.keys.get((table.name, key.columns), "")
            lines.append(f"    {_relationship(key, table, mark)}")
    return "\n".join(lines) + "\n"


def is_optional(key: ForeignKey, table: Table) -> bool:
    """Return True if a row may have no parent."""
    columns = [table.column(name) for name in key.columns]
    return any(column is not None and column.nullable for column in columns)


def is_unique(key: ForeignKey, table: Table) -> bool:
    """Return True if a parent has at most one row."""
    return any(index.unique and index.columns == key.columns for index in table.indexes)


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


def _attribute(column: Column, table: Table, marks: list[str]) -> str:
    type_ = column.type
    word = str(replace(type_, values=())).replace(" ", "_").replace(",", "_")
    keys = ", ".join(_keys(column, table))
    notes = [", ".join(type_.values)] if type_.values else []
    notes += ["NULL"] if column.nullable else []
    notes += [f"default {column.default}"] if column.default is not None else []
    notes += marks
    if (name := _word(column.name)) != column.name:
        notes.insert(0, f"called {column.name}")
    return " ".join(
        part for part in (_TYPE.sub("_", word) or "_", name, keys, _quoted("; ".join(notes)) if notes else "") if part
    )


def _keys(column: Column, table: Table) -> list[str]:
    alone = (column.name,)
    keys = ["PK"] if column.name in table.primary_key else []
    keys += ["FK"] if any(column.name in key.columns for key in table.foreign_keys) else []
    keys += ["UK"] if any(index.unique and index.columns == alone for index in table.indexes) else []
    return keys


def _relationship(key: ForeignKey, table: Table, mark: str) -> str:
    """Return the line of a key. A row has one parent, or none if the column may be NULL; a parent has many rows."""
    optional, unique = is_optional(key, table), is_unique(key, table)
    arrow = f"{'|o' if optional else '||'}{'..' if mark else '--'}{'o|' if unique else 'o{'}"
    label = ", ".join(key.columns) + (f" ({mark})" if mark else "")
    return f"{_entity(key.referenced_table)} {arrow} {_entity(table.name)} : {_quoted(label)}"
