"""What the models declare, as schema values.

The tables carry their logical names ("carts") and no engine, collation or constraint names: those belong to one
site. Nothing here asks a database.

    logical_tables(MODELS)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import peewee

from ..errors import ConfigurationError
from .objects import Column, Default, ForeignKey, Index, Table


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
    default = field.default
    return Column(
        field.column_name,
        field.column_type(),
        nullable=field.null,
        # What is computed when a row is made cannot be said in SQL alike on every engine.
        default=None if default is None or callable(default) else Default(str(field.db_value(default))),
        auto_increment=bool(field.auto_increment),
    )


def _indexes(meta: Any) -> tuple[Index, ...]:
    """Unique indexes first, then in the order of their first columns, as MySQL lists them."""
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
