"""Expressions with ``::``, ``->`` or ``new``: classes of the file, and Bedrock's Config, Dotenv and env()."""

from typing import Any

from . import bedrock
from .calls import Function, call_function, mark_argument
from .constants import class_name
from .machine import Machine, evaluate_arguments
from .state import Frame
from .statements import Class
from .syntax import arguments_of, content, named
from .values import Object, Unknown

#: Classes whose constructor changes nothing relevant.
_PLAIN_CLASSES = {
    "exception", "errorexception", "runtimeexception", "logicexception", "invalidargumentexception", "domainexception",
    "unexpectedvalueexception", "error", "datetime", "datetimeimmutable", "datetimezone", "dateinterval", "splstack",
    "arrayobject", "arrayiterator", "mysqli", "pdo",
}  # fmt: skip


def _scope(node: Any) -> Any:
    """Return the node before ``::``."""
    return node.child_by_field_name("scope") or named(node)[0]


def _class_of(machine: Machine, node: Any) -> str:
    """Return the full name of the class that a node names, or an empty string if it is known only at run time."""
    return class_name(machine.unit, content(node)) if node.type in ("name", "qualified_name") else ""


def class_constant(machine: Machine, node: Any) -> Any:
    """Return the value of ``Name::CONSTANT`` or ``Name::class``."""
    kind = _class_of(machine, _scope(node))
    name = content(named(node)[-1])
    if kind and name.lower() == "class":
        return Object({}, f"class {kind}")
    found = machine.current.functions.known.get(("class", kind))
    if isinstance(found, Class):
        for declared in _members(found, "const_declaration"):
            for element in named(declared):
                if element.type == "const_element" and content(named(element)[0]) == name:
                    return machine.evaluate(named(element)[-1])
    return Unknown(f"the constant {name} of a class")


def _members(found: Class, kind: str) -> list[Any]:
    return [child for child in named(found.node.child_by_field_name("body")) if child.type == kind]


def static_property(machine: Machine, node: Any) -> Any:
    return Unknown("a static property")


def static_call(machine: Machine, node: Any) -> Any:
    """Evaluate ``Name::method(...)``."""
    kind = _class_of(machine, _scope(node))
    method = content(node.child_by_field_name("name")).lower()
    found = machine.current.functions.known.get(("class", kind))
    if isinstance(found, Class):
        for declared in _members(found, "method_declaration"):
            if content(declared.child_by_field_name("name")).lower() == method:
                return call_function(machine, node, Function(declared, found.unit), Frame())
    values = evaluate_arguments(machine, node)
    handler = None if isinstance(found, Class | Unknown) else bedrock.STATIC.get(f"{kind}::{method}")
    if handler is None or values is None:
        _mark_arguments(machine, node)
        return machine.unreadable(node, f"{content(node.child_by_field_name('name'))}() of a class")
    return handler(machine, node, values)


def method_call(machine: Machine, node: Any) -> Any:
    """Evaluate ``$object->method(...)``."""
    called = machine.evaluate(node.child_by_field_name("object"))
    name = node.child_by_field_name("name")
    values = evaluate_arguments(machine, node)
    if isinstance(called, Object) and name.type == "name" and values is not None:
        handler = bedrock.METHODS.get((called.kind, content(name).lower()))
        if handler is not None:
            return handler(machine, node, called, values)
    if called is None and node.type == "nullsafe_member_call_expression":
        return None
    _mark_arguments(machine, node)
    return machine.unreadable(node, f"the method {content(name)}() of an object")


def _mark_arguments(machine: Machine, node: Any) -> None:
    for argument in arguments_of(node):
        for inner in named(argument)[-1:]:
            if inner.type in ("variable_name", "subscript_expression"):
                mark_argument(machine, inner)


def new_object(machine: Machine, node: Any) -> Any:
    """Evaluate ``new Name(...)``."""
    name = next((child for child in named(node) if child.type in ("name", "qualified_name")), None)
    values = evaluate_arguments(machine, node)
    kind = _class_of(machine, name) if name is not None else ""
    if kind == "stdclass":
        return Object({})
    if kind in _PLAIN_CLASSES:
        machine.may_throw(machine.unknown(node, f"new {kind}"))
        return Object({}, kind)
    if kind == "dotenv\\dotenv" and values:
        return bedrock.legacy_dotenv(values)
    _mark_arguments(machine, node)
    return machine.unreadable(node, f"new {content(name)}" if name is not None else "new")


def clone_object(machine: Machine, node: Any) -> Any:
    value = machine.evaluate(named(node)[0])
    if isinstance(value, Object) and value.kind == "stdClass":
        return Object(dict(value.fields))
    return machine.unreadable(node, "clone")


HANDLERS = {
    "class_constant_access_expression": class_constant,
    "scoped_property_access_expression": static_property,
    "scoped_call_expression": static_call,
    "member_call_expression": method_call,
    "nullsafe_member_call_expression": method_call,
    "object_creation_expression": new_object,
    "clone_expression": clone_object,
}
