"""PHP's built-in functions, called as ``function(machine, node, values)``: this table has all that are evaluated."""

import re
from collections.abc import Callable
from typing import Any

from . import bedrock, files, texts
from .calls import Function
from .constants import constant, define, is_defined
from .machine import Builtin, Machine
from .values import ABSENT, Unknown, equal, identical, next_key, to_bool, to_key, to_string
from .variables import environment_value


def _count(array: Any) -> Any:
    return len(array) if isinstance(array, dict) else Unknown("count() of what is no array")


def _array_key_exists(key: Any, array: Any) -> Any:
    found = to_key(key)
    if isinstance(found, Unknown) or not isinstance(array, dict):
        return found if isinstance(found, Unknown) else Unknown("array_key_exists() in what is no array")
    return found in array


def _in_array(needle: Any, array: Any, strict: Any = False) -> Any:
    if not isinstance(array, dict) or not isinstance(strict, bool):
        return array if isinstance(array, Unknown) else Unknown("in_array() with such arguments")
    unsure: Unknown | None = None
    for value in array.values():
        answer = identical(needle, value) if strict else equal(needle, value)
        if answer is True:
            return True
        if isinstance(answer, Unknown):
            unsure = unsure or answer
    return unsure or False


def _array_merge(*arrays: Any) -> Any:
    result: dict[Any, Any] = {}
    for array in arrays:
        if not isinstance(array, dict):
            return array if isinstance(array, Unknown) else Unknown("array_merge() of what is no array")
        for key, value in array.items():
            place = next_key(result) if isinstance(key, int) else key
            if isinstance(place, Unknown):
                return place
            result[place] = value
    return result


def _array_replace(*arrays: Any) -> Any:
    result: dict[Any, Any] = {}
    for array in arrays:
        if not isinstance(array, dict):
            return array if isinstance(array, Unknown) else Unknown("array_replace() of what is no array")
        result |= array
    return result


def _array_filter(array: Any, *more: Any) -> Any:
    if more or not isinstance(array, dict):
        return Unknown("array_filter() with such arguments")
    kept = {}
    for key, value in array.items():
        answer = to_bool(value)
        if isinstance(answer, Unknown):
            return answer
        if answer:
            kept[key] = value
    return kept


def _array_values(array: Any) -> Any:
    return dict(enumerate(array.values())) if isinstance(array, dict) else Unknown("array_values() of what is no array")


def _array_keys(array: Any, *more: Any) -> Any:
    if more or not isinstance(array, dict):
        return Unknown("array_keys() with such arguments")
    return dict(enumerate(array))


_ARRAYS: dict[str, Callable[..., Any]] = {
    "count": _count,
    "sizeof": _count,
    "array_key_exists": _array_key_exists,
    "key_exists": _array_key_exists,
    "in_array": _in_array,
    "array_merge": _array_merge,
    "array_replace": _array_replace,
    "array_filter": _array_filter,
    "array_values": _array_values,
    "array_keys": _array_keys,
}


def _getenv(machine: Machine, node: Any, values: list[Any]) -> Any:
    if not values:
        return Unknown("getenv() of everything")
    name = to_string(values[0])
    value = name if isinstance(name, Unknown) else environment_value(machine, "", name)
    return False if value is ABSENT else value


def _putenv(machine: Machine, node: Any, values: list[Any]) -> Any:
    setting = to_string(values[0]) if values else Unknown("putenv()")
    if isinstance(setting, Unknown):
        machine.current.environment.havoc(machine.unknown(node, "putenv() of what is not known"))
        return True
    name, equals, value = setting.partition(b"=")
    machine.current.environment.known["", name] = value if equals else None
    return True


def _defined(machine: Machine, node: Any, values: list[Any]) -> Any:
    name = to_string(values[0]) if values else Unknown("defined()")
    return name if isinstance(name, Unknown) else is_defined(machine, name.decode("utf-8", "surrogateescape"))


def _constant(machine: Machine, node: Any, values: list[Any]) -> Any:
    name = to_string(values[0]) if values else Unknown("constant()")
    return (
        name if isinstance(name, Unknown) else constant(machine, name.decode("utf-8", "surrogateescape").lstrip("\\"))
    )


def _function_exists(machine: Machine, node: Any, values: list[Any]) -> Any:
    name = to_string(values[0]) if values else Unknown("function_exists()")
    if isinstance(name, Unknown):
        return name
    lower, functions = name.decode("utf-8", "replace").lower().lstrip("\\"), machine.current.functions
    found = functions.known.get(lower)
    if isinstance(found, Function) or lower in machine.builtins:
        return True
    # It is not PHP's own if the file declares it further down.
    if found is None and functions.rest is None and _is_declared_below(node, lower):
        return False
    return Unknown(f"function_exists('{lower}')")


def _is_declared_below(node: Any, name: str) -> bool:
    root = node
    while root.parent is not None:
        root = root.parent
    return re.search(rb"\bfunction\s+" + re.escape(name.encode()) + rb"\s*\(", bytes(root.text).lower()) is not None


def _unknown_in(value: Any) -> Unknown | None:
    if isinstance(value, Unknown):
        return value
    if isinstance(value, dict):
        return next((found for one in value.values() if (found := _unknown_in(one)) is not None), None)
    return None


def _on_known(name: str, function: Callable[..., Any]) -> Builtin:
    def call(machine: Machine, node: Any, values: list[Any]) -> Any:
        unknown = next((found for value in values if (found := _unknown_in(value)) is not None), None)
        return unknown if unknown is not None else _guarded(machine, node, name, function, values)

    return call


def _on_any(name: str, function: Callable[..., Any]) -> Builtin:
    def call(machine: Machine, node: Any, values: list[Any]) -> Any:
        return _guarded(machine, node, name, function, values)

    return call


def _guarded(machine: Machine, node: Any, name: str, function: Callable[..., Any], values: list[Any]) -> Any:
    cause = machine.unknown(node, f"{name}() with such arguments")
    try:
        value = function(*values)
    except (texts.UnsupportedArguments, TypeError, ValueError, OverflowError):
        machine.may_throw(cause)
        return cause
    if isinstance(value, Unknown):
        machine.may_throw(cause)
    return value


FUNCTIONS: dict[str, Builtin] = {
    **{name: _on_known(name, function) for name, function in texts.FUNCTIONS.items()},
    **{name: _on_any(name, function) for name, function in _ARRAYS.items()},
    **files.FUNCTIONS,
    "getenv": _getenv,
    "putenv": _putenv,
    "define": define,
    "defined": _defined,
    "constant": _constant,
    "function_exists": _function_exists,
    "env\\env": bedrock.env,
}
