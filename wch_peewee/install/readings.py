"""Many installations in one database, read together: a few queries for dozens of sites, not for each.

What is read is what ``Installation.status`` and ``plan`` read of one: its standing, which tables are there, and for a
plan the tables themselves. Names are compared exactly, never by pattern.

    Readings(workspace).read(managers, tables=True)["wp_2_"].standing.is_newer
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..database.collation import collation_beside
from ..database.query import ask
from ..execution.context import Workspace
from ..execution.table_cache import Shapes, Texts
from ..migrate.standing import Standing
from ..schema._part_declared_resolve import physical_name
from ..schema._part_statements_query import Query
from ..schema.naming import history_table_name, options_table_name
from ..schema.objects import Schema
from ..wordpress.options import ADOPTED_OPTION, VERSION_OPTION
from .inspection import Installation


@dataclass(frozen=True, slots=True)
class Reading:
    """What there is of one installation; ``collation`` and ``texts`` are None where they have not been read.

    Two sites with the same ``likeness`` are told apart by their names alone; None is like nobody.
    """

    standing: Standing
    present: frozenset[str]
    collation: str | None = None
    texts: Texts | None = None

    @property
    def likeness(self) -> tuple[object, ...] | None:
        if self.texts is None or any(text is None for text in self.texts.values()):
            return None
        return self.standing, self.collation, tuple(self.texts.values())


class Readings:
    """Reads over one connection. What holds for all sites is asked once: make a new one for each look."""

    def __init__(self, workspace: Workspace) -> None:
        self._database, self._dialect = workspace.database, workspace.dialect
        self._tables = {
            self._dialect.folded(str(row[0])) for row in ask(self._database, self._dialect, self._dialect.all_tables())
        }
        self._shapes: Shapes | None = None

    def read(self, installations: Sequence[Installation], *, tables: bool = False) -> dict[str, Reading]:
        """Read them, by prefix; with ``tables`` their columns and keys, too. Raises peewee's errors."""
        options = self._options([one.prefix for one in installations])
        histories = self._histories([one.prefix for one in installations])
        result = {}
        for one in installations:
            said = options.get(one.prefix, {})
            version, adopted = (said[name][0] if name in said else None for name in (VERSION_OPTION, ADOPTED_OPTION))
            standing = Standing(version, one.folder.version, histories.get(one.prefix), one.folder.names, adopted)
            collation = next((collation for _, collation in said.values() if collation), None)
            result[one.prefix] = Reading(
                standing,
                frozenset(filter(self._is_there, one.table_names)),
                collation_beside(collation) if collation else None,
                self._texts(one, standing) if tables else None,
            )
        return result

    def _is_there(self, name: str) -> bool:
        return self._dialect.folded(name) in self._tables

    def _options(self, prefixes: Sequence[str]) -> dict[str, dict[str, tuple[str, str | None]]]:
        """Read our options, each with the collation of its column."""
        value, collation = self._dialect.hex_of("option_value"), self._dialect.collation_of("option_name")
        selects = [
            f"SELECT {number}, '{name}', {value}, {collation} FROM {self._dialect.quote(options_table_name(prefix))} "
            f"WHERE option_name = '{name}'"
            for number, prefix in enumerate(prefixes)
            if self._is_there(options_table_name(prefix))
            for name in (VERSION_OPTION, ADOPTED_OPTION)
        ]
        found: dict[str, dict[str, tuple[str, str | None]]] = {}
        for number, name, text, own in self._all(selects):
            found.setdefault(prefixes[int(str(number))], {})[str(name)] = (_text(text), str(own) if own else None)
        return found

    def _histories(self, prefixes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Read the names of the applied migrations, oldest first, of the sites that have a history."""
        selects = [
            f"SELECT {number}, id, {self._dialect.hex_of('name')} "
            f"FROM {self._dialect.quote(history_table_name(prefix))}"
            for number, prefix in enumerate(prefixes)
            if self._is_there(history_table_name(prefix))
        ]
        names: dict[str, tuple[str, ...]] = {p: () for p in prefixes if self._is_there(history_table_name(p))}
        for number, _, name in sorted(self._all(selects), key=lambda row: int(str(row[1]))):
            names[prefixes[int(str(number))]] += (_text(name),)
        return names

    def tables(self, one: Installation, reading: Reading) -> Schema:
        """Return the tables of one that has been read with ``tables``."""
        texts = reading.texts or {}
        return self._known_shapes().schema(one.prefix, list(texts), texts)

    def _texts(self, one: Installation, standing: Standing) -> Texts:
        names = (physical_name(table.name, one.prefix) for table in one.declared(standing))
        return self._known_shapes().texts(one.prefix, [name for name in names if self._is_there(name)])

    def _known_shapes(self) -> Shapes:
        if self._shapes is None:
            self._shapes = Shapes(self._database, self._dialect)
        return self._shapes

    def _all(self, selects: Sequence[str]) -> list[tuple[object, ...]]:
        return ask(self._database, self._dialect, Query(" UNION ALL ".join(selects))) if selects else []


def _text(value: object) -> str:
    return bytes.fromhex(str(value)).decode("utf-8", "replace")
