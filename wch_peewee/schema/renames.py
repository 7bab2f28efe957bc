"""Renames: what the author has said, what has to be asked, and the schema with the new names in it.

A column that is gone beside one that is new may be the same one with another name, and nobody but the author knows.
So it is never guessed. An index that is gone beside a new one over the same columns is the same index, and is renamed.

    renames = parse_renames(["messages.note:remark"], before, after)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..errors import ConfigurationError
from .objects import ColumnType, ForeignKey, Schema, Table
from .operations import RenameColumn

_KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint"), "number"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "json"), "text"),
}


@dataclass(frozen=True, slots=True)
class Renames:
    """``columns`` maps (table, old) to the new name, ``indexes`` likewise."""

    columns: dict[tuple[str, str], str] = field(default_factory=dict)
    indexes: dict[tuple[str, str], str] = field(default_factory=dict)

    def inverse(self) -> Renames:
        def turned(names: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
            return {(table, new): old for (table, old), new in names.items()}

        return Renames(turned(self.columns), turned(self.indexes))


@dataclass(frozen=True, slots=True)
class Question:
    """Is the column ``gone`` of ``table`` one of ``candidates`` now?"""

    table: str
    gone: str
    candidates: tuple[str, ...]

    def __str__(self) -> str:
        ways = [f"--rename {self.table}.{self.gone}:{new}" for new in self.candidates]
        return (
            f"{self.table}.{self.gone} is gone, and {' and '.join(self.candidates)} "
            f"{'is' if len(self.candidates) == 1 else 'are'} new: say {' or '.join(ways)}, "
            f"or --drop {self.table}.{self.gone} if its values may go"
        )


def parse_renames(words: Iterable[str], before: Schema, after: Schema) -> Renames:
    """Read ``table.old:new``, of a column or else of an index. Raises ConfigurationError."""
    renames = Renames()
    for word in words:
        name, colon, new = word.partition(":")
        table, dot, old = name.partition(".")
        if not (colon and dot and table and old and new):
            raise ConfigurationError(
                f"--rename {word} cannot be read; expected table.old:new, as messages.note:remark."
            )
        was, now = before.table(table), after.table(table)
        if was is None or now is None:
            known = ", ".join(t.name for t in after if before.table(t.name))
            raise ConfigurationError(f"--rename {word}: there is no table {table}; there are {known}.")
        if old in _gone_columns(was, now) and new in _gone_columns(now, was):
            renames.columns[table, old] = new
        elif was.index(old) and not now.index(old) and now.index(new) and not was.index(new):
            renames.indexes[table, old] = new
        else:
            raise ConfigurationError(
                f"--rename {word}: {old} has to be in the migrations alone, and {new} in the models alone; "
                f"gone from {table} is {_list(_gone_columns(was, now))}, new is {_list(_gone_columns(now, was))}."
            )
    return renames


def questions(before: Schema, after: Schema, renames: Renames, dropped: Iterable[str]) -> tuple[Question, ...]:
    """Say what only the author knows; ``dropped`` are the columns, as ``table.column``, that he says may go."""
    dropped = set(dropped)
    found = []
    for was in before:
        now = after.table(was.name)
        if now is None:
            continue
        taken = {new for (table, _), new in renames.columns.items() if table == was.name}
        for gone in _gone_columns(was, now):
            if (was.name, gone) in renames.columns or f"{was.name}.{gone}" in dropped:
                continue
            candidates = tuple(
                new for new in _gone_columns(now, was) if new not in taken and _alike(was, gone, now, new)
            )
            if candidates:
                found.append(Question(was.name, gone, candidates))
    return tuple(found)


def renamed(before: Schema, renames: Renames) -> Schema:
    """Return the schema with its columns renamed, wherever they stand."""
    return Schema(tuple(_renamed_table(table, renames) for table in before))


def _renamed_table(table: Table, renames: Renames) -> Table:
    for (name, old), new in renames.columns.items():
        if name == table.name:
            table = RenameColumn(name, old, new).applied_to(table)
    return replace(table, foreign_keys=tuple(_referring(key, renames) for key in table.foreign_keys))


def _referring(key: ForeignKey, renames: Renames) -> ForeignKey:
    columns = tuple(renames.columns.get((key.referenced_table, name), name) for name in key.referenced_columns)
    return replace(key, referenced_columns=columns)


def _gone_columns(was: Table, now: Table) -> tuple[str, ...]:
    return tuple(column.name for column in was.columns if now.column(column.name) is None and not column.opaque)


def _alike(was: Table, gone: str, now: Table, new: str) -> bool:
    """Say whether the values of the one could live on in the other."""
    old_column, new_column = was.column(gone), now.column(new)
    assert old_column is not None
    assert new_column is not None
    return _kind(old_column.type) == _kind(new_column.type)


def _kind(type_: ColumnType) -> str:
    return _KINDS.get(type_.name, type_.name)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
