"""Statements that choose: if, switch, try; and those that leave: return, break, exit, throw."""

from __future__ import annotations

from functools import partial
from typing import Any

from .expressions import same_way
from .machine import GivingUp, Machine
from .syntax import named
from .values import Unknown, truth


def block(machine: Machine, node: Any) -> None:
    machine.run(named(node))


def expression(machine: Machine, node: Any) -> None:
    for child in named(node):
        machine.evaluate(child)


def nothing(machine: Machine, node: Any) -> None:
    """What changes nothing that matters here."""


def inline_text(machine: Machine, node: Any) -> None:
    """HTML between two parts of PHP; with short tags it could be PHP, too."""
    source = bytes(node.text)
    inner = source.replace(b"<?php", b"").replace(b"<?=", b"").replace(b"<?xml", b"")
    if b"<?" in inner:
        machine.lost(node, "a short opening tag, <?")


def if_statement(machine: Machine, node: Any) -> None:
    body = node.child_by_field_name("body")
    clauses = [child for child in named(node) if child.type in ("else_if_clause", "else_clause")]
    _choose(machine, node.child_by_field_name("condition"), body, clauses)


def _choose(machine: Machine, condition: Any, body: Any, clauses: list[Any]) -> None:
    answer = truth(machine.evaluate(condition))
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


def switch(machine: Machine, node: Any) -> None:
    subject = machine.evaluate(node.child_by_field_name("condition"))
    cases = [child for child in named(node.child_by_field_name("body")) if child.type.endswith("_statement")]
    entries: list[int] = []
    cause: Unknown | None = None
    for number, case in enumerate(cases):
        if case.type == "default_statement":
            continue
        answer = same_way(subject, machine.evaluate(case.child_by_field_name("value")))
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

    rounds = iter((True, False))  # to break and continue a switch is a loop of one round
    machine.repeat(node, lambda: next(rounds), body)


def returned(machine: Machine, node: Any) -> None:
    value = machine.evaluate(named(node)[0]) if named(node) else None
    machine.returns.append((machine.here, value))
    machine.state = None


def left(machine: Machine, node: Any) -> None:
    """``break`` and ``continue``, with their number of levels."""
    level = machine.evaluate(named(node)[0]) if named(node) else 1
    if not isinstance(level, int):
        raise GivingUp(machine.unknown(node, "break or continue with something else than a number"))
    (machine.breaks if node.type == "break_statement" else machine.continues).append((machine.here, max(level, 1)))
    machine.state = None


def ended(machine: Machine, node: Any) -> None:
    expression(machine, node)
    machine.ended = machine.unknown(node, "the program ends here, before WordPress is loaded")
    machine.state = None


def try_statement(machine: Machine, node: Any) -> None:
    clauses = [child for child in named(node) if child.type == "catch_clause"]
    last = next((child for child in named(node) if child.type == "finally_clause"), None)
    depth = len(machine.here.frames)
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
            machine.go_on([(state.fork(), None) for state in thrown])
            name = clause.child_by_field_name("name")
            if name is not None:
                machine.frame.variables.known[name.text.decode("utf-8", "replace")[1:]] = cause
            machine.execute(clause.child_by_field_name("body"))
            if machine.state is not None:
                ends.append((machine.state, None))
        machine.cause = cause
    if last is not None and len(machine.returns) + len(machine.breaks) + len(machine.continues) != waiting:
        raise GivingUp(machine.unknown(last, "finally behind a return"))
    machine.go_on(ends)
    if last is not None:
        machine.execute(last.child_by_field_name("body"))


def jump(machine: Machine, node: Any) -> None:
    raise GivingUp(machine.unknown(node, "goto"))


def declare(machine: Machine, node: Any) -> None:
    machine.run([child for child in named(node) if child.type.endswith("statement")])


TABLE = {
    **dict.fromkeys(("compound_statement", "colon_block"), block),
    **dict.fromkeys(("expression_statement", "echo_statement"), expression),
    **dict.fromkeys(
        (
            "php_tag",
            "php_end_tag",
            "comment",
            "empty_statement",
            "class_declaration",
            "interface_declaration",
            "trait_declaration",
            "enum_declaration",
        ),
        nothing,
    ),
    **dict.fromkeys(("text", "text_interpolation"), inline_text),
    **dict.fromkeys(("break_statement", "continue_statement"), left),
    **dict.fromkeys(("goto_statement", "named_label_statement"), jump),
    "if_statement": if_statement,
    "switch_statement": switch,
    "return_statement": returned,
    "exit_statement": ended,
    "try_statement": try_statement,
    "declare_statement": declare,
}
