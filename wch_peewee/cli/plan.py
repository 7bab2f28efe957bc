"""``wch plan``: the statements that activate would run, as SQL for a client, as a table or as a document."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from ..install.inspection import InstallPlan
from ..install.rollback import RollbackPlan
from ..schema.plan import Check, DryRunResult, Forecast, RowWork, Stopped
from ..schema.statements import readable
from .options import LISTS, Choices, ExitCode, copy_options, ignore_option, subcommand, timeout_option
from .output import visible
from .session import Session, check_target, open_session, sentence


@subcommand("plan", formats=("sql", *LISTS))
@click.option(
    "--rollback",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="The plan of wch rollback [NAME] instead.",
)
@click.option("--applied", metavar="NAME", help="What this migration runs on an empty database of this engine.")
@click.option("--backwards", is_flag=True, help="With --applied: its rollback.")
@ignore_option
@timeout_option
@copy_options
def command(choices: Choices, rollback: str | None, applied: str | None, backwards: bool) -> int:
    """Print the SQL that wch activate, or wch rollback, would run. Reads only.

    Each step has comments: what it changes, the table's size, the server's algorithm and lock, who is blocked,
    the conflicting rows with a query that shows them, and how to undo it. Rows are counted, which can take as
    long as reading the table. Refusals, and what wch does not manage, are comments too. Exit code 0 if the plan
    could be made, empty or not (see wch check), and 4 for a newer database, in which nothing would be changed.

    \b
      wch plan
      wch plan --quiet > review.sql
      wch plan --rollback 002_notes
      wch plan --applied 001_initial_schema --backwards
    """
    if rollback is not None and applied is not None:
        raise click.UsageError("--rollback and --applied were given; expected one of them.")
    if backwards and applied is None:
        raise click.UsageError("--backwards requires --applied NAME.")
    session = open_session(choices)
    check_target(session, name=applied)
    if applied is not None:
        return _show_migration(session, applied, backwards)
    if rollback is not None:
        return show_rollback(session, session.manager.rollback_plan(rollback or None))
    return show_plan(session)


def show_plan(session: Session) -> int:
    """Print what activate would run; return the exit code."""
    found = session.manager.plan(counts=True)
    if found.is_newer and not session.out.structured:
        session.out.line(_comment(f"{sentence(found.reason)}; wch activate would change nothing"))
    else:
        after = list(_outside_of_steps(found, session.manager.names.namespace.version_option))
        _show_steps(session, found.dry_run, _document(found), after)
    return ExitCode.TOO_NEW if found.is_newer else ExitCode.FINE


def show_rollback(session: Session, found: RollbackPlan) -> int:
    """Print what a rollback would do, and what it would lose; return the exit code."""
    value = {"names": found.names, "loses": found.loss, "refused": found.refusals, **_dry_run_document(found.dry_run)}
    after = [*(f"Refused: {refusal}" for refusal in found.refusals), *(f"Loses {loss}" for loss in found.loss)]
    if found.options:
        after.append(f"To accept this: {session.manager.command(f'rollback {found.names[-1]}{found.options}')}")
    _show_steps(session, found.dry_run, value, after if found.names else ["Nothing to do"])
    return ExitCode.FINE


def _show_migration(session: Session, name: str, backwards: bool) -> int:
    found = session.manager.migration_plan(name, backwards=backwards)
    value = {"migration": name, "backwards": backwards, **_dry_run_document(found)}
    _show_steps(session, found, value, [] if found.stopped is None else [_stopped(found.stopped)])
    return ExitCode.FINE


def _show_steps(session: Session, dry_run: DryRunResult, value: dict[str, Any], after: list[str]) -> None:
    """Print the steps in the format of the command, and what a reader has to know besides."""
    if session.out.structured:
        session.out.document({**session.heading, **value}, _flat_rows(value), _COLUMNS)
    elif session.choices.format == "table":
        if dry_run.steps:
            session.out.listing([_flat(step) for step in value["steps"]], _TABLE)
        session.out.lines(after)
    else:
        session.out.lines(_script(dry_run))
        session.out.lines(["", *map(_comment, after)] if dry_run.steps and after else map(_comment, after))


def _script(dry_run: DryRunResult) -> Iterator[str]:
    """Yield the lines of the steps as SQL with comments."""
    for forecast in dry_run.steps:
        yield ""
        yield _comment(f"{_where(forecast)}: {'; '.join(forecast.describe())}")
        yield from map(_comment, _remarks(dry_run, forecast))
        yield from _statements(forecast)


def _outside_of_steps(found: InstallPlan, option: str) -> Iterator[str]:
    """Yield what a reader of the steps has to know besides: where they end, and what is not done."""
    if found.dry_run.stopped is not None:
        yield _stopped(found.dry_run.stopped)
    elif not found.is_stamped and not found.pending:
        yield f"At the end the option {option} is {found.code_version}"
    yield from (f"Refused: {refusal}" for refusal in found.plan.refusals)
    yield from (f"Not managed by wch: {extra}" for extra in found.plan.extras)
    if found.is_empty:
        yield "Nothing can be done; see Refused" if found.plan.refusals else "Nothing to do"


def _stopped(stopped: Stopped) -> str:
    step = f", step {stopped.number} of {stopped.of}" if stopped.number else ""
    return f"{stopped.migration or 'Before the first change'}{step}: the run would stop here: {stopped.reason}"


def _remarks(dry_run: DryRunResult, forecast: Forecast) -> Iterator[str]:
    if isinstance(forecast.work, RowWork):
        return
    size = dry_run.sizes.get(forecast.work.table)
    if size is not None:
        yield f"  {forecast.work.table}: {size}"
    if forecast.effect is not None:
        lock = f", LOCK={forecast.effect.lock}" if forecast.effect.lock else ""
        words = "handed over to the tool of --online" if forecast.handed_over else forecast.effect.words
        yield f"  {forecast.effect.algorithm}{lock}: {words}"
        if forecast.effect.algorithm == "REBUILD" and size is not None:
            yield f"  needs up to {readable(size.bytes)} of free disk space"
    if forecast.copy_refusal:
        yield f"  Refused: {forecast.copy_refusal}"
    yield from map(_check, (check for check in forecast.checks if check.count))
    for words in forecast.reversals():
        yield f"  Undo: {words}"


def _check(check: Check) -> str:
    words, found = "Loses" if check.is_loss else "Would fail", check.precondition.refusal(check.count)
    if check.changed_by:  # what to do about the rows is perhaps what that step does
        words, found = f"Depends on rows that {check.changed_by} changes first", f"now {found.partition(';')[0]}"
    return f"  {words}: {found}\n  See them: {check.query};"


def _statements(forecast: Forecast) -> Iterator[str]:
    step = forecast.work
    if isinstance(step, RowWork):
        if step.sql:
            yield _comment(f"  {step.sql}")
        return
    texts = [*map(str, (*step.statements, *step.cleanup))]
    if any(visible(text) != text for text in texts):
        # Escaped they would name other things, and as they are a terminal would obey them.
        yield _comment("  Not shown as SQL, because a name contains control characters:")
        texts = [_comment(f"  {text}") for text in texts]
    yield from texts
    if step.recheck is not None:
        undo = " ".join(map(str, step.undo))
        yield _comment(f"  Then the conflicting rows are counted again; if there are any: {undo}")


def _comment(text: str) -> str:
    """Comment out every line: a line break in a name must not start a statement."""
    return "\n".join(f"-- {line}" for line in text.split("\n"))


def _where(forecast: Forecast) -> str:
    if not forecast.migration:
        return "Drift"
    if not forecast.number:
        return f"Before {forecast.migration}"
    return f"{forecast.migration}, step {forecast.number} of {forecast.of}"


def _document(found: InstallPlan) -> dict[str, Any]:
    """Return the plan for JSON and YAML."""
    return {
        "version": found.version,
        "code_version": found.code_version,
        "is_newer": found.is_newer,
        "reason": found.reason,
        "is_empty": found.is_empty,
        "pending": found.pending,
        **_dry_run_document(found.dry_run),
        "refusals": [asdict(refusal) for refusal in found.plan.refusals],
        "extras": found.plan.extras,
    }


def _dry_run_document(dry_run: DryRunResult) -> dict[str, Any]:
    return {
        "steps": [_step(dry_run, forecast) for forecast in dry_run.steps],
        "stopped": None if dry_run.stopped is None else asdict(dry_run.stopped),
    }


def _step(dry_run: DryRunResult, forecast: Forecast) -> dict[str, Any]:
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
    size, effect = dry_run.sizes.get(work.table), forecast.effect
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


#: The fields of a step in a table for people.
_TABLE = ("migration", "step", "operations", "rows", "algorithm", "lock", "effect", "copy_refusal", "conflicting_rows")
#: The fields of a step in a list.
_COLUMNS = (
    *("migration", "step", "of", "kind", "table", "rows", "bytes", "algorithm", "lock", "effect", "copy_refusal"),
    *("operations", "statements", "undone_by", "conflicting_rows", "reason"),
)


def _flat_rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the document as rows for CSV: its steps, then where they end, and what is not done or is lost."""
    rows = [_flat(step) for step in document["steps"]]
    if (stopped := document["stopped"]) is not None:
        place = {"migration": stopped["migration"], "step": stopped["number"], "of": stopped["of"]}
        rows.append({**_flat({}), **place, "kind": "stopped", "reason": stopped["reason"]})
    for refusal in document.get("refusals", ()):
        what = {"table": refusal["table"], "operations": refusal["what"], "reason": refusal["reason"]}
        rows.append({**_flat({}), "kind": "refused", **what})
    remarks = (("not managed", "extras"), ("refused", "refused"), ("loses", "loses"))
    return rows + [{**_flat({}), "kind": kind, "reason": one} for kind, key in remarks for one in document.get(key, ())]


def _flat(step: dict[str, Any]) -> dict[str, Any]:
    """Return a step of the document as a row for CSV."""
    checks = (check for check in step.get("checks", ()) if not check["loses"] and not check["changed_by"])
    conflicting = sum(check["count"] for check in checks)
    return {**{name: step.get(name) for name in _COLUMNS}, "conflicting_rows": conflicting}
