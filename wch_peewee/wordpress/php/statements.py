"""Statements: conditions, loops, jumps, and declarations of functions, classes and names."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .calls import Function
from .constants import declare_constant, namespace, use
from .machine import EvaluationAborted, Machine, Unit
from .syntax import content, named
from .values import Unknown, equal, to_bool
from .variables import assign, assign_unknown, unset_target


def compound_statement(machine: Machine, node: Any) -> None:
    machine.run(named(node))


def expression_statement(machine: Machine, node: Any) -> None:
    for child in named(node):
        machine.evaluate(child)


def skip(machine: Machine, node: Any) -> None:
    """Skip a statement that changes nothing relevant."""


def inline_text(machine: Machine, node: Any) -> None:
    """Skip HTML between two parts of PHP, unless a short tag in it may begin PHP."""
    source = bytes(node.text)
    inner = source.replace(b"<?php", b"").replace(b"<?=", b"").replace(b"<?xml", b"")
    if b"<?" in inner:
        machine.unreadable(node, "a short opening tag, <?")


def if_statement(machine: Machine, node: Any) -> None:
    body = node.child_by_field_name("body")
    clauses = [child for child in named(node) if child.type in ("else_if_clause", "else_clause")]
    _choose(machine, node.child_by_field_name("condition"), body, clauses)


def _choose(machine: Machine, condition: Any, body: Any, clauses: list[Any]) -> None:
    answer = to_bool(machine.evaluate(condition))
    if isinstance(answer, Unknown):
        machine.branch(answer, [lambda: machine.execute(body), lambda: _otherwise(machine, clauses)])
    elif answer:
        machine.execute(body)
    else:
        _otherwise(machine, clauses)


def _otherwise(machine: Machine, clauses: list[Any]) -> None:
    if not clauses:
        return
    first, *rest = clauses
    if first.type == "else_clause":
        machine.execute(first.child_by_field_name("body"))
    else:
        _choose(machine, first.child_by_field_name("condition"), first.child_by_field_name("body"), rest)


def switch_statement(machine: Machine, node: Any) -> None:
    subject = machine.evaluate(node.child_by_field_name("condition"))
    cases = [child for child in named(node.child_by_field_name("body")) if child.type.endswith("_statement")]
    entries: list[int] = []
    cause: Unknown | None = None
    for number, case in enumerate(cases):
        if case.type == "default_statement":
            continue
        answer = equal(subject, machine.evaluate(case.child_by_field_name("value")))
        if answer is True:
            entries.append(number)
            break
        if isinstance(answer, Unknown):
            entries.append(number)
            cause = cause or answer
    else:
        default = [number for number, case in enumerate(cases) if case.type == "default_statement"]
        entries += default or [len(cases)]

    def from_case(first: int) -> None:
        for case in cases[first:]:
            statements = named(case)
            machine.run(statements if case.type == "default_statement" else statements[1:])

    def body() -> None:
        if cause is None:
            from_case(entries[0])
        else:
            machine.branch(cause, [partial(from_case, entry) for entry in entries])

    rounds = iter((True, False))  # for break and continue a switch is a loop of one round
    machine.repeat(node, lambda: next(rounds), body)


def return_statement(machine: Machine, node: Any) -> None:
    value = machine.evaluate(named(node)[0]) if named(node) else None
    machine.returns.append((machine.current, value))
    machine.state = None


def break_or_continue(machine: Machine, node: Any) -> None:
    """Run ``break`` or ``continue``, with its number of levels."""
    level = machine.evaluate(named(node)[0]) if named(node) else 1
    if not isinstance(level, int):
        raise EvaluationAborted(machine.unknown(node, "break or continue with something else than a number"))
    (machine.breaks if node.type == "break_statement" else machine.continues).append((machine.current, max(level, 1)))
    machine.state = None


def exit_statement(machine: Machine, node: Any) -> None:
    expression_statement(machine, node)
    machine.ended = machine.unknown(node, "the program ends here, before WordPress is loaded")
    machine.state = None


def try_statement(machine: Machine, node: Any) -> None:
    clauses = [child for child in named(node) if child.type == "catch_clause"]
    last = next((child for child in named(node) if child.type == "finally_clause"), None)
    depth = len(machine.current.frames)
    outer, machine.throws = machine.throws, []
    waiting = len(machine.returns) + len(machine.breaks) + len(machine.continues)
    try:
        machine.execute(node.child_by_field_name("body"))
        thrown = machine.throws
    finally:
        machine.throws = outer
    for state in thrown:
        del state.frames[depth:]
    ends = [] if machine.state is None else [(machine.state, None)]
    if thrown:
        cause = Unknown("whether something is thrown")
        if outer is not None:
            outer.extend(state.fork() for state in thrown)
        for clause in clauses:
            machine.cause = cause
            machine.continue_from([(state.fork(), None) for state in thrown])
            name = clause.child_by_field_name("name")
            if name is not None:
                machine.frame.variables.known[name.text.decode("utf-8", "replace")[1:]] = cause
            machine.execute(clause.child_by_field_name("body"))
            if machine.state is not None:
                ends.append((machine.state, None))
        machine.cause = cause
    if last is not None and len(machine.returns) + len(machine.breaks) + len(machine.continues) != waiting:
        raise EvaluationAborted(machine.unknown(last, "finally behind a return"))
    machine.continue_from(ends)
    if last is not None:
        machine.execute(last.child_by_field_name("body"))


def goto(machine: Machine, node: Any) -> None:
    raise EvaluationAborted(machine.unknown(node, "goto"))


def _declare_directive(machine: Machine, node: Any) -> None:
    machine.run([child for child in named(node) if child.type.endswith("statement")])


_BRANCHES = {
    **dict.fromkeys(("compound_statement", "colon_block"), compound_statement),
    **dict.fromkeys(("expression_statement", "echo_statement"), expression_statement),
    **dict.fromkeys(
        (
            "php_tag",
            "php_end_tag",
            "comment",
            "empty_statement",
            "interface_declaration",
            "trait_declaration",
            "enum_declaration",
        ),
        skip,
    ),
    **dict.fromkeys(("text", "text_interpolation"), inline_text),
    **dict.fromkeys(("break_statement", "continue_statement"), break_or_continue),
    **dict.fromkeys(("goto_statement", "named_label_statement"), goto),
    "if_statement": if_statement,
    "switch_statement": switch_statement,
    "return_statement": return_statement,
    "exit_statement": exit_statement,
    "try_statement": try_statement,
    "declare_statement": _declare_directive,
}


def while_statement(machine: Machine, node: Any) -> None:
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
    machine.repeat(node, lambda: to_bool(machine.evaluate(condition)), lambda: machine.execute(body))


def do_statement(machine: Machine, node: Any) -> None:
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
    first = [True]

    def check() -> bool | Unknown:
        return bool(first.pop()) if first else to_bool(machine.evaluate(condition))

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
        # The update runs before every check but the first, also after continue.
        if begun[0]:
            for child in steps["update"]:
                machine.evaluate(child)
        begun[0] = True
        answer: bool | Unknown = True
        for child in steps["condition"]:
            answer = to_bool(machine.evaluate(child))
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


_LOOPS = {
    "while_statement": while_statement,
    "do_statement": do_statement,
    "for_statement": for_statement,
    "foreach_statement": foreach_statement,
}


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class that the file declares: the declaration, and its file."""

    node: Any
    unit: Unit


