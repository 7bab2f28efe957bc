"""What only looks like a call of a function: isset, empty, exit; and compact and extract, which see all variables."""

from __future__ import annotations

from typing import Any

from .arguments import evaluate_arguments
from .machine import Machine, Unreachable
from .syntax import arguments_of, named
from .values import Unknown, text, truth
from .variables import ABSENT, look, peek, put


def _isset(machine: Machine, node: Any) -> bool | Unknown:
    unsure: Unknown | None = None
    for argument in arguments_of(node):
        value = peek(machine, named(argument)[-1])
        if value is ABSENT or value is None:
            return False
        if isinstance(value, Unknown):
            unsure = unsure or value
    return unsure or True


def _empty(machine: Machine, node: Any) -> bool | Unknown:
    value = peek(machine, named(arguments_of(node)[0])[-1])
    answer = False if value is ABSENT else truth(value)
    return answer if isinstance(answer, Unknown) else not answer


def _exit(machine: Machine, node: Any) -> Any:
    evaluate_arguments(machine, node)
    machine.ended = machine.unknown(node, "the program ends here, before WordPress is loaded")
    raise Unreachable


def _compact(machine: Machine, node: Any) -> Any:
    found: dict[Any, Any] = {}
    for name in evaluate_arguments(machine, node) or [Unknown("compact()")]:
        if not isinstance(name, bytes):
            return Unknown("compact()")
        value = look(machine, name.decode("utf-8", "surrogateescape"))
        if value is not ABSENT:
            found[name] = value
    return found


def _extract(machine: Machine, node: Any) -> Any:
    values = evaluate_arguments(machine, node) or [None]
    if len(values) != 1 or not isinstance(values[0], dict):
        machine.frame.variables.havoc(machine.unknown(node, "extract()"))
        machine.here.frames[0].variables.havoc(machine.unknown(node, "extract()"))
        return Unknown("extract()")
    for key, value in values[0].items():
        shown = text(key)
        if isinstance(shown, bytes) and isinstance(key, bytes):
            put(machine, shown.decode("utf-8", "surrogateescape"), value)
    return len(values[0])


TABLE = {
    "isset": _isset,
    "empty": _empty,
    "exit": _exit,
    "die": _exit,
    "compact": _compact,
    "extract": _extract,
}
