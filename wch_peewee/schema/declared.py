"""The tables that the models declare: logical ones, called "carts" on every site, and those of one site."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NoReturn, TypeVar, cast

import peewee

from ..errors import ConfigurationError
from .dialect import Dialect
from .naming import OUTSIDE, Names, constraint_name, key_of
from .objects import Column, ColumnType, Default, ForeignKey, Index, Schema, Table, in_order, same_names
from .operations import CreateTable
from .statements import Statement
from .types import LONGEST_KEY, beyond, longest_key, plain_literal, row_bytes

M = TypeVar("M", bound=type[peewee.Model])


def parents_first(models: Iterable[M]) -> tuple[M, ...]:
    """Return the models, each behind those that it refers to; else they keep their order.

    Tables are made in this order, and dropped in the opposite one. Raises ConfigurationError if models refer to each
    other.
    """
    ordered, rest = in_order(models, lambda model: [field.rel_model for field in cast(Any, model)._meta.refs])
    if rest:
        names = " and ".join(model.__name__ for model in rest)
        raise ConfigurationError(f"{names} refer to each other; expected tables that can be created one by one.")
    return tuple(ordered)


def logical_tables(models: Iterable[type[peewee.Model]]) -> tuple[Table, ...]:
    """Return the declared tables in the order of the models. Raises ConfigurationError for what no engine can keep."""
    return tuple(_table(model) for model in models)


def _table(model: type[peewee.Model]) -> Table:
    meta: Any = model._meta
    fields = meta.sorted_fields
    for option in ("constraints", "schema", "table_settings", "without_rowid", "strict_tables", "temporary"):
        if getattr(meta, option, None):
            given = f"Meta.{option} = {getattr(meta, option)!r}"
            raise ConfigurationError(f"{model.__name__} has {given}, which not every engine supports; remove it.")
    names = [field.column_name.lower() for field in fields]
    if twice := [field for field in fields if names.count(field.column_name.lower()) > 1]:
        _refuse(twice[1], f"has the column {twice[1].column_name}, which in MySQL is that of {twice[0].name}")
    table = Table(
        key_of(model),
        columns=tuple(_column(field) for field in fields),
        primary_key=tuple(field.column_name for field in meta.get_primary_keys()),
        indexes=_indexes(meta),
        foreign_keys=tuple(_foreign_key(field) for field in fields if isinstance(field, peewee.ForeignKeyField)),
    )
    if reason := _beyond(table):
        raise ConfigurationError(f"{model.__name__} {reason}.")
    return table


def _beyond(table: Table) -> str:
    """Return which limit of MySQL and MariaDB the table is beyond, or an empty text."""
    sizes = [row_bytes(column.type) for column in table.columns]
    if not sizes:
        return "has no columns"
    row, *pages = (
        sum(column) + (sum(one.nullable for one in table.columns) + 7) // 8 for column in zip(*sizes, strict=True)
    )
    for counted, number, most in (
        ("columns", len(table.columns), 1017),
        ("keys, the primary one included", len(table.indexes) + bool(table.primary_key), 64),
        ("bytes in a row", row, 65_535),
        ("bytes that a row keeps in its page", max(pages) + 18, 8125),
        *((f"columns in the index {index.name}", len(index.columns), 16) for index in table.indexes),
        ("columns in the primary key", len(table.primary_key), 16),
    ):
        if number > most:
            return f"has {number:,} {counted}; servers take at most {most:,}"
    for name in (*(column.name for column in table.columns), *(index.name for index in table.indexes)):
        if not 0 < len(name) <= 64 or name.rstrip() != name or max(name) > "\uffff":
            return f"has the name {name!r}; servers take 1 to 64 characters up to U+FFFF, without a blank at the end"
    for number, index in enumerate(table.indexes):
        columns = ", ".join(index.columns)
        if len({name.lower() for name in index.columns}) < len(index.columns):
            return f"has the index {index.name} ({columns}); expected each column once"
        if index.name.lower() in ("primary", "gen_clust_index"):
            return f"has an index called {index.name}, which servers keep for themselves"
        for other in table.indexes[:number]:
            same = same_names(index.columns, other.columns) and index.unique != other.unique
            if same or index.name.lower() == other.name.lower():
                return (
                    f"has the indexes {other.name} and {index.name} ({columns}); expected one of each name and columns"
                )
    return ""


def _column(field: Any) -> Column:
    if not hasattr(field, "column_type"):
        kind = type(field).__name__
        raise ConfigurationError(
            f"{field.model.__name__}.{field.name} is a {kind}, which not every engine supports; "
            "use one of peewee's other fields, or wch_peewee.models.fields.ColumnField with the type."
        )
    type_ = field.column_type()
    if reason := beyond(type_):
        _refuse(field, f"is {type_}: {reason}")
    default = _default(field, type_)
    if type_.name == "timestamp" and not field.null and default is None:
        _refuse(field, "is a timestamp NOT NULL without a default, which some servers change with every UPDATE")
    for option in ("collation", "unindexed", "sequence", "index_type", "deferrable"):
        if getattr(field, option, None):
            _refuse(field, f"has {option}={getattr(field, option)!r}, which not every engine supports")
    return Column(
        field.column_name,
        type_,
        nullable=field.null,
        default=default,
        auto_increment=bool(field.auto_increment),
    )


def _refuse(field: Any, reason: str) -> NoReturn:
    raise ConfigurationError(f"{field.model.__name__}.{field.name} {reason}; remove it.")


#: What ``constraints=[SQL("DEFAULT 0")]`` may say.
_LITERAL = re.compile(r"DEFAULT\s+(?:'((?:[^'\\]|'')*)'|(-?[0-9][0-9.eE+-]*)|(TRUE|FALSE)|(NULL)|(CURRENT_TIMESTAMP))")


def _default(field: Any, type_: ColumnType) -> Default | None:
    """Return the default of the server: the one in ``constraints``, or that of Python if it is no function.

    A default that Python computes for each row has no SQL that is the same on every engine, and a text or blob has none
    on MySQL.
    """
    default = None if callable(field.default) or type_.is_unbounded else field.default
    if default is not None:
        value = field.db_value(default)
        if isinstance(value, bytes):
            _refuse(field, "has a default of bytes, which not every engine shows")
        found = Default(plain_literal(type_, str(value)))
    else:
        found = None
    for constraint in field.constraints or ():
        text = str(getattr(constraint, "sql", constraint)).strip()
        match = re.fullmatch(_LITERAL.pattern + r"(?:\(\d*\))?", text, re.IGNORECASE | re.DOTALL)
        if match is None or (type_.is_unbounded and not match[4]):
            _refuse(field, f"has the constraint {text}, which not every engine supports")
        quoted, number, flag, null, _ = match.groups()
        literal = number if number is not None else str(int(flag.upper() == "TRUE")) if flag else quoted
        now = Default("current_timestamp", is_expression=True)
        found = None if null else now if literal is None else Default(literal.replace("''", "'"))
    return found


def _indexes(meta: Any) -> tuple[Index, ...]:
    """Return the indexes in MySQL's order: unique ones first, then by their first columns."""
    names = [field.column_name for field in meta.sorted_fields]
    indexes = [
        Index(field.column_name, (field.column_name,), unique=bool(field.unique))
        for field in meta.sorted_fields
        if (field.index or field.unique) and not field.primary_key
    ]
    for named in meta.named_indexes:
        columns = tuple(meta.combined[column].column_name for column in named.columns)
        indexes.append(Index(named.name, columns, unique=named.unique))
    for given in meta.indexes:
        parts, unique = given if isinstance(given, tuple | list) else ((), False)
        if not parts or not all(isinstance(part, str) and part in meta.combined for part in parts):
            raise ConfigurationError(
                f"{meta.model.__name__} has the index {given!r}; expected (('one', 'other'), unique) with its fields."
            )
        columns = tuple(meta.combined[part].column_name for part in parts)
        name = constraint_name(columns[0], "_".join(columns[1:])) if columns[1:] else columns[0]
        indexes.append(Index(name, columns, unique=bool(unique)))
    keys = [*indexes, Index("the primary key", tuple(field.column_name for field in meta.get_primary_keys()))]
    for index in keys:
        longest = max(index.columns, key=lambda name: longest_key(meta.columns[name].column_type()), default=None)
        if sum(longest_key(meta.columns[name].column_type()) for name in index.columns) > LONGEST_KEY:
            _refuse(meta.columns[longest], f"is too long for an index of MySQL ({index.name})")
    return tuple(sorted(indexes, key=lambda index: (not index.unique, names.index(index.columns[0]))))


