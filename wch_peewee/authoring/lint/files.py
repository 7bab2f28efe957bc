"""The bodies of migrate() and rollback(): they hand steps over, and do nothing themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...migrate import steps
from .code import run_code
from .findings import Remarks
from .load import Migration, is_decide

_DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_STEPS = {name for name in steps.__all__ if name != "decide"}


def bad_body(migration: Migration) -> Remarks:
    """Find calls that reach for the database at once, where the steps are only to be listed."""
    for name in ("migrate", "rollback"):
        function = migration.source.function(name)
        if function is None:
            continue
        names = [argument.arg for argument in function.args.posonlyargs + function.args.args]
        database = names[1] if len(names) > 1 else "database"
        for node in _at_once(function):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            of = node.func.value
            if isinstance(of, ast.Name) and of.id == database:
                yield node.lineno, "body", *_says(f"{database}.{node.func.attr}(...) is called in the body of {name}()")
            elif isinstance(of, ast.Name) and of.id in ("steps", "batches") and node.func.attr in _STEPS:
                called = f"{of.id}.{node.func.attr}"
                found = f"{called}(...) is called in the body of {name}()"
                yield node.lineno, "body", found, f"write {run_code(called, '...')}"


def undecided(migration: Migration) -> Remarks:
    """Find the questions that are still open; one in the body keeps the migration from running."""
    for node in ast.walk(migration.source.tree):
        if is_decide(node) and isinstance(node, ast.Call):
            asked = node.args[0] if node.args else None
            question = asked.value if isinstance(asked, ast.Constant) and isinstance(asked.value, str) else "a question"
            found = f"this is still to be decided: {' '.join(question.split())}"
            yield node.lineno, "undecided", found, "decide it, and take the line out"


def bad_rollback(migration: Migration) -> Remarks:
    """Find a way back that is missing, or empty without a word."""
    for name in ("migrate", "rollback"):
        recording = migration.migrate if name == "migrate" else migration.rollback
        function = migration.source.function(name)
        advice = (
            "write what takes it back, or say why nothing does: " + run_code("steps.irreversible", '"..."')
            if name == "rollback"
            else "write def migrate(migrator, database, *, fake=False)"
        )
        if recording is None:
            if not any(rule == "load" for _, rule, *_ in migration.remarks):
                yield 1, "rollback" if name == "rollback" else "load", f"there is no {name}()", advice
        elif name == "rollback" and recording.complete and not recording.steps and not recording.remarks:
            yield function.lineno if function is not None else 1, "rollback", "rollback() does nothing", advice


def _says(found: str) -> tuple[str, str]:
    return found, "hand it over: " + run_code("steps.run_sql", '"..."') + ", or steps.run_python with a function"


def _at_once(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Walk what runs when the function runs; what it only defines runs later."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, _DEFERRED)]
