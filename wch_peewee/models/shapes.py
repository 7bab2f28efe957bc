"""The text of a statement is rendered once for each shape; a statement of the same shape brings its values only.

peewee takes 0.1 to 0.2 ms to render a statement, as long as a server takes to execute one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from peewee import Database, Expression, Field, Node, Value

#: How many texts are kept for one model, and how many values a statement has at most whose text is kept.
_KEPT = 100

#: What a query holds that is not in its text, and its model, which each shape is about.
BESIDES = {"_database", "_cursor_wrapper", "_row_type", "_constructor", "_is_default", "_hash", "_as_rowcount"}
BESIDES |= {"model", "table", "_join_ctx"}


#: What a field may convert a value to that the driver does not take: more of the statement.
_MORE = Node, type


class Unusual(Exception):
    """A statement has a part whose text may depend on something else than its shape."""


class Shape:
    """What the text of a query depends on (``key``), and its parameters in the order of the text (``values``)."""

    def __init__(self, query: Any, known: Collection[str]) -> None:
        """Begin with nothing; ``known`` are the parts of the query that will be added, and BESIDES.

        Raises Unusual if the query has others.
        """
        for name, value in vars(query).items():
            if value is not None and value is not False and name not in known:  # an empty one may mean something, too
                raise Unusual(name)
        meta = query.model._meta
        self._columns = meta.columns
        self.key: list[Any] = [type(query), meta.table_name, meta.schema]
        self.values: list[Any] = []

    def column(self, field: Any) -> str:
        """Return the name of a column. Raises Unusual for what is not a field of the query's own model."""
        if not isinstance(field, Field) or self._columns.get(field.column_name) is not field:
            raise Unusual(field)
        return str(field.column_name)

    def add(self, node: Any, convert: Any = None) -> None:
        """Add an expression, a field or a value, which ``convert`` converts unless it has a converter of its own."""
        kind = type(node)
        if kind is Expression:
            left = node.lhs
            self.key += ("(", node.op, node.flat)
            convert = left.db_value if isinstance(left, Field) else None
            self.add(left, convert)
            self.add(node.rhs, convert)
        elif kind is Value and node.multi:
            self.key.append(len(node.values))
            for value in node.values:
                self.add(value, convert)
        elif kind is Value:
            converter = convert if node.converter is None else node.converter
            self.add_value(converter(node.value) if converter else node.value)
        elif isinstance(node, Node):
            self.key.append((self.column(node),))
        elif node is None:
            self.key.append(None)
        else:
            self.add(Value(node), convert)

    def add_value(self, value: Any) -> None:
        """Add a value as the driver takes it."""
        if isinstance(value, _MORE) or len(self.values) == _KEPT:
            raise Unusual(value)
        self.key.append("?")
        self.values.append(value)

    def add_changes(self, changes: Iterable[tuple[Any, Any]]) -> None:
        """Add columns with the values that they get."""
        for field, value in changes:
            self.key.append(self.column(field))
            self.add(value if isinstance(value, Node) else field.to_value(value))


class Text:
    """The text of all statements of one shape, and what makes objects of their rows, by the kind of rows."""

    __slots__ = ("readers", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.readers: dict[Any, Any] = {}


def send(database: Any, query: Any) -> tuple[Any, Text] | None:
    """Send a query and return its cursor and its text. None if only peewee can: it has no or an unusual shape."""
    if "shape" not in vars(type(query)) or getattr(type(database), "execute", None) is not Database.execute:
        return None  # a subclass may render or execute it otherwise, and a proxy lead elsewhere
    try:
        shape = query.shape(database)
    except Unusual:
        return None
    key, texts = (type(database), *shape.key), query.model._meta.texts
    text = texts.get(key)
    if text is None:
        sql, values = database.get_sql_context().sql(query).query()
        text = Text(sql)
        if values != shape.values:
            return database.execute_sql(sql, values), text
        if len(texts) >= _KEPT:
            texts.clear()
        texts[key] = text
    return database.execute_sql(text.sql, shape.values), text
