"""Drops and renames: what is gone is gone for PHP and for older releases, too."""

from __future__ import annotations

import re
from dataclasses import replace

from ...migrate import batches, steps
from .code import column_code, run_code, text_code
from .findings import Remarks
from .load import Migration
from .recording import Step
from .state import Moment


def drop_remarks(moment: Moment) -> Remarks:
    """Look at one step of migrate() that drops or renames."""
    step, a = moment.step, moment.step.arguments
    if step.is_(steps.drop_column):
        name = f"{moment.table}.{a['column']}"
        yield from _unmeant_column(step)
        if any(_uses_column(other, moment.table, str(a["column"])) for other in moment.before):
            yield step.line, "drop-in-use", *_in_use(name, f"steps.drop_column of {name}")
    elif step.is_(steps.drop_tables):
        names = [str(getattr(table, "name", table)) for table in a["tables"]]
        if not a["allow_drop"]:
            found = f"this drops {', '.join(names)} and does not say that it is meant: it is refused"
            yield step.line, "allow-drop", found, "say allow_drop=True when the rows are elsewhere or not needed"
        for name in names:
            if any(_uses_table(other, name) for other in moment.before):
                yield step.line, "drop-in-use", *_in_use(name, f"steps.drop_tables of {name}")
    elif step.is_(steps.rename_column) and not moment.is_empty:
        yield from _renamed(moment)


def rollback_drops(migration: Migration) -> Remarks:
    """Look at the way back, which drops what the way there has added: it has to say that it means it."""
    for step in migration.rollback.steps if migration.rollback is not None else ():
        if step.is_(steps.drop_column):
            yield from _unmeant_column(step)


def _unmeant_column(step: Step) -> Remarks:
    a = step.arguments
    if not a["allow_drop"]:
        found = f"dropping {a['table']}.{a['column']} is refused without allow_drop"
        way = run_code("steps.drop_column", text_code(a["table"]), text_code(a["column"]), "allow_drop=True")
        yield step.line, "allow-drop", found, f"if you mean it: {way}"


def _in_use(name: str, step: str) -> tuple[str, str]:
    return (
        f"{name} is dropped by the very migration that stops using it, and the release before still reads it",
        f"leave {name} where it is, and move {step} into a migration of a later release",
    )


def _uses_column(step: Step, table: str, column: str) -> bool:
    a = step.arguments
    if step.is_(batches.copy_column):
        return bool(a["table"] == table and a["source"] == column)
    if step.is_(batches.change_rows):
        return a["table"] == table and column in a["columns"]
    if step.is_(batches.fill_column):
        return a["table"] == table and _has_word(str(a["expression"]), column)
    sql = _sql(step)
    return f"{{{table}" in sql and _has_word(sql, column)


def _uses_table(step: Step, table: str) -> bool:
    return bool(re.search(rf"\{{{re.escape(table)}[}}:]", _sql(step)))


def _sql(step: Step) -> str:
    return str(step.arguments["sql"]) if step.is_(steps.run_sql, batches.run_in_batches) else ""


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _renamed(moment: Moment) -> Remarks:
    a = moment.step.arguments
    table, old, new = text_code(moment.table), str(a["old"]), str(a["new"])
    live = moment.column(old)
    code = f'Column("{new}", ..., nullable=True)'
    if live is not None:
        code = column_code(replace(live, name=new, nullable=True, default=None))
    way = ", then ".join(
        (
            run_code("steps.add_column", table, code, f"after={text_code(old)}"),
            run_code("batches.copy_column", table, text_code(old), text_code(new)),
        )
    )
    drop = run_code("steps.drop_column", table, text_code(old), "allow_drop=True")
    found = f"{moment.table}.{old} is called {new} from here on, and PHP and older releases still ask for {old}"
    advice = f"{way}, write both for one release, and in a later one {drop}"
    yield moment.step.line, "rename-column", found, advice
