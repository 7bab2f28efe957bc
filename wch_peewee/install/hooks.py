"""The installation that the environment names, as pluggy hooks; the entry point group ``wch`` loads this module."""

from ..hookspecs import hookimpl
from ..settings import Settings
from .plugin import Plugin
from .reports import InstallReport, UninstallReport

_plugins: dict[Settings, Plugin] = {}


def _plugin() -> Plugin:
    """Return one Plugin for each setting of the environment, so that admin_init keeps its memory between calls."""
    settings = Settings.gather()
    if settings.unclear or settings not in _plugins:
        settings.check_for_writing()
        _plugins[settings] = Plugin.from_settings(settings, remove_data=settings.remove_data)
    return _plugins[settings]


@hookimpl
def activate() -> InstallReport:
    return _plugin().activate()


@hookimpl
def deactivate() -> None:
    _plugin().deactivate()


@hookimpl
def admin_init() -> InstallReport:
    return _plugin().admin_init()


@hookimpl
def uninstall() -> UninstallReport:
    return _plugin().uninstall()


@hookimpl
def site_created(blog_id: int) -> InstallReport:
    return _plugin().site_created(blog_id)


@hookimpl
def site_deleted(blog_id: int) -> UninstallReport:
    return _plugin().site_deleted(blog_id)
