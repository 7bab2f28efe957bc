"""The author of `wch new`: the migration that leads from the migrations' schema to the models' declaration."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import peewee as pw

from ..database.query import detect_dialect
from ..errors import ConfigurationError, Irreversible, RemovalRefused, RunStopped
from ..migrate.folder import MigrationFolder, Part, next_version
from ..schema.objects import Schema, Table
from ..schema.operations import DropColumn
from ..schema.renames import Question, Renames, operations_between, parse_renames, questions, rename_columns
from .order import arrange
from .recipes import Recipes
from .render import Draft, caution, summary
from .scratch import declared_schema, produced_schema, scratch_manager, scratch_schema

#: Asked whether a column has another name now: answers with one of the candidates, or None.
Ask = Callable[[Question], str | None]


@dataclass(frozen=True, slots=True)
class ModelDifference:
    """One change that the migrations' schema needs, in words, and the engines on which it was found."""

    words: str
    engines: tuple[str, ...]


def model_differences(
    databases: Sequence[pw.Database], folder: MigrationFolder, tables: Iterable[Table]
) -> tuple[ModelDifference, ...]:
    """Replay the migrations on each scratch database and compare with the models; return nothing if they agree."""
    tables = tuple(tables)
    found: dict[str, list[str]] = {}
    for database in databases:
        dialect = detect_dialect(database)
        produced = produced_schema(database, folder)
        declared = declared_schema(tables, folder.namespace.at(), dialect)
        for operation in operations_between(produced, declared, Renames()):
            for line in operation.describe():
                found.setdefault(line, []).append(dialect.label)
    return tuple(ModelDifference(words, tuple(engines)) for words, engines in found.items())


@dataclass(frozen=True, slots=True)
class Author:
    """Drafts a migration. ``before`` is what the migrations of ``folder`` make, ``after`` what the models declare."""

    folder: MigrationFolder
    before: Schema
    after: Schema

    @classmethod
    def of(cls, database: pw.Database, folder: MigrationFolder, tables: Iterable[Table]) -> Author:
        """Return the author for a scratch database, after a replay there."""
        declared = declared_schema(tables, folder.namespace.at(), detect_dialect(database))
        return cls(folder, produced_schema(database, folder), declared)

    def renames(self, said: Iterable[str], dropped: Iterable[str], ask: Ask | None) -> Renames:
        """Return the renames: as given, else as answered.

        Raises ConfigurationError, with all the options to give, if there is nobody to ask.
        """
        dropped = tuple(dropped)
        renames = parse_renames(said, self.before, self.after)
        self._check_dropped(dropped, renames)
        open_questions = questions(self.before, self.after, renames, dropped)
        if open_questions and ask is None:
            raise ConfigurationError("\n".join(f"{question}." for question in open_questions))
        while ask is not None and open_questions:
            question = open_questions[0]
            answer = ask(question)
            if answer is None:
                dropped = (*dropped, f"{question.table}.{question.gone}")
            else:
                renames.columns[question.table, question.gone] = answer
            open_questions = questions(self.before, self.after, renames, dropped)
        return renames

    def draft(self, renames: Renames, dropped: Iterable[str], part: Part) -> Draft | None:
        """Draft the migration; None if the models and the migrations agree."""
        back = renames.inverse()
        there = arrange(
            operations_between(self.before, self.after, renames), rename_columns(self.before, renames), self.after
        )
        home = arrange(operations_between(self.after, self.before, back), rename_columns(self.after, back), self.before)
        if not there:
            return None
        return Draft(
            next_version(previous_version(self.folder), part),
            previous_version(self.folder),
            summary(there),
            Recipes(self.before, self.after, frozenset(dropped)).lines(there),
            Recipes(self.after, self.before, back=True).lines(home),
            caution=caution(there),
            namespace=self.folder.namespace,
        )

    def _check_dropped(self, dropped: Iterable[str], renames: Renames) -> None:
        before = rename_columns(self.before, renames)
        operations = operations_between(self.before, self.after, renames)
        gone = {f"{o.table}.{o.column}" for o in operations if isinstance(o, DropColumn)}
        gone |= {table.name for table in before if self.after.table(table.name) is None}
        for name in dropped:
            if name not in gone:
                raise ConfigurationError(
                    f"--drop {name} does not match; removed from the models: {', '.join(sorted(gone)) or 'nothing'}."
                )


def previous_version(folder: MigrationFolder) -> str | None:
    """Return the version that the newest migration ends at, or None."""
    return folder.version if folder.names else None


def migration_path(folder: MigrationFolder, name: str) -> Path:
    """Return the path of the next file, ``NNN_words.py``. Raises ConfigurationError."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()
    if not words:
        raise ConfigurationError(f"{name!r} is not a name for a migration; expected words, as in message_channel.")
    number = int(folder.names[-1][:3]) + 1 if folder.names else 1
    return folder.path / f"{number:03}_{words}.py"


def try_newest(
    databases: Sequence[pw.Database], folder: MigrationFolder, tables: Iterable[Table], before: Sequence[Schema]
) -> tuple[str, ...]:
    """Run the newest migration of ``folder`` on each database and roll it back; return what went wrong, or "".

    ``before`` is what each database held without it.
    """
    tables = tuple(tables)
    return tuple(
        f"on {detect_dialect(database).label} {trouble}"
        for database, old in zip(databases, before, strict=True)
        for trouble in _troubles(database, folder, tables, old)
    )


def _troubles(
    database: pw.Database, folder: MigrationFolder, tables: tuple[Table, ...], before: Schema
) -> Iterator[str]:
    try:
        yield from (f"it does not: {found.words}" for found in model_differences([database], folder, tables))
        # A rollback that is refused or missing has been decided.
        with contextlib.suppress(Irreversible, RemovalRefused):
            scratch_manager(database, folder, remove_data=True).rollback(folder.names[-1])
            back = operations_between(scratch_schema(database, folder.namespace), before, Renames())
            yield from (f"its rollback does not: {line}" for operation in back for line in operation.describe())
    except RunStopped as error:
        yield f"it fails: {str(error).splitlines()[0]}"
