"""Expressions: operators, literals, arrays, conditions."""

from functools import partial
from typing import Any

from .calls import call_expression, closure
from .machine import Machine, Unreachable
from .syntax import content, double_quoted, heredoc, integer_literal, named, single_quoted
from .values import (
    ABSENT,
    Unknown,
    binary_value,
    cast_value,
    identical,
    negated,
    next_key,
    to_bool,
    to_key,
    to_string,
)
from .variables import assign, mark_reference, peek, read_value


def conditional_expression(machine: Machine, node: Any) -> Any:
    """Return the value of ``a ? b : c`` or ``a ?: c``."""
    body, other = node.child_by_field_name("body"), node.child_by_field_name("alternative")
    value = machine.evaluate(node.child_by_field_name("condition"))
    answer = to_bool(value)
    if isinstance(answer, Unknown):
        first = (lambda: value) if body is None else (lambda: machine.evaluate(body))
        return machine.branch(answer, [first, lambda: machine.evaluate(other)])
    if answer:
        return value if body is None else machine.evaluate(body)
    return machine.evaluate(other)


def match_expression(machine: Machine, node: Any) -> Any:
    subject = machine.evaluate(node.child_by_field_name("condition"))
    possible: list[Any] = []
    cause: Unknown | None = None
    default = None
    for arm in named(node.child_by_field_name("body")):
        returned = arm.child_by_field_name("return_expression")
        if arm.type == "match_default_expression":
            default = returned
            continue
        answer = _matches(machine, subject, arm)
        if answer is True:
            possible.append(returned)
            break
        if isinstance(answer, Unknown):
            possible.append(returned)
            cause = cause or answer
    else:
        if default is not None:
            possible.append(default)
        elif cause is None:
            raise Unreachable
    if cause is None:
        return machine.evaluate(possible[0])
    return machine.branch(cause, [partial(machine.evaluate, chosen) for chosen in possible])


def _matches(machine: Machine, subject: Any, arm: Any) -> bool | Unknown:
    unsure: Unknown | None = None
    for condition in named(arm.child_by_field_name("conditional_expressions")):
        answer = identical(subject, machine.evaluate(condition))
        if answer is True:
            return True
        if isinstance(answer, Unknown):
            unsure = unsure or answer
    return unsure or False


_SIGNS = ("unary_op_expression", "cast_expression", "error_suppression_expression", "update_expression")


def literal(machine: Machine, node: Any) -> Any:
    source = bytes(node.text)
    if node.type == "string":
        return single_quoted(source)
    if node.type == "integer":
        return integer_literal(source)
    if node.type == "float":
        # The parser takes a stray dot for a number; to PHP it is an error.
        return machine.unreadable(node, "a dot alone") if source == b"." else float(source.replace(b"_", b""))
    return {b"true": True, b"false": False, b"null": None}[source.lower()]


def interpolated_string(machine: Machine, node: Any) -> bytes | Unknown:
    """Return the value of a string with variables in it."""

    def embedded(child: Any) -> bytes | Unknown:
        return to_string(machine.evaluate(child))

    return (double_quoted if node.type == "encapsed_string" else heredoc)(node, embedded)


def parenthesized(machine: Machine, node: Any) -> Any:
    """Return the value inside brackets or after ``@``."""
    return machine.evaluate(named(node)[-1])


def binary_expression(machine: Machine, node: Any) -> Any:
    operator = bytes(node.child_by_field_name("operator").text).lower()
    left_node, right_node = node.child_by_field_name("left"), node.child_by_field_name("right")
    if operator == b"??":
        left = peek(machine, left_node)
        if isinstance(left, Unknown):
            return machine.branch(left, [lambda: left, lambda: machine.evaluate(right_node)])
        return machine.evaluate(right_node) if left is ABSENT or left is None else left
    left = machine.evaluate(left_node)
    if operator in (b"&&", b"and", b"||", b"or"):
        return _logical(machine, to_bool(left), right_node, stops=operator in (b"||", b"or"))
    if operator == b"**" and left_node.type in _SIGNS:
        # PHP reads -2 ** 2 as -(2 ** 2), the parser as (-2) ** 2.
        machine.evaluate(right_node)
        return Unknown("a sign or a cast in front of **")
    if operator == b"instanceof":
        return Unknown("instanceof")
    return binary_value(operator, left, machine.evaluate(right_node))


def _logical(machine: Machine, left: bool | Unknown, right_node: Any, *, stops: bool) -> bool | Unknown:
    def right() -> bool | Unknown:
        return to_bool(machine.evaluate(right_node))

    if isinstance(left, Unknown):
        return machine.branch(left, [lambda: stops, right])
    return stops if left is stops else right()


