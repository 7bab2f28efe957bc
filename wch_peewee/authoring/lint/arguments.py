"""The arguments of a step by their names, and whether the shapes in them are what they should be.

bound(steps.add_column, (database, "carts", Column("note", text())), {})["column"]
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from ...schema.objects import Column, ColumnType, Default, ForeignKey, Index, Table

_SHAPES: dict[Any, type] = {"Column": Column, "Index": Index, "ForeignKey": ForeignKey, "str": str}

#: Where the functions are whose arguments are known; an author's own are his.
_OURS = ("wch_peewee.migrate.steps.", "wch_peewee.migrate.batches")


def bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Give each argument its name. Raises TypeError where the step could not be called so, or not do its work."""
    signature = inspect.signature(function)
    call = signature.bind(*args, **kwargs)
    call.apply_defaults()
    arguments = dict(call.arguments)
    if not getattr(function, "__module__", "").startswith(_OURS):
        return arguments
    for name, parameter in signature.parameters.items():
        wanted = _SHAPES.get(parameter.annotation)
        if wanted is not None and not isinstance(arguments[name], wanted):
            raise TypeError(f"{name} is {type(arguments[name]).__name__}, and not {wanted.__name__}")
        if name == "tables":
            arguments[name] = tuple(arguments[name])  # it may be used up by one look
        elif name == "columns" and not all(isinstance(column, str) for column in arguments[name]):
            raise TypeError("columns are not all str")
        elif wanted in (Column, Index, ForeignKey):
            _examine(arguments[name])
    for table in arguments.get("tables", ()):
        _examine(table)
    return arguments


def _examine(shape: object) -> None:
    """Look into a shape: Python does not hold its values to their types."""
    if isinstance(shape, Table):
        _insist(isinstance(shape.name, str), "a table's name is no text")
        for kind, inner in ((Column, shape.columns), (Index, shape.indexes), (ForeignKey, shape.foreign_keys)):
            _insist(isinstance(inner, tuple), f"the table {shape.name} has no tuple of {kind.__name__}")
            for part in inner:
                _insist(isinstance(part, kind), f"{part!r} in the table {shape.name} is no {kind.__name__}")
                _examine(part)
        _insist(_are_texts(shape.primary_key), f"the primary key of {shape.name} is no tuple of names")
    elif isinstance(shape, Column):
        _insist(isinstance(shape.name, str), f"{shape.name!r} is no column's name")
        _insist(isinstance(shape.type, ColumnType), f"the type of {shape.name} is no column type")
        type_ = shape.type
        _insist(
            isinstance(type_.name, str) and _are_texts(type_.values), f"the values of {shape.name} are not all texts"
        )
        _insist(type_.size is None or isinstance(type_.size, int), f"the size of {shape.name} is no number")
        is_default = isinstance(shape.default, Default) and isinstance(shape.default.text, str)
        _insist(shape.default is None or is_default, f"the default of {shape.name} is no Default with a text")
    elif isinstance(shape, Index):
        _insist(isinstance(shape.name, str), f"{shape.name!r} is no index's name")
        _insist(_are_texts(shape.columns) and bool(shape.columns), f"the index {shape.name} has no tuple of columns")
    elif isinstance(shape, ForeignKey):
        _insist(isinstance(shape.referenced_table, str), "the table that a foreign key refers to is no text")
        _insist(_are_texts(shape.columns) and bool(shape.columns), "a foreign key has no tuple of columns")
        alike = _are_texts(shape.referenced_columns) and len(shape.referenced_columns) == len(shape.columns)
        _insist(alike, "a foreign key refers to another number of columns")
    else:
        _insist(False, f"{shape!r} is no Table")


def _are_texts(values: Iterable[object]) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, str) for value in values)


def _insist(holds: bool, otherwise: str) -> None:
    if not holds:
        raise TypeError(otherwise)
