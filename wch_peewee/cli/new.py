"""``wch new``: write the migration that leads from the existing migrations to the models."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..authoring.author import Author, migration_path, model_differences, previous_version, try_newest
from ..authoring.render import empty_migration
from ..authoring.scratch import produced_schema, scratch_databases
from ..database.query import detect_dialect
from ..errors import ConfigurationError
from ..migrate.folder import Part, next_version
from ..schema.declared import logical_tables
from ..schema.renames import Question
from .options import Choices, ExitCode, subcommand
from .output import counted, visible
from .session import AuthorSession, open_author_session

_CONF = """\
\"""Settings for stock pw_migrate: pw_migrate migrate --directory FOLDER [--database URL].\"""

from wch_peewee.migrate.pw_migrate import configuration

globals().update(configuration({}))
"""


@subcommand("new")
@click.argument("name")
@click.option("--empty", is_flag=True, help="Write a template for a change of rows, without comparing.")
@click.option("--major", "part", flag_value="major", help="Increase the version's first number.")
@click.option("--minor", "part", flag_value="minor", help="Increase its second number (the default).")
@click.option("--patch", "part", flag_value="patch", help="Increase its third number.")
@click.option("--rename", "renames", multiple=True, metavar="TABLE.OLD:NEW", help="Confirm a renamed column or index.")
@click.option("--drop", "dropped", multiple=True, metavar="TABLE[.COLUMN]", help="Confirm a dropped table or column.")
@click.option("--dry-run", is_flag=True, help="Print the file, and write nothing.")
def command(
    choices: Choices,
    name: str,
    empty: bool,
    part: Part | None,
    renames: tuple[str, ...],
    dropped: tuple[str, ...],
    dry_run: bool,
) -> int:
    """Write the next migration: the steps from the existing migrations to the models.

    Replays the migrations on a scratch SQLite database in memory and, if a server is configured, on a scratch
    database there (wch_scratch_...), which is dropped afterwards. The new migration is tested there, forward and
    back (exit code 2 if it fails). No other database is used.

    If a column was removed and another added, it may have been renamed: on a terminal you are asked, otherwise
    --rename or --drop must say it. What only you can decide is in the file as steps.decide("..."); the migration
    does not run until you remove these lines. If the models and the migrations agree, nothing is written (exit
    code 1).

    \b
      wch new message_channel
      wch new --rename messages.note:remark --drop carts.coupon_code tidy_up
      wch new --empty fill_channel --patch
    """
    if empty and (renames or dropped):
        raise click.UsageError("--empty compares nothing, so it cannot be combined with --rename or --drop.")
    session = open_author_session(choices, writes=True)
    path = migration_path(session.folder, name)
    if empty:
        previous = previous_version(session.folder)
        version = next_version(previous, part or "minor")
        source = empty_migration(version, previous, session.folder.namespace)
        return _finish(session, path, _facts(source, version, questions=1), dry_run)
    tables = logical_tables(session.project.models)
    with scratch_databases(session.target) as (databases, notes):
        session.out.notes(notes)
        author = Author.of(databases[0], session.folder, tables)
        asked = author.renames(renames, dropped, _ask if _can_ask() else None)
        draft = author.draft(asked, dropped, part or "minor")
        if draft is None:
            found = model_differences(databases[1:], session.folder, tables)
            return _nothing_written(session, [difference.words for difference in found])
        facts = _facts(draft.source(), draft.version, draft.summary, draft.questions)
        before = [produced_schema(database, session.folder) for database in databases]

        def trial() -> None:
            facts["engines"] = tuple(detect_dialect(database).label for database in databases)
            facts["troubles"] = try_newest(databases, session.project.folder, tables, before)

        return _finish(session, path, facts, dry_run, trial)


def _facts(source: str, version: str, changes: tuple[str, ...] = (), questions: int = 0) -> dict[str, Any]:
    """Return the file and what is printed about it; ``troubles`` are failures on the ``engines`` it was tried on."""
    return {
        "source": source,
        "version": version,
        "changes": changes,
        "questions": questions,
        "engines": (),
        "troubles": (),
    }


def _nothing_written(session: AuthorSession, elsewhere: list[str]) -> int:
    if session.out.structured:
        session.out.document({"file": None, "differences": elsewhere})
        return ExitCode.DRIFT
    session.out.lines(f"On the server alone: {words}" for words in elsewhere)
    session.out.line(
        "Nothing was written: no migration step can change this."
        if elsewhere
        else "Nothing was written: the models and the migrations agree."
    )
    return ExitCode.DRIFT


def _finish(
    session: AuthorSession,
    path: Path,
    facts: dict[str, Any],
    dry_run: bool,
    trial: Callable[[], None] = lambda: None,
) -> int:
    if not dry_run:
        _make_folder(session)
        _write(path, facts["source"])
        if not facts["questions"]:
            trial()
    if session.out.structured:
        session.out.document({"file": None if dry_run else str(path), **facts})
    elif dry_run:
        session.out.line(facts["source"].rstrip("\n"))
    else:
        _print(session, path, facts)
    return ExitCode.FAILED if facts["troubles"] else ExitCode.FINE


def _print(session: AuthorSession, path: Path, facts: dict[str, Any]) -> None:
    session.out.lines(facts["changes"])
    wrote = f"Wrote {path.name}, version {facts['version']}."
    if facts["troubles"]:
        session.out.lines(f"Tried {trouble}" for trouble in facts["troubles"])
        session.out.line(f"{wrote} Correct it before you run it.")
        return
    if facts["questions"]:
        what = counted(facts["questions"], "question")
        session.out.line(f"The file has {what} (steps.decide); it does not run until you answer.")
    if facts["engines"]:
        session.out.line(f"Tried forward and back on {' and '.join(facts['engines'])}.")
    session.out.success(f"{wrote} Read it, then run: wch{session.project.options} migrate")


def _make_folder(session: AuthorSession) -> None:
    """Make the folder of the first migration, with the settings for stock pw_migrate."""
    folder, module = session.folder.path, session.project.module
    if not session.folder.names:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "conf.py").exists():
            _write(folder / "conf.py", _CONF.format(repr(module).replace("'", '"') if module else ""))


def _write(path: Path, source: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(source)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from error


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _ask(question: Question) -> str | None:
    for candidate in question.candidates:
        words = f"{question.table}.{question.gone} was removed. Was it renamed to {candidate}?"
        if click.confirm(visible(words), default=False, err=True):
            return candidate
    return None
