"""Loops. Over an array that is known they are gone through; otherwise until nothing more changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .assignments import assign, assign_unknown
from .machine import Machine
from .syntax import named
from .values import Unknown, truth


def while_statement(machine: Machine, node: Any) -> None:
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
    machine.repeat(node, lambda: truth(machine.evaluate(condition)), lambda: machine.execute(body))


def do_statement(machine: Machine, node: Any) -> None:
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
    first = [True]

    def check() -> bool | Unknown:
        return bool(first.pop()) if first else truth(machine.evaluate(condition))

    machine.repeat(node, check, lambda: machine.execute(body))


def for_statement(machine: Machine, node: Any) -> None:
    body: list[Any] = []
    steps: dict[str, list[Any]] = {"initialize": [], "condition": [], "update": []}
    for index, child in enumerate(node.children):
        field = node.field_name_for_child(index)
        if field in steps and child.is_named:
            steps[field].append(child)
        elif field == "body":
            body.append(child)
    for child in steps["initialize"]:
        machine.evaluate(child)
    begun = [False]

    def check() -> bool | Unknown:
        # The update comes between a round and the next look, also behind continue.
        if begun[0]:
            for child in steps["update"]:
                machine.evaluate(child)
        begun[0] = True
        answer: bool | Unknown = True
        for child in steps["condition"]:
            answer = truth(machine.evaluate(child))
        return answer

    machine.repeat(node, check, lambda: machine.run(body))


def foreach_statement(machine: Machine, node: Any) -> None:
    parts = [child for child in named(node) if child.type not in ("php_end_tag", "php_tag")]
    subject, target = parts[0], parts[1]
    body = node.child_by_field_name("body")
    value = machine.evaluate(subject)
    key_target, value_target = named(target) if target.type == "pair" else (None, target)
    by_reference = value_target.type == "by_ref"

    def run_body() -> None:
        if body is not None:
            machine.execute(body)

    if by_reference or not isinstance(value, dict):
        _over_unknown(machine, node, value, [one for one in (key_target, value_target) if one is not None], run_body)
        if by_reference:
            assign_unknown(machine, subject)
            assign_unknown(machine, value_target)
        return
    items = iter(value.items())

    def check() -> bool | Unknown:
        item = next(items, None)
        if item is None:
            return False
        assign(machine, value_target, item[1])
        if key_target is not None:
            assign(machine, key_target, item[0])
        return True

    machine.repeat(node, check, run_body)


def _over_unknown(machine: Machine, node: Any, value: Any, targets: list[Any], run_body: Callable[[], None]) -> None:
    cause = value if isinstance(value, Unknown) else machine.unknown(node, "foreach over what is no array")

    def body() -> None:
        for target in targets:
            assign_unknown(machine, target)
        run_body()

    machine.repeat(node, lambda: cause, body)


TABLE = {
    "while_statement": while_statement,
    "do_statement": do_statement,
    "for_statement": for_statement,
    "foreach_statement": foreach_statement,
}
