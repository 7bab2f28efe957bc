"""The left side of ``=``: variables, elements however deep, lists; and ``unset()``."""

from __future__ import annotations

from typing import Any, Final

from .machine import Machine
from .syntax import line_of, named
from .values import Unknown, key_of, next_key, text
from .variables import ABSENT, ENVIRONMENT, SUPERGLOBALS, dynamic_name, look, put, roots, simple_name

_APPEND: Final = object()


def assign(machine: Machine, target: Any, value: Any) -> None:
    """Put a value where an expression on the left of ``=`` says."""
    if target.type == "variable_name":
        put(machine, simple_name(target), value)
    elif target.type == "subscript_expression":
        _assign_element(machine, target, value)
    elif target.type == "dynamic_variable_name":
        name = dynamic_name(machine, target)
        if isinstance(name, Unknown):
            machine.frame.variables.havoc(machine.unknown(target, "a variable whose name is not known is set"))
            machine.here.frames[0].variables.havoc(name)
        else:
            put(machine, name, value)
    elif target.type in ("list_literal", "array_creation_expression"):
        _take_apart(machine, target, value)
    elif target.type == "parenthesized_expression":
        assign(machine, named(target)[0], value)
    elif target.type != "scoped_property_access_expression":  # those are never read
        cause = machine.unknown(target, "an object is changed")
        for frame in machine.here.frames:
            frame.variables.havoc(cause)


def _assign_element(machine: Machine, target: Any, value: Any) -> None:
    keys: list[Any] = []
    node = target
    while node.type == "subscript_expression":
        parts = named(node)
        keys.insert(0, machine.evaluate(parts[1]) if len(parts) > 1 else _APPEND)
        node = parts[0]
    name = simple_name(node)
    if name in ENVIRONMENT:
        key = text(keys[0]) if keys[0] is not _APPEND else Unknown(f"${name}[]")
        if isinstance(key, Unknown):
            machine.here.environment.havoc(key)
        else:
            machine.here.environment.known[name, key] = value if len(keys) == 1 else Unknown(f"a part of ${name}")
    elif name == "GLOBALS":
        key = text(keys[0]) if keys[0] is not _APPEND else Unknown("$GLOBALS[]")
        variables = machine.here.frames[0].variables
        if isinstance(key, Unknown):
            variables.havoc(key)
            return
        shown = key.decode("utf-8", "surrogateescape")
        changed = _changed(variables.known.get(shown, variables.rest or ABSENT), keys[1:], value)
        variables.known[shown] = Unknown(f"${shown} is a reference") if ("&", shown) in variables.known else changed
    elif name:
        put(machine, name, _changed(look(machine, name), keys, value))
    else:
        assign_unknown(machine, node)


def _changed(base: Any, keys: list[Any], value: Any) -> Any:
    """An array with one element changed, however deep."""
    if not keys:
        return value
    if isinstance(base, Unknown):
        return base
    if base is ABSENT or base is None:
        base = {}
    if not isinstance(base, dict):
        return Unknown("an element of what is no array is set")
    key = next_key(base) if keys[0] is _APPEND else key_of(keys[0])
    if isinstance(key, Unknown):
        return key
    return {**base, key: _changed(base.get(key, ABSENT), keys[1:], value)}


def _take_apart(machine: Machine, target: Any, value: Any) -> None:
    position, key, keyed = 0, None, False
    for child in target.children:
        if child.type == ",":
            position, key, keyed = position + 1, None, False
        elif child.type == "=>":
            keyed = True
        elif child.is_named and child.type not in ("comment", "by_ref"):
            following = child.next_sibling
            if following is not None and following.type == "=>":
                key = machine.evaluate(child)
                continue
            found = key_of(key) if keyed else position
            if isinstance(value, dict) and not isinstance(found, Unknown):
                part = value.get(found)
            else:
                part = value if isinstance(value, Unknown) else Unknown(f"list() in line {line_of(target)}")
            if child.type == "array_element_initializer":
                assign_unknown(machine, child)
            else:
                assign(machine, child, part)
        elif child.type == "by_ref":
            assign_unknown(machine, child)


def assign_unknown(machine: Machine, node: Any) -> None:
    """Something that is not followed has been put where ``node`` says."""
    names = roots(machine, node)
    cause = machine.unknown(node, "is set in a way that is not followed")
    if not names or any(name in ENVIRONMENT or name == "GLOBALS" for name in names):
        machine.here.havoc(cause, here=True)
    for name in names:
        put(machine, name, cause)


def forget(machine: Machine, node: Any) -> None:
    """``unset()`` of one thing."""
    name = simple_name(node)
    if name and name not in machine.frame.shared and name not in SUPERGLOBALS:
        scope = machine.frame.variables
        scope.known.pop(name, None)
        scope.known.pop(("&", name), None)
        if scope.rest is not None:
            scope.known[name] = None
        return
    if node.type == "subscript_expression":
        parts = named(node)
        root = simple_name(parts[0])
        if root and root not in SUPERGLOBALS and root != "GLOBALS" and len(parts) > 1:
            base, key = look(machine, root), key_of(machine.evaluate(parts[1]))
            if isinstance(base, dict) and not isinstance(key, Unknown):
                put(machine, root, {one: value for one, value in base.items() if one != key})
                return
    assign_unknown(machine, node)