def _foreign_key(field: Any) -> ForeignKey:
    for action in filter(None, (field.on_delete, field.on_update)):
        if action.upper() not in ("CASCADE", "SET NULL", "RESTRICT", "NO ACTION"):
            _refuse(field, f"has the action {action}, which InnoDB does not have")
        if action.upper() == "SET NULL" and not field.null:
            _refuse(field, "is NOT NULL and has the action SET NULL")
    if not (field.rel_field.primary_key or field.rel_field.unique):
        _refuse(field, f"refers to {field.rel_model.__name__}.{field.rel_field.name}, which is not unique")
    parent, own = referenced_key(field), field.model._meta.namespace
    if parent.startswith(f"{OUTSIDE}{own.mark}"):
        table = parent.removeprefix(OUTSIDE)
        _refuse(field, f"refers to {table}, which by its name is a table of {own.name}, and by its model is not")
    return ForeignKey(
        columns=(field.column_name,),
        referenced_table=parent,
        referenced_columns=(field.rel_field.column_name,),
        on_delete=field.on_delete or "NO ACTION",
        on_update=field.on_update or "NO ACTION",
    )


def referenced_key(field: Any) -> str:
    """Return the key of the table that a foreign key refers to, as ``Names.table`` takes it."""
    key, space = key_of(field.rel_model), field.rel_model._meta.namespace
    return key if space == field.model._meta.namespace else f"{OUTSIDE}{space.mark}{key}"


