"""``wch plan``: the statements that activate would run, as SQL for a client, as a table or as a document."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ..install.inspection import InstallPlan
from ..schema.plan import Check, Forecast, RowWork
from ..schema.statements import readable
from ..wordpress.options import VERSION_OPTION
from .options import FORMATS, Choices, ExitCode, copy_options, ignore_option, timeout_option, wch_command
from .output import visible
from .session import Session, open_session, sentence


@wch_command("plan", formats=("sql", *FORMATS))
@ignore_option
@timeout_option
@copy_options
def command(choices: Choices) -> int:
    """Print the SQL that wch activate would run. Reads only.

    Each step has comments: what it does, how large the table is, by which algorithm and under which lock the
    server does it, who waits meanwhile, which rows stand against it and how to see them, how it is undone. The
    rows are counted, which can take as long as reading the table. What is refused or left alone is a comment,
    too. Exit code 0 whenever the plan could be made, empty or not (wch check tells them apart), and 4 for a newer
    database, in which nothing would be done.

    \b
      wch plan
      wch plan --quiet > review.sql
      wch plan --format table
    """
    return show_plan(open_session(choices))


def show_plan(session: Session) -> int:
    """Print what activate would run; return the exit code."""
    found = session.manager.plan(counts=True)
    if session.out.structured:
        value = _document(found)
        session.out.document({**session.heading, **value}, _flat_rows(value))
    elif found.is_newer:
        session.out.line(_comment(f"{sentence(found.reason)}; nothing would be done"))
    elif session.choices.format == "table":
        if found.dry_run.steps:
            session.out.table(("step", "what", "rows", "how", "who waits", "against it"), _rows(found), right=(2,))
        session.out.lines(_outside_of_steps(found))
    else:
        session.out.lines(_script(found))
    return ExitCode.TOO_NEW if found.is_newer else ExitCode.FINE


def _script(found: InstallPlan) -> Iterator[str]:
    """Yield the lines of the plan as SQL with comments."""
    for forecast in found.dry_run.steps:
        yield ""
        yield _comment(f"{_where(forecast)}: {'; '.join(forecast.describe())}")
        yield from map(_comment, _remarks(found, forecast))
        yield from _statements(forecast)
    if found.dry_run.stopped is not None or not (found.is_stamped or found.pending):
        yield ""
    yield from map(_comment, _outside_of_steps(found))


def _outside_of_steps(found: InstallPlan) -> Iterator[str]:
    """Yield what a reader of the steps has to know besides: where they end, and what is not done."""
    if (stopped := found.dry_run.stopped) is not None:
        step = f", step {stopped.number} of {stopped.of}" if stopped.number else ""
        where = stopped.migration or "Before the first change"
        yield f"{where}{step}: the run would stop here: {stopped.reason}"
    elif not found.is_stamped and not found.pending:
        yield f"At the end the option {VERSION_OPTION} is {found.code_version}"
    yield from (f"Refused: {refusal}" for refusal in found.plan.refusals)
    yield from (f"Left alone: {extra}" for extra in found.plan.extras)
    if found.is_empty:
        yield "Nothing is to do"


def _remarks(found: InstallPlan, forecast: Forecast) -> Iterator[str]:
    if isinstance(forecast.work, RowWork):
        return
    size = found.dry_run.sizes.get(forecast.work.table)
    if size is not None:
        yield f"  {forecast.work.table}: {size}"
    if forecast.effect is not None:
        lock = f", LOCK={forecast.effect.lock}" if forecast.effect.lock else ""
        words = "handed over to the tool of --online" if forecast.handed_over else forecast.effect.words
        yield f"  {forecast.effect.algorithm}{lock}: {words}"
        if forecast.effect.algorithm == "REBUILD" and size is not None:
            yield f"  needs up to {readable(size.bytes)} of free space beside the file"
    if forecast.copy_refusal:
        yield f"  Refused: {forecast.copy_refusal}"
    yield from map(_check, (check for check in forecast.checks if check.count))
    for words in forecast.reversals():
        yield f"  Undone by {words}"


def _check(check: Check) -> str:
    words = "Loses" if check.is_loss else "Depends on the rows" if check.changed_by else "Would fail"
    before = f" (as of now: {check.changed_by} changes rows first)" if check.changed_by else ""
    return f"  {words}: {check.precondition.refusal(check.count)}{before}\n  See them: {check.query};"


def _statements(forecast: Forecast) -> Iterator[str]:
    step = forecast.work
    if isinstance(step, RowWork):
        if step.sql:
            yield _comment(f"  {step.sql}")
        return
    texts = [*map(str, (*step.statements, *step.cleanup))]
    if any(visible(text) != text for text in texts):
        # Escaped they would name other things, and as they are a terminal would obey them.
        yield _comment("  Not shown as SQL, for the control characters in a name:")
        texts = [_comment(f"  {text}") for text in texts]
    yield from texts
    if step.recheck is not None:
        undo = " ".join(map(str, step.undo))
        yield _comment(f"  Then the rows are counted once more; should some stand against it: {undo}")


def _comment(text: str) -> str:
    """Comment out every line: a line break in a name must not start a statement."""
    return "\n".join(f"-- {line}" for line in text.split("\n"))


def _rows(found: InstallPlan) -> Iterator[tuple[str, ...]]:
    """Yield a row of the table for each step."""
    for forecast in found.dry_run.steps:
        work, effect = forecast.work, forecast.effect
        size = None if isinstance(work, RowWork) else found.dry_run.sizes.get(work.table)
        failing = sum(check.count for check in forecast.failing)
        unsure = next((check for check in forecast.checks if check.count and check.changed_by), None)
        against = f"{failing:,} rows" if failing else f"depends on {unsure.changed_by}" if unsure else ""
        yield (
            _where(forecast),
            "; ".join(forecast.describe()),
            "" if size is None else f"{size.rows:,}",
            "" if effect is None else f"{effect.algorithm} {effect.lock}".strip(),
            "" if effect is None else effect.words,
            "refused: too large to copy" if forecast.copy_refusal else against,
        )


def _where(forecast: Forecast) -> str:
    if not forecast.migration:
        return "Mend"
    if not forecast.number:
        return f"Ahead of {forecast.migration}"
    return f"{forecast.migration}, step {forecast.number} of {forecast.of}"


def _document(found: InstallPlan) -> dict[str, Any]:
    """Return the plan for JSON and YAML."""
    dry_run = found.dry_run
    return {
        "version": found.version,
        "code_version": found.code_version,
        "is_newer": found.is_newer,
        "reason": found.reason,
        "is_empty": found.is_empty,
        "pending": found.pending,
        "steps": [_step(found, forecast) for forecast in dry_run.steps],
        "stopped": None if dry_run.stopped is None else asdict(dry_run.stopped),
        "refusals": [asdict(refusal) for refusal in found.plan.refusals],
        "extras": found.plan.extras,
    }


def _step(found: InstallPlan, forecast: Forecast) -> dict[str, Any]:
    place = {"migration": forecast.migration or None, "step": forecast.number, "of": forecast.of}
    work = forecast.work
    if isinstance(work, RowWork):
        return {
            **place,
            "kind": "rows",
            "operations": [work.words],
            "tables": work.tables,
            "sql": work.sql or None,
            "statements": [],
        }
    size, effect = found.dry_run.sizes.get(work.table), forecast.effect
    return {
        **place,
        "kind": "schema",
        "table": work.table,
        "rows": None if size is None else size.rows,
        "bytes": None if size is None else size.bytes,
        "cost": work.cost,
        "algorithm": None if effect is None else effect.algorithm,
        "lock": None if effect is None else effect.lock or None,
        "effect": None if effect is None else effect.words,
        "operations": list(forecast.describe()),
        "statements": [statement.text for statement in work.statements],
        "cleanup": [statement.text for statement in work.cleanup],
        "undo": [statement.text for statement in work.undo],
        "checks": [_checked(check) for check in forecast.checks],
        "copy_refusal": forecast.copy_refusal or None,
        "handed_over": forecast.handed_over,
        "undone_by": list(forecast.reversals()),
    }


def _checked(check: Check) -> dict[str, Any]:
    kind, words = check.precondition.kind, check.precondition.refusal(check.count) if check.count else ""
    document = {"kind": kind, "count": check.count, "loses": check.is_loss, "words": words, "query": check.query}
    return {**document, "changed_by": check.changed_by or None}


def _flat_rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the document as rows for CSV: its steps, then where they end, and what is not done."""
    rows = [_flat(step) for step in document["steps"]]
    if (stopped := document["stopped"]) is not None:
        place = {"migration": stopped["migration"], "step": stopped["number"], "of": stopped["of"]}
        rows.append({**_flat({}), **place, "kind": "stopped", "reason": stopped["reason"]})
    for refusal in document["refusals"]:
        what = {"table": refusal["table"], "operations": refusal["what"], "reason": refusal["reason"]}
        rows.append({**_flat({}), "kind": "refused", **what})
    return rows + [{**_flat({}), "kind": "left alone", "reason": extra} for extra in document["extras"]]


def _flat(step: dict[str, Any]) -> dict[str, Any]:
    """Return a step of the document as a row for CSV."""
    names = ("migration", "step", "of", "kind", "table", "rows", "bytes", "algorithm", "lock", "effect", "copy_refusal")
    texts = {name: "; ".join(step.get(name, ())) for name in ("operations", "statements", "undone_by")}
    checks = (check for check in step.get("checks", ()) if not check["loses"] and not check["changed_by"])
    conflicting = sum(check["count"] for check in checks)
    return {**{name: step.get(name) for name in names}, **texts, "rows_against": conflicting, "reason": None}
