"""The arguments of a call: in order, and with ``...`` taken apart."""

from __future__ import annotations

from typing import Any

from .machine import Machine
from .syntax import arguments_of, named


def evaluate_arguments(machine: Machine, node: Any) -> list[Any] | None:
    """The arguments' values in order; None when they are named or unpacked in a way that is not followed."""
    values: list[Any] = []
    plain = True
    for argument in arguments_of(node):
        inner = named(argument)
        if argument.type == "variadic_unpacking" or (inner and inner[-1].type == "variadic_unpacking"):
            unpacked = machine.evaluate(named(argument if argument.type == "variadic_unpacking" else inner[-1])[0])
            if isinstance(unpacked, dict) and all(isinstance(key, int) for key in unpacked):
                values.extend(unpacked.values())
            else:
                plain = False
            continue
        if argument.child_by_field_name("name") is not None:
            plain = False
        if not inner:
            plain = False  # f(...) makes a closure
            continue
        values.append(machine.evaluate(inner[-1]))
    return values if plain else None
