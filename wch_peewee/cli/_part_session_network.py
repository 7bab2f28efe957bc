"""``--network``: a command for every site of a WordPress network, past one that fails, with a list at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..errors import Busy
from ..install.network import Network, NetworkReport, OnSite, SiteResult
from . import codes
from .session import Session

R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


def network_option(function: F) -> F:
    """Add ``--network``, which the function takes as ``network``."""
    return click.option("--network", is_flag=True, help="Do it for every site of the WordPress network.")(function)


def for_every_site(
    session: Session,
    doing: str,
    work: Callable[[Network, OnSite], NetworkReport[R]],
    describe: Callable[[R], tuple[str, int]],
) -> int:
    """Do ``work`` for every site and print a line for each; return the gravest exit code.

    ``describe`` says of one site's report in a few words how it stands, and with which exit code.
    """
    with session.working(doing) as display:
        report = work(Network(session.manager), display.event)
    rows = [_row(result, describe) for result in report.results]
    failed = sum(1 for *_, code in rows if code not in (codes.FINE, codes.DRIFT))
    if session.out.structured:
        session.out.document({**session.heading, **report.to_dict()}, [_flat(result) for result in report.results])
    else:
        session.out.table(("site", "prefix", "result"), [(site, prefix, words) for site, prefix, words, _ in rows])
        skipped = f", {len(report.skipped)} not tried: the server is gone" if report.skipped else ""
        summary = f"{len(rows)} sites, {failed} failed{skipped}."
        (session.out.line if failed or skipped else session.out.success)(summary)
    return max((*(_gravity(code) for *_, code in rows), _gravity(codes.FAILED) if report.skipped else (0, 0)))[1]


def _row(result: SiteResult[R], describe: Callable[[R], tuple[str, int]]) -> tuple[str, str, str, int]:
    site = (str(result.site.blog_id), result.site.prefix)
    if result.report is None:
        code = codes.BUSY if isinstance(result.error, Busy) else getattr(result.error, "exit_code", codes.FAILED)
        return (*site, f"Error: {' '.join(str(result.error).splitlines())}", code)
    return (*site, *describe(result.report))


def _flat(result: SiteResult[R]) -> dict[str, Any]:
    document = result.to_dict()
    report, error = document.pop("report") or {}, document.pop("error")
    return {**document, **report, "error": error["message"] if error else None}


def _gravity(code: int) -> tuple[int, int]:
    """A failure outweighs a newer database, that one a lock, and that one a difference."""
    order = (codes.FINE, codes.DRIFT, codes.BUSY, codes.TOO_NEW)
    return (order.index(code) if code in order else len(order), code)
