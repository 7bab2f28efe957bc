"""All of PHP's functions that are followed, under one calling convention: ``function(machine, node, values)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import arrays, encodings, files, texts
from .conversions import NotFollowed
from .machine import Machine
from .values import Unknown

Builtin = Callable[[Machine, Any, list[Any]], Any]


def _unknown_in(value: Any) -> Unknown | None:
    if isinstance(value, Unknown):
        return value
    if isinstance(value, dict):
        return next((found for one in value.values() if (found := _unknown_in(one)) is not None), None)
    return None


def _on_known(name: str, function: Callable[..., Any]) -> Builtin:
    def call(machine: Machine, node: Any, values: list[Any]) -> Any:
        unknown = next((found for value in values if (found := _unknown_in(value)) is not None), None)
        return unknown if unknown is not None else _guarded(machine, node, name, function, values)

    return call


def _on_any(name: str, function: Callable[..., Any]) -> Builtin:
    def call(machine: Machine, node: Any, values: list[Any]) -> Any:
        return _guarded(machine, node, name, function, values)

    return call


def _guarded(machine: Machine, node: Any, name: str, function: Callable[..., Any], values: list[Any]) -> Any:
    cause = machine.unknown(node, f"{name}() with such arguments")
    try:
        value = function(*values)
    except (NotFollowed, TypeError, ValueError, OverflowError):
        machine.may_throw(cause)
        return cause
    if isinstance(value, Unknown):
        machine.may_throw(cause)
    return value


TABLE: dict[str, Builtin] = {
    **{name: _on_known(name, function) for name, function in (texts.TABLE | encodings.TABLE).items()},
    **{name: _on_any(name, function) for name, function in arrays.TABLE.items()},
    **files.TABLE,
}
