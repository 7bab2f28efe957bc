"""``wch check``: whether activate would find anything to do, down to the last column."""

from __future__ import annotations

from dataclasses import asdict

import click

from ..install.drift import differences
from ..install.network import Network
from ..install.reports import InstallPlan
from . import codes
from ._part_check_differences import advice, print_differences
from ._part_check_lint import check_folder, lint_options
from ._part_session_network import for_every_site, network_option
from .options import Choices, shared_options
from .session import open_session


@click.command("check")
@shared_options()
@network_option
@lint_options
@click.option(
    "--models",
    is_flag=False,
    flag_value="",
    metavar="[MODULE[:NAME]]",
    help="Compare the models with the migrations instead, for CI; without a name the shipped models.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show the statements, too.")
@click.pass_obj
def command(
    choices: Choices, network: bool, models: str | None, migrations: str | None, record: bool, verbose: bool
) -> int:
    """Compare the live tables with what they should be. Reads only.

    Tells what is pending, because a migration has not run yet, from drift, which somebody has made: for
    each difference whether wch repair mends it, or why not. Any of these gives exit code 1. What is not
    ours is listed too and gives 0. A newer database gives 4, and nothing is compared.

    With --migrations it reads the files of the migrations, each finding one line with its file, line and rule,
    and what to do; exit code 1 when there is one. --record then notes the files as shipped: from then on a
    change to one is a finding, too.

    With --models no live table is looked at: the migrations are replayed on a scratch SQLite database in
    memory and, where a server is configured, on a scratch database there, and compared with the models.

    \b
      wch check --migrations && git commit
      wch check --quiet || echo "somebody changed the tables"
      wch check --models || echo "a migration is missing: wch new NAME"
    """
    if record and (migrations is None or models is not None):
        raise click.UsageError("--record goes with --migrations alone.")
    if network and (models is not None or migrations is not None):
        raise click.UsageError("--models and --migrations look at no site; leave --network away.")
    if models is not None:
        from ._part_check_check_models import check_models

        return check_models(choices, models or None, migrations or None)
    if migrations is not None:
        return check_folder(choices, migrations, record)
    session = open_session(choices)
    if network:
        return for_every_site(session, "comparing the sites", Network.plan, _site)
    found = session.manager.plan()
    newer = found.is_newer
    clean = _is_clean(found)
    sorted_ = differences(found, session.manager.prefix)
    if session.out.structured:
        session.out.document(
            {
                **session.heading,
                "version": found.version,
                "code_version": found.code_version,
                "is_newer": newer,
                "pending": found.pending,
                "differences": [difference.to_dict() for difference in sorted_],
                "changes": found.plan.describe(),
                "refusals": [asdict(refusal) for refusal in found.plan.refusals],
                "extras": found.plan.extras,
                "is_clean": clean,
            }
        )
    elif newer:
        session.out.line(f"The database is at version {found.version} and this wch at {found.code_version}.")
    else:
        print_differences(sorted_, session.out, verbose=verbose)
        session.out.lines(f"Left alone: {extra}" for extra in found.plan.extras)
        session.out.line("Everything is as it should be." if clean else advice(sorted_))
    return _code(found)


def _is_clean(found: InstallPlan) -> bool:
    return found.is_empty and not found.plan.refusals and not found.is_newer


def _code(found: InstallPlan) -> int:
    if found.is_newer:
        return codes.TOO_NEW
    return codes.FINE if _is_clean(found) else codes.DRIFT


def _site(found: InstallPlan) -> tuple[str, int]:
    if _is_clean(found):
        return "as it should be", codes.FINE
    if found.is_newer:
        return f"newer: version {found.version}", codes.TOO_NEW
    pending = [f"pending {name}" for name in found.pending]
    version = [] if found.is_stamped else [f"version {found.version or 'none'}"]
    refused = [f"refused: {refusal}" for refusal in found.plan.refusals]
    drift = [f"drift: {line}" for line in found.plan.describe()]
    return "; ".join([*pending, *version, *drift, *refused]), codes.DRIFT
