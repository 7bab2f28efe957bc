"""Names in PHP: namespaces, ``use``, and how a name as it is written becomes a full one."""

from __future__ import annotations

from typing import Any

from .machine import Machine, Unit
from .syntax import content, named


def namespace(machine: Machine, node: Any) -> None:
    """``namespace A\\B;`` or with a block."""
    name = node.child_by_field_name("name")
    machine.unit.namespace = content(name) if name is not None else ""
    machine.unit.classes, machine.unit.functions = {}, {}
    body = node.child_by_field_name("body")
    if body is not None:
        machine.run(named(body))


def use(machine: Machine, node: Any) -> None:
    """``use A\\B as C;``, ``use function A\\b;``, ``use A\\{B, C};``"""
    kind = _kind(node)
    group = next((child for child in node.children if child.type == "namespace_use_group"), None)
    if group is not None:
        prefix = next(content(child) for child in node.children if child.type == "namespace_name") + "\\"
        for clause in named(group):
            _take_in(machine.unit, clause, prefix, kind)
        return
    for clause in node.children:
        if clause.type == "namespace_use_clause":
            _take_in(machine.unit, clause, "", kind)


def _kind(node: Any) -> str:
    return next((child.type for child in node.children if child.type in ("function", "const")), "")


def _take_in(unit: Unit, clause: Any, prefix: str, kind: str) -> None:
    kind = _kind(clause) or kind
    alias = clause.child_by_field_name("alias")
    name = next((child for child in named(clause) if child.type in ("qualified_name", "name", "namespace_name")), None)
    if name is None:
        return
    full = prefix + content(name).lstrip("\\")
    short = (content(alias) if alias is not None else full.rpartition("\\")[2]).lower()
    if kind == "function":
        unit.functions[short] = full.lower()
    elif kind == "":
        unit.classes[short] = full.lower()


def function_names(unit: Unit, written: str) -> list[str]:
    """The full names, in lower case, that a function's name can mean, the first that exists."""
    lower = written.lower()
    if lower.startswith("\\"):
        return [lower[1:]]
    first, separator, rest = lower.partition("\\")
    if separator:
        if first == "namespace":
            return [f"{unit.namespace.lower()}\\{rest}".lstrip("\\")]
        return [f"{unit.classes[first]}\\{rest}" if first in unit.classes else _inside(unit, lower)]
    if lower in unit.functions:
        return [unit.functions[lower]]
    return [_inside(unit, lower), lower] if unit.namespace else [lower]


def class_name(unit: Unit, written: str) -> str:
    """The full name, in lower case, of a class."""
    lower = written.lower()
    if lower.startswith("\\"):
        return lower[1:]
    first, separator, rest = lower.partition("\\")
    if first in unit.classes:
        return unit.classes[first] + separator + rest
    return _inside(unit, lower)


def _inside(unit: Unit, lower: str) -> str:
    return f"{unit.namespace.lower()}\\{lower}" if unit.namespace else lower
