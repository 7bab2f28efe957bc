"""Reads the live schema: the only place that asks a database what it holds. Never writes."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import chain, count

from ..database.query import Connection
from ..schema.dialect import Dialect
from ..schema.naming import Names, constraint_name
from ..schema.objects import Foreign, Schema, Table
from ..schema.operations import Operation, with_names
from ..schema.preconditions import Precondition
from ..schema.statements import Size


def introspect_schema(connection: Connection, names: Sequence[str], *, for_columns: bool = False) -> Schema:
    """Read the tables ``names``, as far as they exist, in canonical form.

    With ``for_columns`` parts that a change of columns does not need may be missing: foreign keys, triggers, checks.
    """
    queries = connection.dialect.introspection(names, for_columns=for_columns)
    answers = {"tables": connection.query(queries.pop("tables"))}
    if not answers["tables"]:
        return Schema(())  # none of them exists: there is nothing else to ask
    answers |= {part: connection.query(query) for part, query in queries.items()}
    return connection.dialect.read_schema(names, answers)


def count_rows(connection: Connection, precondition: Precondition) -> int:
    """Count the rows that conflict with ``precondition``."""
    return int(connection.query(connection.dialect.count_conflicts(precondition))[0][0])


def table_sizes(connection: Connection, names: Sequence[str]) -> dict[str, Size]:
    """Read the sizes of the tables ``names``, as far as they exist."""
    present = connection.present(names)
    rows = [row for query in connection.dialect.sizes(present) for row in connection.query(query)] if present else []
    return {str(row[0]): Size(int(row[1] or 0), int(row[2] or 0)) for row in rows}


def with_referenced(desired: Schema) -> list[str]:
    """Return the names of the tables and of those that their foreign keys refer to."""
    names = [table.name for table in desired]
    names += [key.referenced_table for table in desired for key in table.foreign_keys]
    return list(dict.fromkeys(names))


#: By the name in lower case: the table that has it.
DatabaseNames = Mapping[str, str]


def database_names(connection: Connection) -> DatabaseNames:
    """Return the names of foreign keys, or on SQLite of everything, which are unique in the whole database."""
    rows = connection.query(connection.dialect.database_names())
    return {str(name).lower(): str(table) for name, table in rows}


def with_free_names(
    operations: Iterable[Operation], dialect: Dialect, names: Callable[[], DatabaseNames]
) -> list[Operation]:
    """Number the new names that another table has: a renamed table keeps the names of its keys.

    ``names`` is called only if something is to be named.
    """
    taken = cache(lambda: dict(names()))

    def free(table: str, name: str) -> str:
        candidates = chain([name], (constraint_name(name, f"_{number}") for number in count(2)))
        found = next(one for one in candidates if taken().get(one.lower(), table) == table)
        taken()[found.lower()] = table
        return found

    return [with_names(one, dialect.named_in_database, partial(free, one.table)) for one in operations]


def referencing_tables(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """Return the other tables with a foreign key to one of ``names``, each with the statements that drop the keys."""
    dialect = connection.dialect
    return dialect.read_referencing(names, connection.query(dialect.referencing(names)))


_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")


class TableCache:
    """The tables read so far; for one pass over a network, since tables change."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._dialect = connection, connection.dialect
        self._known: dict[str, tuple[str, Table]] = {}
        self._names: DatabaseNames | None = None
        #: What sites have in common for which there is nothing to do (``RunContext.likeness``).
        self.settled = set[tuple[str | None, ...]]()
        self._triggers = {self._dialect.folded(str(row[0])) for row in connection.query(self._dialect.all_triggers())}

    def database_names(self) -> DatabaseNames:
        """Return ``database_names``, read once: the names of other sites contain their own prefix."""
        if self._names is None:
            self._names = database_names(self._connection)
        return self._names

    def texts(self, site: Names, names: Sequence[str]) -> dict[str, str | None]:
        """Return the text that identifies each table; None for one with something beyond its text."""
        return {name: self._text(site, name) for name in names}

    def read(self, site: Names, names: Sequence[str], texts: dict[str, str | None] | None = None) -> Schema:
        """Read the tables ``names``, all of one installation, as far as they exist; their texts may be known."""
        texts = self.texts(site, names) if texts is None else texts
        shared = {
            name: _renamed(self._known[text][1], self._known[text][0], site.start)
            for name, text in texts.items()
            if text is not None and text in self._known
        }
        if len(shared) < len(texts):
            # All of them, because a foreign key is told by the names of both its tables.
            for table in introspect_schema(self._connection, list(texts)):
                if (text := texts.get(table.name)) is not None and _is_told_by_prefix(table, site.start):
                    self._known[text] = (site.start, table)
                shared[table.name] = table
        return Schema(tuple(shared[name] for name in texts if name in shared))

    def _text(self, site: Names, name: str) -> str | None:
        query = self._dialect.definition(name)
        if query is None or self._dialect.folded(name) in self._triggers:
            return None
        text = str(self._connection.query(query)[0][1])
        return _COUNTER.sub("", text.replace(f"`{site.start}", "`\0"))


def _is_told_by_prefix(table: Table, start: str) -> bool:
    """Return True if no column and no index has a name that begins as the tables' names do."""
    names = [column.name for column in table.columns] + [index.name for index in table.indexes]
    names += [name for key in table.foreign_keys for name in key.referenced_columns]
    return not any(name.startswith(start) for name in names)


def _renamed(table: Table, old: str, new: str) -> Table:
    """Return the table under another prefix, with its foreign keys, and what is not ours."""

    def name(text: str) -> str:
        return f"{new}{text.removeprefix(old)}" if text.startswith(old) else text

    return replace(
        table,
        name=name(table.name),
        foreign_keys=tuple(
            replace(key, name=name(key.name), referenced_table=name(key.referenced_table)) for key in table.foreign_keys
        ),
        foreign=tuple(Foreign(one.kind, name(one.name)) for one in table.foreign),
    )
