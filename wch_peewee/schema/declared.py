"""The tables that the models declare: logical ones, called "carts" on every site, and those of one site."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import peewee

from ..errors import ConfigurationError
from .dialect import Dialect
from .naming import constraint_name
from .objects import Column, Default, ForeignKey, Index, Schema, Table
from .operations import CreateTable
from .statements import Statement


def logical_tables(models: Iterable[type[peewee.Model]]) -> tuple[Table, ...]:
    """Return the declared tables in the order of the models."""
    return tuple(_table(model) for model in models)


def _table(model: type[peewee.Model]) -> Table:
    meta: Any = model._meta
    fields = meta.sorted_fields
    return Table(
        _key(model),
        columns=tuple(_column(field) for field in fields),
        primary_key=tuple(field.column_name for field in meta.get_primary_keys()),
        indexes=_indexes(meta),
        foreign_keys=tuple(_foreign_key(field) for field in fields if isinstance(field, peewee.ForeignKeyField)),
    )


def _key(model: type[peewee.Model]) -> str:
    key = getattr(model._meta, "table_key", None)
    if not isinstance(key, str):
        raise ConfigurationError(f"{model.__name__} has no Meta.table_key, so it is none of the six tables.")
    return key


def _column(field: Any) -> Column:
    if not hasattr(field, "column_type"):
        raise ConfigurationError(
            f"{field.model.__name__}.{field.name} is peewee's own {type(field).__name__}, which has no exact column "
            "type; use one of wch_peewee.models.fields."
        )
    default = field.default
    return Column(
        field.column_name,
        field.column_type(),
        nullable=field.null,
        # A default that Python computes for each row has no SQL that is the same on every engine.
        default=None if default is None or callable(default) else Default(str(field.db_value(default))),
        auto_increment=bool(field.auto_increment),
    )


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
    return tuple(sorted(indexes, key=lambda index: (not index.unique, names.index(index.columns[0]))))


def _foreign_key(field: Any) -> ForeignKey:
    return ForeignKey(
        columns=(field.column_name,),
        referenced_table=_key(field.rel_model),
        referenced_columns=(field.rel_field.column_name,),
        on_delete=field.on_delete or "NO ACTION",
        on_update=field.on_update or "NO ACTION",
    )


def physical_name(key: str, prefix: str) -> str:
    """Return the full name of a logical table. Unlike ``full_table_name`` it takes tables of later migrations, too."""
    return f"{prefix}wch_{key}"


def physical_schema(tables: Iterable[Table], prefix: str) -> Schema:
    """Return logical tables and their foreign keys under the full names of one installation, for no engine."""
    return Schema(
        tuple(
            replace(
                table,
                name=physical_name(table.name, prefix),
                foreign_keys=tuple(resolve_key(key, table.name, prefix) for key in table.foreign_keys),
            )
            for table in tables
        )
    )


def resolve(tables: Iterable[Table], *, prefix: str, dialect: Dialect, collation: str | None) -> Schema:
    """Return logical tables as they should be on one site."""
    return Schema(tuple(resolve_table(table, prefix=prefix, dialect=dialect, collation=collation) for table in tables))


def resolve_table(table: Table, *, prefix: str, dialect: Dialect, collation: str | None) -> Table:
    """Return a logical table with its full name and the site's collation, adapted to the engine."""
    name = physical_name(table.name, prefix)
    keys = tuple(resolve_key(key, name, prefix) for key in table.foreign_keys)
    return dialect.adapt(replace(table, name=name, foreign_keys=keys, engine="InnoDB", collation=collation))


def resolve_key(key: ForeignKey, table: str, prefix: str) -> ForeignKey:
    """Return a foreign key with full names; its own contains its table's, because it must be unique in a database."""
    name = constraint_name(table, "_".join(key.columns) + "_fk")
    return replace(key, referenced_table=physical_name(key.referenced_table, prefix), name=name)


def describe_schema(tables: Iterable[Table], prefix: str) -> dict[str, Any]:
    """Return logical tables as plain lists, dicts and strings, which are the same for every engine."""
    return {"prefix": prefix, "tables": [_table_values(table, prefix) for table in tables]}


def create_statements(
    tables: Iterable[Table], *, prefix: str, dialect: Dialect, collation: str | None
) -> tuple[Statement, ...]:
    """Return the statements that create the tables in an empty database, parents first."""
    desired = resolve(tables, prefix=prefix, dialect=dialect, collation=collation)
    steps = [step for table in desired for step in dialect.render(None, [CreateTable(table.name, table)])]
    return tuple(statement for step in steps for statement in step.statements)


def _table_values(table: Table, prefix: str) -> dict[str, Any]:
    name = physical_name(table.name, prefix)
    return {
        "key": table.name,
        "name": name,
        "columns": [_column_values(column) for column in table.columns],
        "primary_key": list(table.primary_key),
        "indexes": [_index_values(index) for index in table.indexes],
        "foreign_keys": [_foreign_key_values(resolve_key(key, name, prefix)) for key in table.foreign_keys],
    }


def _column_values(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type.name,
        "size": column.type.size,
        "unsigned": column.type.unsigned,
        "values": list(column.type.values),
        "nullable": column.nullable,
        "default": None if column.default is None else column.default.text,
        "auto_increment": column.auto_increment,
    }


def _index_values(index: Index) -> dict[str, Any]:
    return {"name": index.name, "columns": list(index.columns), "unique": index.unique}


def _foreign_key_values(key: ForeignKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "columns": list(key.columns),
        "referenced_table": key.referenced_table,
        "referenced_columns": list(key.referenced_columns),
        "on_delete": key.on_delete,
        "on_update": key.on_update,
    }
