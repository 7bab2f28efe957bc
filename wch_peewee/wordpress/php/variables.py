"""Variables: read, looked for, set. ``ABSENT`` is what is not there, which PHP reads as null."""

from __future__ import annotations

from typing import Any, Final

from .machine import Machine
from .state import Scope
from .syntax import content, named
from .values import Closure, Object, Unknown, key_of, text

ABSENT: Final = object()

#: What PHP fills by itself, and where getenv() and putenv() meet it.
ENVIRONMENT = ("_SERVER", "_ENV")
SUPERGLOBALS = (*ENVIRONMENT, "_GET", "_POST", "_COOKIE", "_FILES", "_REQUEST", "_SESSION")


def simple_name(node: Any) -> str:
    """The name in ``$name``; empty for another kind of node."""
    return content(node)[1:] if node.type == "variable_name" else ""


def scope_of(machine: Machine, name: str) -> Scope:
    """Where a variable of that name lives at this point."""
    state, frame = machine.here, machine.frame
    return state.frames[0].variables if name in frame.shared else frame.variables


def look(machine: Machine, name: str) -> Any:
    """The value of a variable; ABSENT when it is not set."""
    if name in SUPERGLOBALS or name in ("GLOBALS", "this"):
        return Unknown(f"${name} as a whole")
    scope = scope_of(machine, name)
    if name in scope.known:
        return scope.known[name]
    return ABSENT if scope.rest is None else scope.rest


def put(machine: Machine, name: str, value: Any) -> None:
    """Give a variable its value."""
    if name in ENVIRONMENT:
        machine.here.environment.havoc(Unknown(f"${name} is replaced as a whole"))
    elif name == "GLOBALS":
        machine.here.frames[0].variables.havoc(Unknown("$GLOBALS is replaced"))
    elif name not in SUPERGLOBALS:
        scope = scope_of(machine, name)
        scope.known[name] = Unknown(f"${name} is a reference") if ("&", name) in scope.known else value


def tie(machine: Machine, node: Any) -> None:
    """A reference is made to a variable: from now on it can change without being named."""
    for name in roots(machine, node):
        scope = scope_of(machine, name)
        scope.known["&", name] = True
        scope.known[name] = machine.unknown(node, f"${name} is a reference")


def peek(machine: Machine, node: Any) -> Any:
    """The value of an expression, without a fuss about what is not there: then ABSENT."""
    if node.type == "variable_name":
        return look(machine, simple_name(node))
    if node.type == "parenthesized_expression":
        return peek(machine, named(node)[0])
    if node.type == "dynamic_variable_name":
        name = dynamic_name(machine, node)
        return name if isinstance(name, Unknown) else look(machine, name)
    if node.type == "subscript_expression":
        return _element(machine, node)
    if node.type in ("member_access_expression", "nullsafe_member_access_expression"):
        return _property(machine, node)
    return machine.evaluate(node)


def read(machine: Machine, node: Any) -> Any:
    """The value of a variable, an element or a property."""
    value = peek(machine, node)
    return None if value is ABSENT else value


def _element(machine: Machine, node: Any) -> Any:
    parts = named(node)
    root = simple_name(parts[0])
    if len(parts) < 2:
        return Unknown("[] where a value is read")
    if root in SUPERGLOBALS or root == "GLOBALS":
        return _superglobal(machine, root, _index(machine, parts[1]))
    base = peek(machine, parts[0])
    key = _index(machine, parts[1])
    if base is ABSENT or isinstance(base, Unknown):
        return base
    if isinstance(base, dict):
        found = key_of(key)
        return found if isinstance(found, Unknown) else base.get(found, ABSENT)
    if isinstance(base, bytes):
        if isinstance(key, int) and not isinstance(key, bool):
            inside = -len(base) <= key < len(base)
            return base[key : key + 1 or None] if inside else ABSENT
        return key if isinstance(key, Unknown) else Unknown("a part of a string by something else than a number")
    return Unknown("an element of an object") if isinstance(base, Object | Closure) else ABSENT


def _index(machine: Machine, node: Any) -> Any:
    # In "$a[key]" the key is a bare word.
    holder = node.parent.parent if node.parent is not None else None
    if node.type == "name" and holder is not None and holder.type in ("encapsed_string", "heredoc_body"):
        between = bytes(holder.text)[: node.parent.start_byte - holder.start_byte]
        if not between.endswith(b"{"):
            return bytes(node.text)
    return machine.evaluate(node)


def _superglobal(machine: Machine, root: str, key: Any) -> Any:
    name = text(key)
    if isinstance(name, Unknown):
        return name
    shown = name.decode("utf-8", "replace")
    if root == "GLOBALS":
        scope = machine.here.frames[0].variables
        return scope.known.get(shown, ABSENT if scope.rest is None else scope.rest)
    if root not in ENVIRONMENT:
        return Unknown(f"${root}['{shown}'], which only a web request knows")
    return environment_value(machine, root, name)


def environment_value(machine: Machine, store: str, name: bytes) -> Any:
    """What ``$_SERVER``, ``$_ENV`` or getenv (``store`` is then empty) has under a name; ABSENT without it."""
    own = machine.here.environment
    if (store, name) in own.known:
        value = own.known[store, name]
        return ABSENT if value is None else value
    if own.rest is not None:
        return own.rest
    shown = name.decode("utf-8", "replace")
    found = machine.environment.get(name, f"${store}['{shown}']" if store else f"getenv('{shown}')")
    return ABSENT if found is None else found


def _property(machine: Machine, node: Any) -> Any:
    base = peek(machine, node.child_by_field_name("object"))
    name = node.child_by_field_name("name")
    if isinstance(base, Object) and base.kind == "stdClass" and name.type == "name":
        return base.fields.get(bytes(name.text), ABSENT)
    if isinstance(base, Unknown):
        return base
    return ABSENT if base is None or base is ABSENT else Unknown("a property of an object")


def dynamic_name(machine: Machine, node: Any) -> str | Unknown:
    inner = named(node)[0]
    if inner.type == "name":  # "${name}" in a string
        return content(inner)
    name = text(machine.evaluate(inner))
    return name if isinstance(name, Unknown) else name.decode("utf-8", "surrogateescape")


def roots(machine: Machine, node: Any) -> list[str]:
    """The names of the variables that a target is made of."""
    if node.type == "variable_name":
        return [simple_name(node)]
    return [name for child in named(node) for name in roots(machine, child)]
