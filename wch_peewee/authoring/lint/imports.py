"""Imports of what follows the models: a migration carries its own frozen shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...models import base, enums, tables
from .findings import Remarks
from .load import Migration

_ADVICE = "write the shape down with wch_peewee.schema.objects: models change, and this file must not"

_MODULES = tuple(f"wch_peewee.{name}" for name in ("models", "install.delta", "schema.declared"))

#: What the package itself hands out of those modules.
_NAMES = {
    *(name for module in (base, enums, tables) for name in vars(module) if name[0].isupper()),
    *("db_delta", "models"),
}


def live_imports(migration: Migration) -> Remarks:
    """Find imports of the live models, of their enums, and of what is made from them."""
    for node in ast.walk(migration.source.tree):
        for name in dict.fromkeys(_live(node)):
            yield getattr(node, "lineno", 1), "models", f"{name} follows the live models", _ADVICE


def _live(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_live(alias.name))
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module is not None:
        if _is_live(node.module):
            yield node.module
        elif node.module == "wch_peewee":
            yield from (f"wch_peewee.{a.name}" for a in node.names if a.name in _NAMES or a.name == "*")
        else:
            yield from (full for a in node.names if _is_live(full := f"{node.module}.{a.name}"))
    elif isinstance(node, ast.Attribute) and f"{_name(node.value)}.{node.attr}" in {f"wch_peewee.{n}" for n in _NAMES}:
        yield f"wch_peewee.{node.attr}"


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _is_live(module: str) -> bool:
    return any(module == live or module.startswith(f"{live}.") for live in _MODULES)
