"""Calls: of functions that the file defines, of closures, of those that PHP brings, and of what nobody knows.

A function that is not known may do anything: whatever it could have changed is unknown behind the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import constructs
from .arguments import evaluate_arguments
from .assignments import assign_unknown
from .harmless import BY_REFERENCE, HARMLESS
from .machine import Machine, Unit, Unreachable
from .names import class_name, function_names
from .state import Frame
from .syntax import arguments_of, content, named
from .values import Closure, Unknown
from .variables import ABSENT, look, tie

#: How deep functions of the file may call each other.
_MAX_CALLS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function of the file: its declaration, and the file it is in."""

    node: Any
    unit: Unit


def call_value(machine: Machine, node: Any) -> Any:
    """``name(...)``, ``$closure(...)``, and what only looks like a call: isset, empty, eval, exit."""
    function = node.child_by_field_name("function")
    if function.type not in ("name", "qualified_name", "namespace_name", "relative_name"):
        return call_any(machine, node, machine.evaluate(function))
    written = content(function)
    lower = written.lower().lstrip("\\")
    if lower in constructs.TABLE:
        return constructs.TABLE[lower](machine, node)
    return call_named(machine, node, function_names(machine.unit, written))


def call_any(machine: Machine, node: Any, called: Any) -> Any:
    """Call a value: a closure, or a function's name."""
    if isinstance(called, Closure):
        captured = Frame()
        captured.variables.known.update(called.captured)
        return call_function(machine, node, Function(called.node, Unit(called.file)), captured)
    if isinstance(called, bytes) and b"::" not in called:
        return call_named(machine, node, [called.decode("utf-8", "replace").lower().lstrip("\\")])
    evaluate_arguments(machine, node)
    return machine.lost(node, "a call of what is known only when it runs")


def call_named(machine: Machine, node: Any, names: list[str]) -> Any:
    """Call the first function of these names that there is."""
    functions = machine.here.functions
    for name in names:
        found = functions.known.get(name)
        if isinstance(found, Function):
            return call_function(machine, node, found, Frame())
        if isinstance(found, Unknown):
            break
        if isinstance(found, str):  # a builtin under another name
            return _builtin(machine, node, found)
        if functions.rest is not None and "\\" in name:
            break
        if name in machine.builtins:
            return _builtin(machine, node, name)
        if name in HARMLESS:
            return _harmless(machine, node, name)
    evaluate_arguments(machine, node)
    for argument in arguments_of(node):
        if argument.type == "argument" and named(argument)[-1].type in ("variable_name", "subscript_expression"):
            tie_argument(machine, named(argument)[-1])
    return machine.lost(node, f"{names[-1]}(), a function that is not known", here=False)


def tie_argument(machine: Machine, node: Any) -> None:
    """A variable was handed to a function that may keep a reference to it."""
    if node.type == "variable_name":
        tie(machine, node)
    else:
        assign_unknown(machine, node)


def _builtin(machine: Machine, node: Any, name: str) -> Any:
    values = evaluate_arguments(machine, node)
    if values is None:
        return machine.lost(node, f"{name}() with arguments by name or unpacked")
    return machine.builtins[name](machine, node, values)


def _harmless(machine: Machine, node: Any, name: str) -> Any:
    evaluate_arguments(machine, node)
    arguments = arguments_of(node)
    for position in BY_REFERENCE.get(name, ()):
        for argument in arguments[position : position + 1] if position >= 0 else arguments:
            assign_unknown(machine, named(argument)[-1])
    machine.may_throw(machine.unknown(node, f"{name}()"))
    return Unknown(f"{name}()")


def call_function(machine: Machine, node: Any, function: Function, frame: Frame) -> Any:
    """Run a function of the file on the call's arguments."""
    declaration = function.node
    values = evaluate_arguments(machine, node)
    if values is None or len(machine.here.frames) > _MAX_CALLS:
        return machine.lost(node, "a call too deep or too clever to be followed")
    arguments = arguments_of(node)
    parameters = named(declaration.child_by_field_name("parameters"))
    for position, parameter in enumerate(parameters):
        name = content(parameter.child_by_field_name("name"))[1:]
        if any(child.type == "reference_modifier" for child in parameter.children):
            if position < len(arguments):
                tie_argument(machine, named(arguments[position])[-1])
            frame.variables.known[name] = Unknown(f"the parameter ${name} by reference")
        elif parameter.type == "variadic_parameter":
            frame.variables.known[name] = dict(enumerate(values[position:]))
        elif position < len(values):
            frame.variables.known[name] = _coerced(values[position], parameter)
        else:
            default = parameter.child_by_field_name("default_value")
            if default is None:
                raise Unreachable  # PHP's ArgumentCountError
            frame.variables.known[name] = machine.evaluate(default)
    body = declaration.child_by_field_name("body")
    if any(child.type == "reference_modifier" for child in declaration.children) or _yields(body):
        return machine.lost(node, "a function that returns a reference or yields")
    if declaration.type == "arrow_function":
        result: list[Any] = []
        machine.call(lambda: result.append(machine.evaluate(body)), frame, function.unit)
        return result[0]
    value = machine.call(lambda: machine.run(named(body)), frame, function.unit)
    return _coerced(None if value is ... else value, declaration, "return_type")


def _coerced(value: Any, node: Any, field: str = "type") -> Any:
    """A value as a parameter or a return of that type; unknown where PHP would convert or refuse."""
    declared = node.child_by_field_name(field)
    if declared is None or isinstance(value, Unknown):
        return value
    kinds = content(declared).lower().replace(" ", "").lstrip("?").split("|")
    fits = {
        bytes: "string", bool: "bool", int: "int", float: "float", dict: "array", type(None): "null",
    }.get(type(value), "object")  # fmt: skip
    if fits in kinds or "mixed" in kinds or (value is None and content(declared).startswith("?")):
        return value
    if value is None and ("void" in kinds or field == "type"):
        return value
    return Unknown(f"a value that PHP makes {content(declared)}")


def _yields(node: Any) -> bool:
    if node is None:
        return True
    pending = [node]
    while pending:
        one = pending.pop()
        if one.type == "yield_expression":
            return True
        if one.type not in ("anonymous_function", "function_definition", "class_declaration"):
            pending.extend(one.named_children)
    return False


def closure(machine: Machine, node: Any) -> Any:
    """``function () use ($a) {...}`` and ``fn() => ...``."""
    captured: dict[str, Any] = {}
    if node.type == "arrow_function":
        captured = {name: value for name, value in machine.frame.variables.known.items() if isinstance(name, str)}
    for child in node.children:
        if child.type == "anonymous_function_use_clause":
            for used in named(child):
                if used.type == "by_ref":
                    tie(machine, named(used)[0])
                    used = named(used)[0]
                value = look(machine, content(used)[1:])
                captured[content(used)[1:]] = None if value is ABSENT else value
    return Closure(node, captured, machine.unit.path)


def static_class(machine: Machine, node: Any) -> str:
    """The full name of the class that ``Class::`` names; empty when it is known only at run time."""
    scope = node.child_by_field_name("scope") or named(node)[0]
    if scope.type not in ("name", "qualified_name"):
        return ""
    return class_name(machine.unit, content(scope))
