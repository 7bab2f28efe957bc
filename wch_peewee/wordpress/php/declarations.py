"""Statements that declare: functions, classes, ``global``, ``static``, ``unset``; and what is hoisted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import constants, names
from .assignments import assign_unknown, forget
from .calls import Function
from .machine import Machine, Unit
from .syntax import content, named
from .values import Unknown


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class of the file: its declaration, and the file it is in."""

    node: Any
    unit: Unit


def hoist(machine: Machine, root: Any) -> None:
    """Functions and classes at the top of a file are there before its first statement."""
    for node in named(root):
        if node.type in ("namespace_definition", "namespace_use_declaration"):
            break  # their names depend on what comes before them; they are declared when it is their turn
        if node.type in ("function_definition", "class_declaration"):
            declare(machine, node)


def declare(machine: Machine, node: Any) -> None:
    """A function or a class."""
    written = content(node.child_by_field_name("name")).lower()
    space = machine.unit.namespace.lower()
    full = f"{space}\\{written}" if space else written
    if node.type == "function_definition":
        machine.here.functions.known[full] = Function(node, machine.unit)
    else:
        machine.here.functions.known["class", full] = Class(node, machine.unit)


def global_variables(machine: Machine, node: Any) -> None:
    if len(machine.here.frames) == 1:
        return
    for child in named(node):
        if child.type == "variable_name":
            machine.frame.shared[content(child)[1:]] = None
        else:
            assign_unknown(machine, child)


def static_variables(machine: Machine, node: Any) -> None:
    for child in named(node):
        name = content(child.child_by_field_name("name"))[1:]
        machine.frame.variables.known["&", name] = True
        machine.frame.variables.known[name] = Unknown(f"the static variable ${name}")


def unset(machine: Machine, node: Any) -> None:
    for child in named(node):
        forget(machine, child)


TABLE = {
    **dict.fromkeys(("function_definition", "class_declaration"), declare),
    "const_declaration": constants.declare,
    "namespace_definition": names.namespace,
    "namespace_use_declaration": names.use,
    "global_declaration": global_variables,
    "function_static_declaration": static_variables,
    "unset_statement": unset,
}
