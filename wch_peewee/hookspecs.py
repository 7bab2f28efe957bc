"""Hook markers for hosts built on pluggy, without needing pluggy.

A host adds this module as its specification and registers a Plugin:

    manager = pluggy.PluginManager("wch")
    manager.add_hookspecs(wch_peewee.hookspecs)
    manager.register(Plugin("sqlite:///wch.db"))
    manager.hook.activate()

pluggy's markers do nothing but set an attribute named after the project, which is done here by hand.
"""

from __future__ import annotations

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
    """Mark ``function`` as an implementation of the hook of its name."""
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
    """Stop; nothing is removed."""


@hookspec
def admin_init() -> None:
    """Upgrade when the version does not match; cheap when it does."""


@hookspec
def site_created(blog_id: int) -> None:
    """Install a new site of a network."""


@hookspec
def site_deleted(blog_id: int) -> None:
    """Remove a deleted site's tables when WCH_REMOVE_DATA is true."""


@hookspec
def uninstall() -> None:
    """Remove the tables when WCH_REMOVE_DATA is true."""
