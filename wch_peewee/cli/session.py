"""The session of a command: its settings, manager and output; and the loop over the sites of a network."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click
import peewee as pw

from ..database.connect import connected, describe, open_database
from ..database.failures import database_error
from ..database.query import failure_of
from ..database.url import Target, parse_url
from ..errors import ConfigurationError, SchemaConflict, SchemaTooNew
from ..execution.online import find_copier
from ..execution.replicas import ReplicaRule
from ..install.access import ModelAccess
from ..install.manager import DatabaseManager
from ..install.network import Network, NetworkReport, OnSite, SiteResult
from ..install.plugin import Plugin
from ..migrate.folder import MigrationFolder
from ..migrate.project import Project, current_folder, find_project
from ..models.namespace import WCH
from ..models.site import SiteModels
from ..schema.statements import Copier, CopyRule, Statement
from ..settings import Settings
from ..wordpress.multisite import prefix_list, site_at
from ..wordpress.object_cache import object_cache_advice
from .options import Choices, ExitCode
from .output import Display, Output, confirm

R = TypeVar("R")

_NOT_TRIED = "not tried, for the same reason"


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a command on a database."""

    choices: Choices
    settings: Settings
    manager: DatabaseManager
    project: Project
    out: Output

    @property
    def heading(self) -> dict[str, Any]:
        """The first members of every JSON document."""
        return {"target": self.manager.target, "prefix": self.manager.prefix}

    @contextmanager
    def working(self, text: str) -> Iterator[Display]:
        """Show the current step or statement, and the progress of long work on rows, for the duration of the block.

        If an option was written, advice for clearing the site's persistent object cache follows.
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
                manager.on_option_written = lambda name, value, prefix: written.add(prefix)
                yield display
        finally:
            manager.before_statement = manager.on_progress = manager.on_option_written = None
            self._advise_on_cache(written)

    def _copier(self, display: Display) -> Copier:
        def show(table: str, percent: object) -> None:
            display.say(f"{self.choices.online}: {table}, {percent} %")

        return find_copier(self.manager.database, show)

    def _advise_on_cache(self, prefixes: set[str]) -> None:
        site = self.settings.site
        if site is None or not prefixes:
            return
        advice = object_cache_advice(
            site.path, content=site.content, option=self.project.namespace.version_option, url=self.choices.url
        )
        self.out.notes(advice)
        if advice and len(prefixes) > 1:
            self.out.note(f"Do this for each of the {len(prefixes)} sites, with wp-cli's --url.")


def open_session(choices: Choices, *, writes: bool = False) -> Session:
    """Gather the settings and print the site and the database on stderr. Connects only to find the site of ``--url``.

    A command that ``writes`` does not begin with doubtful settings. Raises ConfigurationError.
    """
    out = Output(choices)
    project = find_project(choices.models, choices.migrations, out.note)
    settings = Settings.gather(
        database=choices.database,
        prefix=choices.prefix,
        wordpress=choices.wordpress,
        php=choices.php,
        around=current_folder(),
        removal=project.namespace.remove_data,
    )
    if writes:
        settings.check_for_writing()
    manager = DatabaseManager(
        open_database(settings.target),
        prefix=settings.prefix,
        remove_data=settings.remove_data,
        patience=choices.timeout,
        lock_wait=choices.lock_wait,
        copies=CopyRule(choices.copy_rows, choices.copy_bytes, choices.allow_copy),
        replicas=_replicas(choices),
        ignore=choices.ignore or settings.ignore,
        models=project.models,
        migrations=project.path,
    )
    if project.path is not None:
        _ = manager.version  # whatever the command is: a folder of nothing, or of another's migrations, is an error
    manager.repeated = project.options
    manager.needs_site = settings.needs_site
    if choices.url is not None:
        network = Network(manager)
        manager = network.at(site_at(network.sites(), choices.url).prefix)
    if choices.online is not None:
        _use_copier(manager, find_copier(manager.database))
    if settings.unclear:
        out.note(f"Warning: {settings.unclear}")
    if settings.site is not None:
        out.note(f"WordPress: {settings.site}")
        if settings.site.own_database_layer:
            out.note("wp-content/db.php exists: WordPress may use another database than wp-config.php says.")
    out.note(f"Database: {manager.target} ({f'prefix {manager.prefix}' if manager.prefix else 'no prefix'})")
    if (served := settings.served_by) is not None and Path(settings.target.path).exists():
        out.note(f"Warning: this file is in {served}, from where a web server may serve it to everyone.")
    return Session(choices, settings, manager, project, out)


@contextmanager
def site_models(session: Session) -> Iterator[SiteModels]:
    """Give the site's six models for the block.

    Raises ConfigurationError for models of another namespace, SchemaConflict without their tables, and SchemaTooNew
    where they cannot work with newer ones.
    """
    manager = session.manager
    if (namespace := session.project.namespace) != WCH:
        raise ConfigurationError(
            f"This command works on the six tables of {WCH.name}; the models are of {namespace.name}."
        )
    status = manager.status()
    if status.missing_tables:
        missing = ", ".join(status.missing_tables)
        raise SchemaConflict(f"Missing tables: {missing}. Run {manager.command('activate')} first.")
    if not all(model.readable and model.writable for model in status.models):
        raise SchemaTooNew(f"{sentence(status.reason)}; {manager.command('check')} shows what the models can do there.")
    with connected(manager.database) as database:
        try:
            yield Plugin(database, prefix=manager.prefix).models
        except pw.PeeweeException as error:
            raise database_error(describe(database), failure_of(database, error), error) from error


def check_target(session: Session, *, name: str | None = None, version: str | None = None) -> None:
    """Raise UsageError if there is no such migration, or none that ends at that version."""
    try:
        session.manager.folder.require(name)
        if version is not None:
            session.manager.folder.newest_of(version)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error


def show_newer(session: Session, reason: str, models: Iterable[ModelAccess]) -> None:
    """Print who has made the database newer, and what the models can do with it."""
    session.out.listing([asdict(model) for model in models], ("model", "readable", "writable", "reasons"))
    session.out.line(f"{sentence(reason)}; wch activate changes nothing.")


def sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}"


def confirm_neighbours(session: Session, *, yes: bool) -> None:
    """Ask before a first installation beside the tables of other prefixes, where this one may be misspelt.

    Raises what ``confirm`` raises.
    """
    manager = session.manager
    if not yes and not manager.needs_site and (others := manager.neighbours()):
        missing = f"with the prefix {manager.prefix}" if manager.prefix else "without a prefix"
        there = prefix_list(others, manager.prefix)
        confirm(f"There are no tables {missing}; existing tables have {there}. Create new ones? Type yes", "yes")


def _use_copier(manager: DatabaseManager, copier: Copier) -> None:
    manager.options = replace(manager.options, copies=replace(manager.options.copies, copier=copier))


def _replicas(choices: Choices) -> ReplicaRule | None:
    try:
        databases = [open_database(parse_url(url)) for url in choices.replica]
    except ConfigurationError as error:
        raise ConfigurationError(f"--replica: {error}") from error
    if any(not isinstance(database, pw.MySQLDatabase) for database in databases):
        raise ConfigurationError("--replica requires a MySQL or MariaDB URL; SQLite has no replicas.")
    return ReplicaRule(databases, choices.max_lag, choices.timeout) if databases else None


@dataclass(frozen=True, slots=True)
class AuthorSession:
    """One run of a command for authors; on the server of ``target`` it may create scratch databases."""

    folder: MigrationFolder
    project: Project
    target: Target
    out: Output


def open_author_session(choices: Choices, *, writes: bool) -> AuthorSession:
    """Return the folder of the migrations and the server, without connecting. Raises ConfigurationError.

    One that ``writes`` may name a folder that is still to be made.
    """
    out = Output(choices)
    project = find_project(choices.models, choices.migrations, out.note, author=True)
    migrations = project.folder
    path = migrations.path
    if project.path is None and path.parent not in (here := current_folder() or path, *here.parents):
        out.note(f"Migrations: {path}")
    if project.path is None and writes and path.parent == Path(__file__).resolve().parents[1]:
        raise ConfigurationError(
            f"Cannot write into the migrations of an installed package ({path}); use --migrations "
            "FOLDER, or install a checkout with pip install -e ."
        )
    settings = Settings.gather(
        database=choices.database,
        prefix=choices.prefix,
        wordpress=choices.wordpress,
        php=choices.php,
        around=None,
    )
    if settings.unclear:
        out.note(f"Warning: {settings.unclear}")
    if writes and not path.exists():
        migrations = replace(migrations, known=())
    return AuthorSession(migrations, project, settings.target, out)


def for_every_site(
    session: Session,
    doing: str,
    work: Callable[[Network, OnSite], NetworkReport[R]],
    describe: Callable[[R], tuple[str, int]],
) -> int:
    """Do ``work`` for every site of the network and print a line for each; return the gravest exit code.

    ``describe`` returns a few words on one site's report, and its exit code.
    """
    with session.working(doing) as display:
        report = work(Network(session.manager), display.event)
    rows = [_row(result, describe) for result in report.results]
    codes = [code for *_, code in rows]
    code = _gravest([*codes, ExitCode.FAILED] if report.skipped else codes)
    differ = sum(1 for each in codes if each in (ExitCode.DRIFT, ExitCode.TOO_NEW))
    failed = len(codes) - differ - codes.count(ExitCode.FINE)
    if session.out.structured:
        lines = [_flat(result) for result in report.results]
        lines += [{"blog_id": site.blog_id, "prefix": site.prefix, "error": _NOT_TRIED} for site in report.skipped]
        session.out.document({**session.heading, **report.to_dict()}, lines)
    else:
        session.out.table(("site", "prefix", "result"), [(site, prefix, words) for site, prefix, words, _ in rows])
        skipped = f", {len(report.skipped)} {_NOT_TRIED}" if report.skipped else ""
        differing = f", {differ} not up to date" if differ else ""
        summary = f"{len(rows)} sites, {failed} failed{differing}{skipped}."
        (session.out.line if code else session.out.success)(summary)
    return code


def _row(result: SiteResult[R], describe: Callable[[R], tuple[str, int]]) -> tuple[str, str, str, int]:
    site = (str(result.site.blog_id), result.site.prefix)
    if result.report is None:
        code = getattr(result.error, "exit_code", ExitCode.FAILED)
        return (*site, f"Error: {' '.join(str(result.error).splitlines())}", code)
    return (*site, *describe(result.report))


def _flat(result: SiteResult[R]) -> dict[str, Any]:
    document = result.to_dict()
    report, error = document.pop("report") or {}, document.pop("error")
    return {**document, **report, "error": error["message"] if error else None}


def _gravest(codes: Iterable[int]) -> int:
    """Return the code that outweighs the others: a failure, a newer database, a lock, a difference, in this order."""
    lesser: tuple[int, ...] = (ExitCode.FINE, ExitCode.DRIFT, ExitCode.BUSY, ExitCode.TOO_NEW)
    return max(codes, key=lambda code: lesser.index(code) if code in lesser else 100 + code, default=ExitCode.FINE)
