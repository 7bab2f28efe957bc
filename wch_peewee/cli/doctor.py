"""``wch doctor``: check whether the server, the account and the site are fit for an installation."""

from dataclasses import asdict

from ..install.doctor import Diagnosis, diagnose, object_cache
from .options import LISTS, Choices, ExitCode, subcommand, timeout_option
from .session import Session, open_session


@subcommand("doctor", formats=LISTS)
@timeout_option
def command(choices: Choices) -> int:
    """Check the server, the account and the site. Reads only.

    Checks connection, version, privileges (with the GRANT for an administrator), collation, engine, strict mode
    and session settings; for SQLite the file and foreign keys; and the object cache of the WordPress site.
    wch check compares the tables themselves.
    Exit code 2 if a check fails, otherwise 0, also with warnings.

    \b
      wch doctor --database mysql://wordpress:secret@localhost/wordpress
    """
    session = open_session(choices)
    with session.out.working("asking the server"):
        findings = diagnose(session.manager) + object_cache(session.settings.site)
    failed = any(finding.state == "fail" for finding in findings)
    if session.out.structured:
        found = [asdict(finding) for finding in findings]
        document = {**session.heading, "ok": not failed, "findings": found}
        session.out.document(document, found, ("name", "state", "found", "advice"))
    else:
        _print(findings, session)
    return ExitCode.FAILED if failed else ExitCode.FINE


def _print(findings: tuple[Diagnosis, ...], session: Session) -> None:
    rows: list[tuple[str, str, str]] = []
    for finding in findings:
        rows.append((finding.state, finding.name, finding.found))
        if finding.advice:
            rows.append(("", "", f"-> {finding.advice}"))
    session.out.table(("", "", ""), rows)