def unary_expression(machine: Machine, node: Any) -> Any:
    operator = bytes(node.children[0].text)
    value = machine.evaluate(named(node)[0])
    if operator == b"!":
        answer = to_bool(value)
        return answer if isinstance(answer, Unknown) else not answer
    return negated(operator, value)


def assignment(machine: Machine, node: Any) -> Any:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    value = machine.evaluate(right)
    assign(machine, left, value)
    return value


def reference_assignment(machine: Machine, node: Any) -> Any:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    value = read_value(machine, right) if right.type == "variable_name" else machine.evaluate(right)
    mark_reference(machine, left)
    mark_reference(machine, right)
    return value


def augmented_assignment(machine: Machine, node: Any) -> Any:
    """Evaluate ``.=``, ``+=``, ``??=`` and the like."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = bytes(node.child_by_field_name("operator").text)[:-1]
    if operator == b"??":
        there = peek(machine, left)
        if there is not ABSENT and there is not None and not isinstance(there, Unknown):
            return there

        def fill() -> Any:
            value = machine.evaluate(right)
            assign(machine, left, value)
            return value

        return machine.branch(there, [lambda: there, fill]) if isinstance(there, Unknown) else fill()
    value = binary_value(operator, read_value(machine, left), machine.evaluate(right))
    assign(machine, left, value)
    return value


def update_expression(machine: Machine, node: Any) -> Any:
    """Evaluate ``$i++``, ``--$i`` and the like."""
    target = node.child_by_field_name("argument")
    before = read_value(machine, target)
    if not isinstance(before, int) or isinstance(before, bool):
        after: Any = before if isinstance(before, Unknown) else Unknown("++ or -- of what is no integer")
    else:
        after = binary_value(b"+" if bytes(node.child_by_field_name("operator").text) == b"++" else b"-", before, 1)
    assign(machine, target, after)
    return before if node.children[0].is_named else after


def array_literal(machine: Machine, node: Any) -> Any:
    """Return the value of ``[...]`` or ``array(...)``."""
    result: dict[Any, Any] = {}
    unsure: Unknown | None = None
    for element in named(node):
        parts = named(element)
        if parts and parts[0].type == "variadic_unpacking":
            more = machine.evaluate(named(parts[0])[0])
            if not isinstance(more, dict):
                unsure = unsure or (more if isinstance(more, Unknown) else Unknown("... of what is no array"))
                continue
            for key, value in more.items():
                result[next_key(result) if isinstance(key, int) else key] = value
            continue
        if any(part.type == "by_ref" for part in parts) or any(child.type == "&" for child in element.children):
            for part in parts:
                mark_reference(machine, part)
            unsure = unsure or Unknown("an array holds a reference")
            continue
        key = to_key(machine.evaluate(parts[0])) if len(parts) > 1 else next_key(result)
        value = machine.evaluate(parts[-1])
        if isinstance(key, Unknown):
            unsure = unsure or key
        else:
            result[key] = value
    return unsure or result


def cast_expression(machine: Machine, node: Any) -> Any:
    kind = content(node.child_by_field_name("type")).lower().strip()
    return cast_value(kind, machine.evaluate(node.child_by_field_name("value")))


def print_expression(machine: Machine, node: Any) -> Any:
    machine.evaluate(named(node)[-1])
    return 1


def sequence_expression(machine: Machine, node: Any) -> Any:
    return [machine.evaluate(child) for child in named(node)][-1]


def throw_expression(machine: Machine, node: Any) -> Any:
    machine.may_throw(machine.unknown(node, "what is thrown"))
    raise Unreachable


def shell_command(machine: Machine, node: Any) -> Any:
    return Unknown("a command of the shell")


HANDLERS = {
    **dict.fromkeys(("string", "integer", "float", "boolean", "null"), literal),
    **dict.fromkeys(("encapsed_string", "heredoc", "nowdoc"), interpolated_string),
    **dict.fromkeys(("parenthesized_expression", "error_suppression_expression"), parenthesized),
    **dict.fromkeys(
        (
            "variable_name",
            "dynamic_variable_name",
            "subscript_expression",
            "member_access_expression",
            "nullsafe_member_access_expression",
        ),
        read_value,
    ),
    **dict.fromkeys(("anonymous_function", "arrow_function"), closure),
    "function_call_expression": call_expression,
    "binary_expression": binary_expression,
    "unary_op_expression": unary_expression,
    "conditional_expression": conditional_expression,
    "match_expression": match_expression,
    "assignment_expression": assignment,
    "reference_assignment_expression": reference_assignment,
    "augmented_assignment_expression": augmented_assignment,
    "update_expression": update_expression,
    "array_creation_expression": array_literal,
    "cast_expression": cast_expression,
    "print_intrinsic": print_expression,
    "sequence_expression": sequence_expression,
    "throw_expression": throw_expression,
    "shell_command_expression": shell_command,
}
