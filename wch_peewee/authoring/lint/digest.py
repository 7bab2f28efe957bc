"""A digest of what a file means: equal after a reformat or another comment, different after an edit.

Python's own ``ast.dump`` is not the same from version to version: fields come, and what is empty is left out or
not. So the tree is walked here: what is None or empty is left out, as are positions, docstrings and contexts.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator

#: What says nothing that the rest of the tree does not say, or depends on how the file was parsed.
_LEFT_OUT = {"ctx", "type_comment", "type_ignores", "kind"}


def digest(tree: ast.Module) -> str:
    """Return the SHA-256 of the tree, alike on every supported Python."""
    return hashlib.sha256("".join(_words(tree)).encode("utf-8", "surrogatepass")).hexdigest()


def _words(value: object) -> Iterator[str]:
    if isinstance(value, ast.Constant):
        yield f"({type(value.value).__name__} {value.value!r})"
    elif isinstance(value, ast.AST):
        yield f"({type(value).__name__}"
        for name in sorted(set(value._fields) - _LEFT_OUT):
            inner = _without_docstring(value, name, getattr(value, name, None))
            if inner is not None and inner != []:
                yield f" {name}="
                yield from _words(inner)
        yield ")"
    elif isinstance(value, list):
        yield "["
        for item in value:  # None has a meaning here: {**others} is a key that is None
            yield from _words(item)
            yield ","
        yield "]"
    else:
        yield repr(value)


def _without_docstring(node: ast.AST, name: str, value: object) -> object:
    if name != "body" or not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return value
    first = node.body[0] if node.body else None
    is_docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return node.body[1:] if is_docstring else node.body
