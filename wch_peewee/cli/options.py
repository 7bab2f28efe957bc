"""The options of the commands, their values, and the exit codes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..database.connect import PATIENCE
from ..database.session import LOCK_WAIT
from ..execution.leftovers import PT_OSC
from ..schema.statements import COPY_RULE

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]

FORMATS = ("table", "json", "csv", "yaml")
#: The formats of a command that prints a list, as wp-cli has them.
LISTS = (*FORMATS, "count", "ids")


class Whole(click.IntRange):
    """A whole number of a range."""

    name = "whole number"  # click says "integer range"


class ExitCode(IntEnum):
    """The exit code of a command. An error of the library has its own as ``exit_code``."""

    FINE = 0
    DRIFT = 1
    FAILED = 2
    BUSY = 3
    TOO_NEW = 4
    USAGE = 64
    CONFIGURATION = 78
    INTERRUPTED = 130


def verdict(*, newer: bool, differs: bool) -> ExitCode:
    """Return the exit code of a command that did its work, or could read what it compares."""
    return ExitCode.TOO_NEW if newer else ExitCode.DRIFT if differs else ExitCode.FINE


#: As ``wch --help`` and docs/commands.md list them.
EXIT_CODES = {
    ExitCode.FINE: "success; differences that wch does not manage do not count",
    ExitCode.DRIFT: (
        "pending or refused changes remain (status, check, activate, migrate, repair); nothing to write (new)"
    ),
    ExitCode.FAILED: "failed, refused or not confirmed; the message says what was changed",
    ExitCode.BUSY: "another run or an open transaction held a lock for too long; try again",
    ExitCode.TOO_NEW: "the tables were upgraded by the PHP plugin or a newer wch; nothing was changed",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.CONFIGURATION: "a setting is missing or wrong",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}


@dataclass(slots=True)
class Choices:
    """The values of the options on the command line; None leaves a setting to the environment."""

    database: str | None = None
    wordpress: str | None = None
    php: str | None = None
    prefix: str | None = None
    url: str | None = None
    models: str | None = None
    migrations: str | None = None
    format: str | None = None
    fields: str | None = None
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
    ignore: tuple[str, ...] = ()


def complete_path(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Let the shell complete a path. A type of click's would check it, too, in words of its own."""
    return [CompletionItem(begun, type="file")]


def _store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    choices = context.find_object(Choices)
    # An empty prefix is a prefix, and 0 is a number: it equals False.
    if choices is not None and value is not None and value is not False and value != ():
        setattr(choices, str(parameter.name), value)


def _stored(*names: str, **attributes: Any) -> Decorator:
    # Without a default: an option that is not given must not overwrite one that stands before the command.
    return click.option(*names, expose_value=False, callback=_store, default=None, **attributes)


def _all_of(*options: Decorator) -> Decorator:
    """Return a decorator that adds several options, listed by ``--help`` in this order."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_CONNECTING = _all_of(
    _stored(
        "--database",
        metavar="URL",
        help="Where the tables are  [WCH_DATABASE_URL, else the site's, else sqlite:///wch.db]",
    ),
    _stored(
        "--wordpress",
        "--path",
        metavar="PATH",
        shell_complete=complete_path,
        help="The WordPress site; its wp-config.php has the settings  [WCH_WORDPRESS, else the current folder's]",
    ),
    _stored(
        "--php",
        metavar="[=PATH]",
        help="Run PHP to evaluate wp-config.php, which executes its code  [WCH_PHP, else no]",
    ),
    _stored("--prefix", metavar="TEXT", help="The site's table prefix  [WCH_TABLE_PREFIX, else the site's, else wp_]"),
    _stored("--url", metavar="URL", help="The address of one site of a WordPress network, instead of the main site"),
)
_PROJECT = _all_of(
    _stored("--models", metavar="MODULE[:NAME]", help="The models  [WCH_MODELS, pyproject.toml, the shipped ones]"),
    _stored(
        "--migrations",
        metavar="FOLDER",
        shell_complete=complete_path,
        help="The migrations  [WCH_MIGRATIONS, pyproject.toml, the shipped ones]",
    ),
)
_FIELDS = _stored(
    "--fields", metavar="NAMES", help="Print these fields of the list, as a,b; a wrong name prints all names."
)
_PRINTING = _all_of(
    _stored("--quiet", "-q", is_flag=True, help='Print results and errors only, without notes and "Success: ...".'),
    _stored("--debug", is_flag=True, help="Show the traceback of an unexpected error  [WCH_DEBUG=1]"),
)


def shared_options(formats: Sequence[str] = FORMATS, *, project: bool = True) -> Decorator:
    """Add the options that may stand before or behind a command's name; the later one wins.

    Their values are stored in ``Choices`` and not passed to the function, like those of ``wait_options`` and
    ``copy_options``. Without ``project`` those of the models and the migrations stand before the command alone.
    """
    return _all_of(
        _CONNECTING,
        *([_PROJECT] if project else []),
        _stored("--format", type=click.Choice(formats), help=f"How to print the result  [{formats[0]}]"),
        *([_FIELDS] if "ids" in formats else []),
        _PRINTING,
    )


def subcommand(
    name: str, *, formats: Sequence[str] = FORMATS, project: bool = True
) -> Callable[[Callable[..., int]], click.Command]:
    """Turn a function into a command with the shared options; it takes ``Choices`` first and returns the exit code."""

    def decorate(function: Callable[..., int]) -> click.Command:
        return click.command(name)(shared_options(formats, project=project)(click.pass_obj(function)))

    return decorate


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


#: How long a command that uses tables waits for what others have locked.
timeout_option = _stored(
    "--timeout",
    type=_Seconds(),
    metavar="SECONDS",
    help=f"How long to wait for another run, and for locked tables  [{PATIENCE:g}]",
)
#: How long a command that writes waits for locks.
wait_options = _all_of(
    timeout_option,
    _stored(
        "--lock-wait",
        type=Whole(1, 3600),
        metavar="SECONDS",
        help=f"How long each attempt of a statement waits for a lock, blocking others  [{LOCK_WAIT}]",
    ),
)
#: How large the tables are that a command may copy which alters them.
copy_options = _all_of(
    _stored("--allow-copy", is_flag=True, help="Copy tables of any size, even if that blocks writers."),
    _stored(
        "--copy-rows",
        type=Whole(0),
        metavar="N",
        help=f"Largest table in rows that is copied without --allow-copy  [{COPY_RULE.rows}]",
    ),
    _stored(
        "--copy-bytes",
        type=Whole(0),
        metavar="N",
        help=f"Largest table in bytes that is copied without --allow-copy  [{COPY_RULE.bytes}]",
    ),
    _stored("--online", type=click.Choice([PT_OSC]), help="A tool that copies larger tables without blocking writers."),
    _stored("--replica", multiple=True, metavar="URL", help="A replica to wait for; can be repeated."),
    _stored(
        "--max-lag",
        type=Whole(0),
        metavar="SECONDS",
        help="How far a --replica may fall behind before the run waits, up to --timeout  [10]",
    ),
)
ignore_option = _stored(
    "--ignore",
    multiple=True,
    metavar="WORDS",
    help="Accept this refusal: its text before the colon, * for any text  [WCH_IGNORE, one per line]",
)
# These three are passed to the function.
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
network_option = click.option("--network", is_flag=True, help="Do it for every site of the WordPress network.")
