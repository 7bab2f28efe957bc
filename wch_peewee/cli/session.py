"""What a command works with: the settings, the manager and the output.

session = open_session(choices)
report = session.manager.status()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import peewee as pw

from ..database.connect import open_database
from ..database.url import parse_url
from ..errors import ConfigurationError
from ..execution.online import find_copier
from ..execution.replicas import ReplicaRule
from ..install.manager import DatabaseManager
from ..install.network import Network
from ..models.site import current_prefix
from ..schema._part_statements_copies import Copier, CopyRule
from ..schema.statements import Statement
from ..settings import Settings
from ..wordpress.multisite import find_site
from ..wordpress.object_cache import object_cache_advice
from ._part_output_progress import Display
from .options import Choices
from .output import Output


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
                    manager.copies = replace(manager.copies, copier=self._copier(display))
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
        manager.copies = replace(manager.copies, copier=find_copier(choices.online, manager.database))
    out = Output(choices)
    if settings.site is not None:
        out.note(f"WordPress: {settings.site}")
        if settings.site.own_database_layer:
            out.note("wp-content/db.php is there: WordPress may connect elsewhere than wp-config.php says.")
    out.note(f"Database: {manager.target} ({f'prefix {manager.prefix}' if manager.prefix else 'no prefix'})")
    return Session(choices, settings, manager, out)
