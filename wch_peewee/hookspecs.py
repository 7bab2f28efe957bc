"""The hooks for hosts built on pluggy: ``pluggy.PluginManager("wch").add_hookspecs(wch_peewee.hookspecs)``."""

from collections.abc import Callable
from typing import Any, TypeVar

PROJECT = "wch"

F = TypeVar("F", bound=Callable[..., Any])

_IMPLEMENTATION = {
    "wrapper": False,
    "hookwrapper": False,
    "optionalhook": False,
    "tryfirst": False,
    "trylast": False,
    "specname": None,
}
_SPECIFICATION = {"firstresult": False, "historic": False, "warn_on_impl": None, "warn_on_impl_args": None}


def hookimpl(function: F) -> F:
    """Mark ``function`` as the implementation of the hook with its name.

    pluggy itself is not needed: its markers only set an attribute named after the project, as this one does.
    """
    setattr(function, f"{PROJECT}_impl", dict(_IMPLEMENTATION))
    return function


def hookspec(function: F) -> F:
    """Mark ``function`` as the specification of a hook."""
    setattr(function, f"{PROJECT}_spec", dict(_SPECIFICATION))
    return function


@hookspec
def activate() -> None:
    """Install or upgrade the tables."""


@hookspec
def deactivate() -> None:
    """Keep everything: deactivating a plugin removes nothing."""


@hookspec
def admin_init() -> None:
    """Upgrade if the version does not match; cheap if it does."""


@hookspec
def site_created(blog_id: int) -> None:
    """Install the tables of a new site of a network."""


@hookspec
def site_deleted(blog_id: int) -> None:
    """Remove a deleted site's tables if WCH_REMOVE_DATA is true."""


@hookspec
def uninstall() -> None:
    """Remove the tables if WCH_REMOVE_DATA is true."""
