"""What models can do with tables that somebody else has upgraded: read them, and write to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..models.tables import BaseModel
from ..schema.objects import Column, Schema, Table, as_declared
from ..schema.types import TEXTS, reconcile_type, widens


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """Whether a model's table can be read and written; ``reasons`` say why not."""

    model: str
    table: str
    readable: bool
    writable: bool
    reasons: tuple[str, ...] = ()


def model_access(models: Sequence[type[BaseModel]], desired: Schema, actual: Schema) -> tuple[ModelAccess, ...]:
    """Return what each model can do; ``desired`` are its tables in the models' order, ``actual`` the live ones."""
    result = []
    for model, wanted in zip(models, desired, strict=True):
        live = actual.table(wanted.name)
        unreadable = tuple(_unreadable(wanted, live))
        unwritable = () if unreadable or live is None else tuple(_unwritable(wanted, live))
        readable, writable = not unreadable, not (unreadable or unwritable)
        result.append(ModelAccess(model.__name__, wanted.name, readable, writable, unreadable or unwritable))
    return tuple(result)


def _unreadable(wanted: Table, live: Table | None) -> Iterator[str]:
    if live is None:
        yield "the table does not exist"
        return
    strangers = [column.name for column in live.columns if wanted.column(column.name) is None]
    for column in wanted.columns:
        there = live.column(column.name)
        if there is None:
            heirs = [name for name in strangers if name in column.name or column.name in name]
            yield f"column {column.name} does not exist" + (f" ({heirs[0]} may be its new name)" if heirs else "")
        elif reconcile_type(there.type, column.type).blocking:
            yield f"{column.name} is {there.type}, but the model expects {column.type}"


def _unwritable(wanted: Table, live: Table) -> Iterator[str]:
    for column in live.columns:
        declared = wanted.column(column.name)
        fills_itself = column.nullable or column.default is not None or column.auto_increment
        if declared is not None:
            yield from _refused(declared, as_declared(column, declared))
        elif not (fills_itself or column.is_generated):
            yield f"{column.name}, which is not in the model, is NOT NULL without a default"


def _refused(declared: Column, live: Column) -> Iterator[str]:
    """Yield what the live column refuses of what the model writes."""
    name = declared.name
    if declared.auto_increment and not live.auto_increment:
        yield f"{name} is not AUTO_INCREMENT"
    # The models fill JSON themselves.
    elif declared.nullable and not live.nullable and live.default is None and declared.type.name != "json":
        yield f"{name} is NOT NULL without a default"
    if declared.type.name == live.type.name == "enum":
        if missing := [value for value in declared.type.values if value not in live.type.values]:
            yield f"{name} does not accept {', '.join(map(repr, missing))}"
    elif declared.type != live.type and not _takes(live, declared):
        yield f"{name} is {live.type}, but the model writes {declared.type}"


def _takes(live: Column, declared: Column) -> bool:
    """Return True if the live column's type takes every value of the declared one."""
    texts = {"enum": ("varchar", *TEXTS), "json": TEXTS}.get(declared.type.name, ())
    return widens(declared.type, live.type) or live.type.name in texts
