"""The plugin's lifecycle, as a host calls it: activate, deactivate, admin_init, uninstall.

    plugin = Plugin("sqlite:///wch.db")
    plugin.activate()

A Plugin holds its own state; two of them in one process, for two databases or prefixes, do not see each
other. It can be registered with a ``pluggy.PluginManager("wch")``; pluggy itself is not needed here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import peewee as pw

from .database import LOCK_WAIT, open_database
from .errors import Busy, WchError
from .hookspecs import hookimpl
from .manager import DatabaseManager
from .models import MODELS, BaseModel
from .reports import InstallReport, UninstallReport
from .settings import Leave, Settings
from .site import Site, set_default_site, use_site
from .version_reader import VersionReader
from .workspace import PATIENCE


class Plugin:
    """One installation's lifecycle.

    ``verify_every`` is how often, in seconds, ``admin_init`` also looks whether the tables are there;
    ``retry_after`` is how long it leaves a failed upgrade alone. ``clock`` gives seconds that never go
    back. The rest is DatabaseManager's.
    """

    def __init__(
        self,
        database: str | pw.Database,
        *,
        prefix: str | None = None,
        remove_data: Leave = None,
        patience: float = PATIENCE,
        lock_wait: int = LOCK_WAIT,
        verify_every: float = 600.0,
        retry_after: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        migrations: Path | str | None = None,
        models: Sequence[type[BaseModel]] = MODELS,
    ) -> None:
        self.manager = DatabaseManager(
            database,
            prefix=prefix,
            remove_data=remove_data,
            patience=patience,
            lock_wait=lock_wait,
            migrations=migrations,
            models=models,
        )
        self.verify_every = verify_every
        self.retry_after = retry_after
        self._clock = clock
        self._versions = VersionReader(self.manager.database, self.manager.prefix)
        self._guard = threading.Lock()
        self._verified_at: float | None = None
        self._failed_at: float | None = None
        self._failure = ""

    @classmethod
    def from_wordpress(
        cls,
        path: Path | str,
        *,
        database: str | None = None,
        prefix: str | None = None,
        remove_data: bool | None = None,
        **options: Any,
    ) -> Plugin:
        """Make the plugin of a WordPress site: its folder, or its wp-config.php, says the rest. No PHP is run.

        What is given here wins over the environment, and that over wp-config.php. The other options are
        Plugin's. Raises ConfigurationError where there is no site, or where the file leaves something unknown that
        nobody has set; reading it needs ``pip install 'wch-peewee[wordpress]'``.
        """
        settings = Settings.gather(database=database, prefix=prefix, wordpress=path)
        leave = settings.remove_data if remove_data is None else remove_data
        return cls(open_database(settings.target), prefix=settings.prefix, remove_data=leave, **options)

    def __repr__(self) -> str:
        return f"Plugin({self.manager.target!r}, prefix={self.manager.prefix!r})"

    @property
    def database(self) -> pw.Database:
        """The application's database, for the models."""
        return self.manager.database

    @property
    def prefix(self) -> str:
        return self.manager.prefix

    def site(self) -> AbstractContextManager[Site]:
        """Let the models work on this installation for a ``with`` block, in this thread or task alone."""
        return use_site(self.database, self.prefix)

    def bind(self) -> None:
        """Let the models work on this installation wherever no ``site()`` block says otherwise."""
        set_default_site(self.database, self.prefix)

    @hookimpl
    def activate(self) -> InstallReport:
        """Install or upgrade, verify the real schema whatever the version says, and stamp the version last.

        Raises what DatabaseManager.install raises.
        """
        report = self.manager.install()
        self._settle()
        return report

    @hookimpl
    def deactivate(self) -> None:
        """Keep everything: deactivating a plugin never removes data."""

    @hookimpl
    def admin_init(self) -> InstallReport:
        """Upgrade on a version mismatch; one SELECT and nothing else when the version is current.

        The first call, and one every ``verify_every`` seconds, also looks whether the tables are there.
        A failed upgrade raises; calls within ``retry_after`` seconds report ``deferred`` instead of trying again.
        """
        stored = self._versions.read()
        if self.manager.is_newer(stored):
            return self.manager.install()
        if stored == self.manager.version and self._is_whole():
            return InstallReport("current", stored, stored)
        if self._failed_at is not None and self._clock() - self._failed_at < self.retry_after:
            reason = f"an upgrade failed less than {self.retry_after:g} seconds ago: {self._failure}"
            return InstallReport("deferred", stored, stored, reason=reason)
        try:
            report = self.manager.install()
        except Busy:
            raise  # somebody else is at it; that is no failure of ours
        except (WchError, pw.PeeweeException) as error:
            with self._guard:
                self._failed_at, self._failure = self._clock(), str(error).splitlines()[0]
            raise
        self._settle()
        return report

    @hookimpl
    def uninstall(self) -> UninstallReport:
        """Remove everything of this installation, only when WCH_REMOVE_DATA is true; otherwise change nothing."""
        report = self.manager.uninstall()
        with self._guard:
            self._verified_at = None
        return report

    def _is_whole(self) -> bool:
        """Say whether the tables are there, when it is time to look; taken for granted in between."""
        if not self._verification_due():
            return True
        whole = False
        try:
            whole = not self.manager.missing_tables()
            return whole
        finally:
            if not whole:
                # Nothing has been verified: the next call looks again, until a repair succeeds.
                with self._guard:
                    self._verified_at = None

    def _verification_due(self) -> bool:
        """Say whether it is time, and let one thread alone have the turn."""
        with self._guard:
            now = self._clock()
            if self._verified_at is not None and now - self._verified_at < self.verify_every:
                return False
            self._verified_at = now
            return True

    def _settle(self) -> None:
        with self._guard:
            self._verified_at, self._failed_at, self._failure = self._clock(), None, ""
