"""Expressions that choose: ``a ? b : c``, ``a ?: c`` and match."""

from __future__ import annotations

from functools import partial
from typing import Any

from .machine import Machine, Unreachable
from .syntax import named
from .values import Unknown, identical, truth


def conditional(machine: Machine, node: Any) -> Any:
    """``a ? b : c`` and ``a ?: c``."""
    body, other = node.child_by_field_name("body"), node.child_by_field_name("alternative")
    value = machine.evaluate(node.child_by_field_name("condition"))
    answer = truth(value)
    if isinstance(answer, Unknown):
        first = (lambda: value) if body is None else (lambda: machine.evaluate(body))
        return machine.branch(answer, [first, lambda: machine.evaluate(other)])
    if answer:
        return value if body is None else machine.evaluate(body)
    return machine.evaluate(other)


def match(machine: Machine, node: Any) -> Any:
    subject = machine.evaluate(node.child_by_field_name("condition"))
    possible: list[Any] = []
    cause: Unknown | None = None
    default = None
    for arm in named(node.child_by_field_name("body")):
        returned = arm.child_by_field_name("return_expression")
        if arm.type == "match_default_expression":
            default = returned
            continue
        answer = _matches(machine, subject, arm)
        if answer is True:
            possible.append(returned)
            break
        if isinstance(answer, Unknown):
            possible.append(returned)
            cause = cause or answer
    else:
        if default is not None:
            possible.append(default)
        elif cause is None:
            raise Unreachable
    if cause is None:
        return machine.evaluate(possible[0])
    return machine.branch(cause, [partial(machine.evaluate, chosen) for chosen in possible])


def _matches(machine: Machine, subject: Any, arm: Any) -> bool | Unknown:
    unsure: Unknown | None = None
    for condition in named(arm.child_by_field_name("conditional_expressions")):
        answer = identical(subject, machine.evaluate(condition))
        if answer is True:
            return True
        if isinstance(answer, Unknown):
            unsure = unsure or answer
    return unsure or False


TABLE = {
    "conditional_expression": conditional,
    "match_expression": match,
}
