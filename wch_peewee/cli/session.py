"""What a command works with: the settings, the manager and the output.

session = open_session(choices)
report = session.manager.status()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click
import peewee as pw

from ..database.connect import open_database
from ..database.url import Target, parse_url
from ..errors import Busy, ConfigurationError
from ..execution.online import find_copier
from ..execution.replicas import ReplicaRule
from ..install.manager import DatabaseManager
from ..install.network import Network, NetworkReport, OnSite, SiteResult
from ..migrate.folder import MigrationFolder, migrations_folder
from ..models.site import current_prefix
from ..schema.statements import Copier, CopyRule, Statement
from ..settings import Settings
from ..wordpress.multisite import find_site
from ..wordpress.object_cache import object_cache_advice
from . import codes
from .options import Choices
from .output import Display, Output


@dataclass(frozen=True, slots=True)
class Session:
    choices: Choices
    settings: Settings
    manager: DatabaseManager
    out: Output

    @property
    def heading(self) -> dict[str, Any]:
        """What every JSON document begins with."""
        return {"target": self.manager.target, "prefix": self.manager.prefix}

    @contextmanager
    def working(self, text: str) -> Iterator[Display]:
        """Show which step and which statement is being run, and how far long work on rows has come.

        Afterwards it says what to do about the site's object cache, when an option was written that it may hold.
        """
        manager = self.manager
        written: set[str] = set()
        try:
            with self.out.working(text) as display:

                def before(statement: Statement) -> None:
                    display.say(statement.sql.partition("\n")[0])

                manager.before_statement, manager.on_progress = before, display.event
                if self.choices.online is not None:
                    _use_copier(manager, self._copier(display))
                manager.on_option_written = lambda name, value: written.add(current_prefix())
                yield display
        finally:
            manager.before_statement = manager.on_progress = manager.on_option_written = None
            self._mind_the_cache(written)

    def _copier(self, display: Display) -> Copier:
        tool = str(self.choices.online)
        return find_copier(
            tool, self.manager.database, lambda table, percent: display.say(f"{tool}: {table}, {percent} %")
        )

    def _mind_the_cache(self, written: set[str]) -> None:
        site = self.settings.site
        if site is None or not written:
            return
        advice = object_cache_advice(site.path, content=site.content, url=self.choices.url)
        for line in advice:
            self.out.note(line)
        if advice and len(written) > 1:
            self.out.note(f"Each of the {len(written)} sites needs this; wp-cli takes a site's address as --url.")


def _use_copier(manager: DatabaseManager, copier: Copier) -> None:
    manager.options = replace(manager.options, copies=replace(manager.options.copies, copier=copier))


def _here() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # the folder is gone, or not for us to see
        return None


def _replicas(choices: Choices) -> ReplicaRule | None:
    databases = [open_database(parse_url(url)) for url in choices.replica]
    if any(not isinstance(database, pw.MySQLDatabase) for database in databases):
        raise ConfigurationError("A --replica is a MySQL or MariaDB server; SQLite has none.")
    return ReplicaRule(databases, choices.max_lag, choices.timeout) if databases else None


def open_session(choices: Choices) -> Session:
    """Gather the settings and name the site and the target on stderr; nothing is connected, unless to find ``--url``.

    Raises ConfigurationError.
    """
    settings = Settings.gather(
        database=choices.database, prefix=choices.prefix, wordpress=choices.wordpress, around=_here()
    )
    manager = DatabaseManager(
        open_database(settings.target),
        prefix=settings.prefix,
        remove_data=settings.remove_data,
        patience=choices.timeout,
        lock_wait=choices.lock_wait,
        copies=CopyRule(choices.copy_rows, choices.copy_bytes, choices.allow_copy),
        replicas=_replicas(choices),
    )
    if choices.url is not None:
        manager = manager.at(find_site(Network(manager).sites(), choices.url).prefix)
    if choices.online is not None:
        _use_copier(manager, find_copier(choices.online, manager.database))
    out = Output(choices)
    if settings.site is not None:
        out.note(f"WordPress: {settings.site}")
        if settings.site.own_database_layer:
            out.note("wp-content/db.php is there: WordPress may connect elsewhere than wp-config.php says.")
    out.note(f"Database: {manager.target} ({f'prefix {manager.prefix}' if manager.prefix else 'no prefix'})")
    return Session(choices, settings, manager, out)


F = TypeVar("F", bound=Callable[..., Any])


def folder_option(function: F) -> F:
    """Add ``--migrations``, which the function takes as ``folder``."""
    return click.option(
        "--migrations", "folder", metavar="FOLDER", help="The folder of the migrations  [the checkout's]"
    )(function)


@dataclass(frozen=True, slots=True)
class AuthorSession:
    """``target`` is where a scratch database may be made; a SQLite file there is none of."""

    folder: MigrationFolder
    target: Target
    out: Output

    def say(self, notes: Iterable[str]) -> None:
        for note in notes:
            self.out.note(note)


def open_author_session(choices: Choices, *, folder: str | None, writes: bool) -> AuthorSession:
    """Find the folder and the server; nothing is connected. Raises ConfigurationError."""
    path = migrations_folder() if folder is None else Path(folder)
    if folder is None and writes and path.parent.name == "wch_peewee":
        raise ConfigurationError(
            f"The migrations are those of an installed package ({path}), where nothing is written; say --migrations "
            "FOLDER, or install a checkout with pip install -e ."
        )
    settings = Settings.gather(
        database=choices.database, prefix=choices.prefix, wordpress=choices.wordpress, around=None
    )
    return AuthorSession(MigrationFolder(path), settings.target, Output(choices))


R = TypeVar("R")


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