def hoist(machine: Machine, root: Any) -> None:
    """Declare the functions and classes at the top of a file before its first statement."""
    for node in named(root):
        if node.type in ("namespace_definition", "namespace_use_declaration"):
            break  # what follows is declared in order, because its names depend on the namespace
        if node.type in ("function_definition", "class_declaration"):
            declare_class_or_function(machine, node)


def declare_class_or_function(machine: Machine, node: Any) -> None:
    """Declare a function or a class."""
    written = content(node.child_by_field_name("name")).lower()
    space = machine.unit.namespace.lower()
    full = f"{space}\\{written}" if space else written
    if node.type == "function_definition":
        machine.current.functions.known[full] = Function(node, machine.unit)
    else:
        machine.current.functions.known["class", full] = Class(node, machine.unit)


def global_variables(machine: Machine, node: Any) -> None:
    if len(machine.current.frames) == 1:
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


def unset_statement(machine: Machine, node: Any) -> None:
    for child in named(node):
        unset_target(machine, child)


_DECLARATIONS = {
    **dict.fromkeys(("function_definition", "class_declaration"), declare_class_or_function),
    "const_declaration": declare_constant,
    "namespace_definition": namespace,
    "namespace_use_declaration": use,
    "global_declaration": global_variables,
    "function_static_declaration": static_variables,
    "unset_statement": unset_statement,
}

HANDLERS = {**_BRANCHES, **_LOOPS, **_DECLARATIONS}
