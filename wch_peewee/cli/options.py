"""The options that every command takes, before the command's name or behind it; the later one wins.

@click.command()
@shared_options()
@click.pass_obj
def status(choices: Choices) -> int: ...
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from ..database.connect import LOCK_WAIT, PATIENCE
from ..execution.online import TOOLS
from ..schema.statements import COPY_RULE

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("table", "json", "csv", "yaml")


@dataclass(slots=True)
class Choices:
    """What the command line says; None is what it leaves to the environment."""

    database: str | None = None
    wordpress: str | None = None
    prefix: str | None = None
    url: str | None = None
    format: str | None = None
    quiet: bool = False
    debug: bool = False
    timeout: float = PATIENCE
    lock_wait: int = LOCK_WAIT
    allow_copy: bool = False
    copy_rows: int = COPY_RULE.rows
    copy_bytes: int = COPY_RULE.bytes
    online: str | None = None
    replica: tuple[str, ...] = ()
    max_lag: int = 10


def shared_options(formats: Sequence[str] = FORMATS) -> Callable[[F], F]:
    """Add the shared options to a command; their values go into ``Choices`` and not to the function."""
    options = (
        _option(
            "--database",
            metavar="URL",
            help="Where the tables are  [WCH_DATABASE_URL, else the site's, else sqlite:///wch.db]",
        ),
        _option(
            "--wordpress",
            "--path",
            metavar="PATH",
            help="The WordPress site whose wp-config.php says the rest  [WCH_WORDPRESS, else the one around]",
        ),
        _option(
            "--prefix", metavar="TEXT", help="The site's table prefix  [WCH_TABLE_PREFIX, else the site's, else wp_]"
        ),
        _option(
            "--url", metavar="URL", help="The site of a WordPress network at this address, instead of its main site"
        ),
        _option("--format", type=click.Choice(formats), help=f"How to print the result  [{formats[0]}]"),
        _option("--quiet", "-q", is_flag=True, help="Print nothing on stderr but errors."),
        _option("--debug", is_flag=True, help="Show the traceback of an unexpected error  [WCH_DEBUG=1]"),
    )

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def wait_options(function: F) -> F:
    """Add what a command that writes has to say about waiting; the values go into ``Choices``."""
    timeout = _option(
        "--timeout",
        type=_Seconds(),
        metavar="SECONDS",
        help=f"How long to wait for another run, or for somebody's open transaction  [{PATIENCE:g}]",
    )
    lock_wait = _option(
        "--lock-wait",
        type=click.IntRange(1, 3600),
        metavar="SECONDS",
        help=f"How long one try of a statement may wait for a lock, and others behind it  [{LOCK_WAIT}]",
    )
    return timeout(lock_wait(function))


def copy_options(function: F) -> F:
    """Add what a command that changes tables has to say about copying them; the values go into ``Choices``."""
    options = (
        _option("--allow-copy", is_flag=True, help="Let the server copy tables of any size while writers wait."),
        _option(
            "--copy-rows",
            type=click.IntRange(0),
            metavar="N",
            help=f"Up to how many rows a table is copied without leave  [{COPY_RULE.rows}]",
        ),
        _option(
            "--copy-bytes",
            type=click.IntRange(0),
            metavar="N",
            help=f"Up to how many bytes a table is copied without leave  [{COPY_RULE.bytes}]",
        ),
        _option(
            "--online", type=click.Choice(tuple(TOOLS)), help="A tool that copies larger tables beside their users."
        ),
        _option("--replica", multiple=True, metavar="URL", help="A replica to wait for; may be given more than once."),
        _option(
            "--max-lag",
            type=click.IntRange(0),
            metavar="SECONDS",
            help="How far a --replica may be behind; it is waited for as long as --timeout says  [10]",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def dry_run_option(function: F) -> F:
    """Add ``--dry-run``, which the function takes as ``dry_run``."""
    return click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")(function)


def _option(*names: str, **attributes: Any) -> Callable[[F], F]:
    # Without a default, so that an option that is not there does not undo what stands before the command.
    return click.option(*names, expose_value=False, callback=_remember, default=None, **attributes)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    choices = context.find_object(Choices)
    # An empty prefix is a prefix.
    if choices is not None and value not in (None, False, ()):
        setattr(choices, str(parameter.name), value)


class _Seconds(click.types.FloatParamType):
    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not math.isfinite(seconds) or seconds < 0:
            self.fail("expected a number of seconds, 0 or more.", param, ctx)
        return seconds
