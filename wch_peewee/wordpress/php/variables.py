"""Variables, their elements and properties: reading, assigning, unsetting. An unset one is ABSENT."""

from typing import Any, Final

from .machine import Machine
from .state import Scope
from .syntax import content, line_of, named
from .values import ABSENT, Closure, Object, Unknown, next_key, to_key, to_string

#: The superglobals with environment variables, which getenv() and putenv() share.
ENVIRONMENT = ("_SERVER", "_ENV")
SUPERGLOBALS = (*ENVIRONMENT, "_GET", "_POST", "_COOKIE", "_FILES", "_REQUEST", "_SESSION")


def simple_name(node: Any) -> str:
    """Return the name in ``$name``, or an empty string for another kind of node."""
    return content(node)[1:] if node.type == "variable_name" else ""


def scope_of(machine: Machine, name: str) -> Scope:
    """Return the scope of a variable of that name: the function's, or the global one."""
    state, frame = machine.current, machine.frame
    return state.frames[0].variables if name in frame.shared else frame.variables


def variable_value(machine: Machine, name: str) -> Any:
    """Return the value of a variable, or ABSENT."""
    if name in SUPERGLOBALS or name in ("GLOBALS", "this"):
        return Unknown(f"${name} as a whole")
    scope = scope_of(machine, name)
    if name in scope.known:
        return scope.known[name]
    return ABSENT if scope.rest is None else scope.rest


def set_variable(machine: Machine, name: str, value: Any) -> None:
    """Set a variable."""
    if name in ENVIRONMENT:
        machine.current.environment.havoc(Unknown(f"${name} is replaced as a whole"))
    elif name == "GLOBALS":
        machine.current.frames[0].variables.havoc(Unknown("$GLOBALS is replaced"))
    elif name not in SUPERGLOBALS:
        scope = scope_of(machine, name)
        scope.known[name] = Unknown(f"${name} is a reference") if ("&", name) in scope.known else value


def mark_reference(machine: Machine, node: Any) -> None:
    """Record a reference to a variable: from now on it can change under another name."""
    for name in roots(machine, node):
        scope = scope_of(machine, name)
        scope.known["&", name] = True
        scope.known[name] = machine.unknown(node, f"${name} is a reference")


def peek(machine: Machine, node: Any) -> Any:
    """Return the value of an expression as ``isset()`` sees it: ABSENT if something is not set."""
    if node.type == "variable_name":
        return variable_value(machine, simple_name(node))
    if node.type == "parenthesized_expression":
        return peek(machine, named(node)[0])
    if node.type == "dynamic_variable_name":
        name = dynamic_name(machine, node)
        return name if isinstance(name, Unknown) else variable_value(machine, name)
    if node.type == "subscript_expression":
        return _element(machine, node)
    if node.type in ("member_access_expression", "nullsafe_member_access_expression"):
        return _property(machine, node)
    return machine.evaluate(node)


def read_value(machine: Machine, node: Any) -> Any:
    """Return the value of a variable, an element or a property."""
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
        found = to_key(key)
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
    name = to_string(key)
    if isinstance(name, Unknown):
        return name
    shown = name.decode("utf-8", "replace")
    if root == "GLOBALS":
        scope = machine.current.frames[0].variables
        return scope.known.get(shown, ABSENT if scope.rest is None else scope.rest)
    if root not in ENVIRONMENT:
        return Unknown(f"${root}['{shown}'], which only a web request knows")
    return environment_value(machine, root, name)


def environment_value(machine: Machine, store: str, name: bytes) -> Any:
    """Return a variable from ``$_SERVER``, ``$_ENV`` or getenv() (``store`` is then empty), or ABSENT."""
    own = machine.current.environment
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
    name = to_string(machine.evaluate(inner))
    return name if isinstance(name, Unknown) else name.decode("utf-8", "surrogateescape")


def roots(machine: Machine, node: Any) -> list[str]:
    """Return the names of the variables in a target of assignment."""
    if node.type == "variable_name":
        return [simple_name(node)]
    return [name for child in named(node) for name in roots(machine, child)]


_APPEND: Final = object()


def assign(machine: Machine, target: Any, value: Any) -> None:
    """Assign a value to the left side of ``=``."""
    if target.type == "variable_name":
        set_variable(machine, simple_name(target), value)
    elif target.type == "subscript_expression":
        _assign_element(machine, target, value)
    elif target.type == "dynamic_variable_name":
        name = dynamic_name(machine, target)
        if isinstance(name, Unknown):
            machine.frame.variables.havoc(machine.unknown(target, "a variable whose name is not known is set"))
            machine.current.frames[0].variables.havoc(name)
        else:
            set_variable(machine, name, value)
    elif target.type in ("list_literal", "array_creation_expression"):
        _destructure(machine, target, value)
    elif target.type == "parenthesized_expression":
        assign(machine, named(target)[0], value)
    elif target.type != "scoped_property_access_expression":  # static properties are never read
        cause = machine.unknown(target, "an object is changed")
        for frame in machine.current.frames:
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
        key = to_string(keys[0]) if keys[0] is not _APPEND else Unknown(f"${name}[]")
        if isinstance(key, Unknown):
            machine.current.environment.havoc(key)
        else:
            machine.current.environment.known[name, key] = value if len(keys) == 1 else Unknown(f"a part of ${name}")
    elif name == "GLOBALS":
        key = to_string(keys[0]) if keys[0] is not _APPEND else Unknown("$GLOBALS[]")
        variables = machine.current.frames[0].variables
        if isinstance(key, Unknown):
            variables.havoc(key)
            return
        shown = key.decode("utf-8", "surrogateescape")
        changed = _changed(variables.known.get(shown, variables.rest or ABSENT), keys[1:], value)
        variables.known[shown] = Unknown(f"${shown} is a reference") if ("&", shown) in variables.known else changed
    elif name:
        set_variable(machine, name, _changed(variable_value(machine, name), keys, value))
    else:
        assign_unknown(machine, node)


def _changed(base: Any, keys: list[Any], value: Any) -> Any:
    """Return an array with one element changed, at any depth."""
    if not keys:
        return value
    if isinstance(base, Unknown):
        return base
    if base is ABSENT or base is None:
        base = {}
    if not isinstance(base, dict):
        return Unknown("an element of what is no array is set")
    key = next_key(base) if keys[0] is _APPEND else to_key(keys[0])
    if isinstance(key, Unknown):
        return key
    return {**base, key: _changed(base.get(key, ABSENT), keys[1:], value)}


def _destructure(machine: Machine, target: Any, value: Any) -> None:
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
            found = to_key(key) if keyed else position
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
    """Assign an unknown value to ``node``."""
    names = roots(machine, node)
    cause = machine.unknown(node, "is set in a way that is not followed")
    if not names or any(name in ENVIRONMENT or name == "GLOBALS" for name in names):
        machine.current.havoc(cause, local=True)
    for name in names:
        set_variable(machine, name, cause)


def unset_target(machine: Machine, node: Any) -> None:
    """Run ``unset()`` on one target."""
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
            base, key = variable_value(machine, root), to_key(machine.evaluate(parts[1]))
            if isinstance(base, dict) and not isinstance(key, Unknown):
                set_variable(machine, root, {one: value for one, value in base.items() if one != key})
                return
    assign_unknown(machine, node)
