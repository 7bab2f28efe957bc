"""Load a migration as the router does, and rehearse both of its ways.

migration = load(read_source(path))
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from .findings import Remark
from .recording import Recording, line_of, record
from .source import Source


@dataclass(frozen=True)
class Migration:
    """``migrate`` and ``rollback`` are None where the file has none, or cannot be run."""

    source: Source
    migrate: Recording | None = None
    rollback: Recording | None = None
    remarks: tuple[Remark, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def version(self) -> str | None:
        """The text of VERSION, as the folder reads it: a literal that is assigned at the top."""
        node = self.source.assignment("VERSION")
        value = node.value if isinstance(node, ast.Assign) else None
        return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def load(source: Source) -> Migration:
    """Run the file, and then its functions against stand-ins."""
    if source.error:
        return Migration(source, remarks=((source.error_line, "load", source.error, "mend the file"),))
    scope: dict[str, Any] = {"__file__": str(source.path), "__name__": f"wch_migration_{source.name}"}
    try:
        exec(compile(_decided(source), str(source.path), "exec", dont_inherit=True), scope)
    except (Exception, SystemExit) as error:
        line = line_of(error.__traceback__, source.path)
        said = f"it cannot be run: {type(error).__name__}: {' '.join(str(error).split())}"
        return Migration(source, remarks=((line, "load", said, "mend the file"),))
    ways = [record(source, scope[name]) if callable(scope.get(name)) else None for name in ("migrate", "rollback")]
    remarks = [remark for way in ways if way is not None for remark in way.remarks]
    return Migration(source, ways[0], ways[1], tuple(remarks))


def is_decide(node: ast.AST) -> bool:
    """Tell whether this is ``steps.decide(...)``, however it was imported."""
    if not isinstance(node, ast.Call):
        return False
    name = node.func
    return (isinstance(name, ast.Attribute) and name.attr == "decide") or (
        isinstance(name, ast.Name) and name.id == "decide"
    )


class _Decided(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.copy_location(ast.Pass(), node) if is_decide(node.value) else node


def _decided(source: Source) -> ast.Module:
    """The tree without the open questions, so that what stands behind them is looked at, too."""
    # A tree of its own: the other rules look at the file as it is.
    tree: ast.Module = _Decided().visit(ast.parse(source.text, filename=str(source.path)))
    return tree