def physical_schema(tables: Iterable[Table], names: Names) -> Schema:
    """Return logical tables and their foreign keys under the full names of one installation, for no engine."""
    return Schema(tuple(physical_table(table, names) for table in tables))


def physical_table(table: Table, names: Names) -> Table:
    """Return a logical table and its foreign keys under their full names."""
    name = names.table(table.name)
    return replace(table, name=name, foreign_keys=tuple(resolve_key(key, name, names) for key in table.foreign_keys))


def resolve(tables: Iterable[Table], *, names: Names, dialect: Dialect, collation: str | None) -> Schema:
    """Return logical tables as they should be on one site."""
    return Schema(tuple(resolve_table(table, names=names, dialect=dialect, collation=collation) for table in tables))


def resolve_table(table: Table, *, names: Names, dialect: Dialect, collation: str | None) -> Table:
    """Return a logical table with its full name and the site's collation, adapted to the engine."""
    return dialect.adapt(replace(physical_table(table, names), engine="InnoDB", collation=collation))


def resolve_key(key: ForeignKey, table: str, names: Names) -> ForeignKey:
    """Return a foreign key with full names; its own contains its table's, because it must be unique in a database."""
    name = constraint_name(table, "_".join(key.columns) + "_fk")
    return replace(key, referenced_table=names.table(key.referenced_table), name=name)


def describe_schema(tables: Iterable[Table], names: Names) -> dict[str, Any]:
    """Return logical tables as plain lists, dicts and strings, which are the same for every engine."""
    return {"prefix": names.prefix, "tables": [_table_values(table, names) for table in tables]}


def create_statements(
    tables: Iterable[Table], *, names: Names, dialect: Dialect, collation: str | None
) -> tuple[Statement, ...]:
    """Return the statements that create the tables in an empty database, parents first."""
    desired = resolve(tables, names=names, dialect=dialect, collation=collation)
    steps = [step for table in desired for step in dialect.render(None, [CreateTable(table.name, table)])]
    return tuple(statement for step in steps for statement in step.statements)


def _table_values(table: Table, names: Names) -> dict[str, Any]:
    physical, action = physical_table(table, names), ("on_delete", "on_update")
    return {
        "key": table.name,
        "name": physical.name,
        "columns": list(map(_column_values, table.columns)),
        "primary_key": list(table.primary_key),
        "indexes": [_values(index, "name", "columns", "unique") for index in table.indexes],
        "foreign_keys": [
            _values(key, "name", "columns", "referenced_table", "referenced_columns", *action)
            for key in physical.foreign_keys
        ],
    }


def _column_values(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type.name,
        **_values(column.type, "size", "scale", "unsigned", "values"),
        "nullable": column.nullable,
        "default": None if column.default is None else column.default.text,
        "auto_increment": column.auto_increment,
    }


def _values(part: object, *names: str) -> dict[str, Any]:
    """Return these attributes, tuples as lists."""
    found = {name: getattr(part, name) for name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
