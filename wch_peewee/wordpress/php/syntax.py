"""PHP source to a syntax tree, by tree-sitter, which is imported only here, when needed."""

from functools import cache
from typing import Any

from ...errors import ConfigurationError

#: The largest file that is read, in bytes.
LARGEST_FILE = 512 * 1024


def parse(source: bytes) -> Any:
    """Return the tree's root. Raises ConfigurationError if the parser is not installed."""
    return _parser().parse(source).root_node


@cache
def _parser() -> Any:
    try:
        import tree_sitter
        import tree_sitter_php
    except ImportError:
        raise ConfigurationError(
            "Reading wp-config.php needs a PHP parser; install it with: pip install 'wch-peewee[wordpress]'."
        ) from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_php.language_php()))


def first_error(root: Any) -> int:
    """Return the line of the first syntax error, or 0."""
    node = root
    if not node.has_error:
        return 0
    while True:
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None or node.is_error:
            return int(node.start_point[0]) + 1
        node = inner


def line_of(node: Any) -> int:
    return int(node.start_point[0]) + 1


def content(node: Any) -> str:
    """Return the node's source as text, for names."""
    return bytes(node.text).decode("utf-8", "surrogateescape")


def arguments_of(node: Any) -> list[Any]:
    """Return the nodes of a call's arguments, in order, without comments."""
    listed = node.child_by_field_name("arguments")
    if listed is None:
        listed = next((child for child in node.named_children if child.type == "arguments"), None)
    return [child for child in listed.named_children if child.type != "comment"] if listed is not None else []


def named(node: Any) -> list[Any]:
    """Return the named children without comments."""
    return [child for child in node.named_children if child.type != "comment"]
