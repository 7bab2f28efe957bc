"""One migration's source: its text, its syntax tree and its comments, however broken the file is.

source = read_source(Path("migrations/002_message_channel.py"))
"""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """``tree`` is empty where ``error`` says why, of line ``error_line``. ``comments`` are by line."""

    path: Path
    text: str = ""
    tree: ast.Module = field(default_factory=lambda: ast.Module(body=[], type_ignores=[]))
    comments: dict[int, str] = field(default_factory=dict)
    error: str = ""
    error_line: int = 1

    @property
    def name(self) -> str:
        return self.path.stem

    def function(self, name: str) -> ast.FunctionDef | None:
        """Find the function that the module ends up with; the last definition wins, as in Python."""
        found = [node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        return found[-1] if found else None

    def assignment(self, name: str) -> ast.Assign | ast.AnnAssign | None:
        """Find the first assignment to a name at the top of the module."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    return node
        return None

    def lines_of(self, line: int) -> range:
        """Return the lines of the innermost statement that ``line`` is part of."""
        statements = [
            range(node.lineno, (node.end_lineno or node.lineno) + 1)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        return min(statements, key=len, default=range(line, line + 1))


def read_source(path: Path) -> Source:
    """Read and parse a file; what is wrong with it is part of the answer."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        tree = ast.parse(text, filename=str(path))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError, MemoryError) as error:
        return Source(path, error=f"it cannot be read: {error}")
    except SyntaxError as error:
        return Source(path, text, error=f"it is no Python: {error.msg}", error_line=error.lineno or 1)
    return Source(path, text, tree, _comments(text))


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
