"""``wch rollback``: take applied migrations back."""

import click

from ..install.rollback import RollbackPlan
from .options import Choices, ExitCode, copy_options, dry_run_option, subcommand, wait_options, yes_option
from .output import confirm
from .plan import show_rollback
from .session import Session, check_target, open_session


@subcommand("rollback")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--to", metavar="VERSION", help="Roll back all migrations that are newer than this version.")
@click.option("--allow-loss", is_flag=True, help="Do not ask; accept that the listed rows and values are lost.")
@wait_options
@copy_options
@yes_option
@dry_run_option
def command(choices: Choices, name: str | None, to: str | None, allow_loss: bool, yes: bool, dry_run: bool) -> int:
    """Roll back the migration NAME, after those applied later; without a name, the newest one.

    With NAME or --to the command can be repeated. Without them each run rolls back one more migration, and one that
    drops tables is refused: name it in scripts.

    Runs the rollback() of the migration files. First it tests all of them against the existing rows, and refuses
    if a step would fail (exit code 2, nothing changed). If rows or values would be lost, it counts them and asks
    for the migration's name; --yes is not enough then, use --allow-loss. If the migration is not applied, there
    is nothing to do (exit code 0). An interrupted rollback is finished by the same command, or undone by wch migrate.

    \b
      wch rollback 002_notes --dry-run
      wch rollback 002_notes --yes
      wch rollback --to 1.0.0 --allow-loss
    """
    if name is not None and to is not None:
        raise click.UsageError("A migration and --to were given; expected one of them.")
    session = open_session(choices, writes=not dry_run)
    manager = session.manager
    check_target(session, name=None, version=to)
    with session.working("planning the rollback"):
        plan = manager.rollback_plan(name, to=to)
    if dry_run:
        return show_rollback(session, plan)
    taken: tuple[str, ...] = ()
    if plan.names:
        plan.require_name(manager.target, manager.command)
        _ask(session, plan, yes=yes, allow_loss=allow_loss)
        session.out.note(f"Rolling back {', '.join(plan.names)}")
        with session.working(f"rolling back {', '.join(plan.names)}"):
            taken = manager.roll_back(plan, allow_loss=allow_loss)
    _report(session, taken, name)
    return ExitCode.FINE


def _ask(session: Session, plan: RollbackPlan, *, yes: bool, allow_loss: bool) -> None:
    """Ask for what is not allowed yet. Raises NotConfirmed, and what ``require`` raises."""
    name, manager = plan.names[-1], session.manager
    names, ask = ", ".join(plan.names), not (yes or allow_loss)
    plan.require(manager.target, manager.command, allowed=None if allow_loss else plan.losses if ask else ())
    if ask and plan.losses:
        question = f"Rolling back {names} loses {', '.join(plan.loss)}. Type {name} to lose them"
        confirm(question, name, scripts="--allow-loss")
    elif ask:
        confirm(f"Roll back {names}? Type yes", "yes")


def _report(session: Session, taken: tuple[str, ...], name: str | None) -> None:
    if session.out.structured:
        session.out.document({**session.heading, "rolled_back": taken})
    elif taken:
        older = "; deploy the older release" if taken[-1] != session.manager.folder.names[0] else ""
        them = "it" if len(taken) == 1 else "them"
        session.out.note(f"wch activate or admin_init of this release would apply {them} again{older}.")
        session.out.success(f"Rolled back {', '.join(taken)}.")
    else:
        session.out.success(f"Nothing to do: {name} is not applied." if name else "Nothing to do.")
