"""The command ``wch``: the group of its commands, and how each ending becomes an exit code."""

import difflib
import importlib
import logging
import os
import re
import shlex
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NoReturn

import click

from .. import __version__
from ..errors import RunStopped, WchError
from ..migrate.folder import MigrationFolder, migrations_folder
from .options import EXIT_CODES, FORMATS, Choices, ExitCode, shared_options
from .output import NotConfirmed, Output, flush, visible

#: In the order of an installation's life; each is a module of this package.
_COMMANDS = (
    "activate",
    "status",
    "check",
    "plan",
    "migrate",
    "rollback",
    "repair",
    "uninstall",
    "schema",
    "doctor",
    "prune",
    "export",
    "erase",
    "queue",
    "new",
)

#: Never suggested for another word: install is near to uninstall.
_REMOVING = ("uninstall", "rollback", "prune", "erase")
#: What other tools call it.
_OTHER_WORDS = ("install", "init", "initialize", "setup", "create", "upgrade", "update", "up", "apply", "sync")

_CODES = "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())

_EPILOG = f"""\
\b
Environment (options take precedence):
  WCH_DATABASE_URL  sqlite:///file.db or mysql://user:password@host:3306/name
  WCH_TABLE_PREFIX  the site's table prefix; empty is possible
  WCH_WORDPRESS     a WordPress site's folder; its wp-config.php has the other settings
  WCH_PHP           the PHP that evaluates that file; without it no PHP is run
  WCH_REMOVE_DATA   true lets uninstall remove the tables with their rows
  WCH_MODELS        the module of the models; else models in [tool.wch] of pyproject.toml
  WCH_MIGRATIONS    the folder of their migrations; else migrations there
  WCH_IGNORE        refusals to accept, one per line
  WCH_DEBUG         1 shows the traceback of an unexpected error

\b
Exit codes:
{_CODES}

\b
Results go to stdout, everything else to stderr. Shell completion:
  eval "$(_WCH_COMPLETE=bash_source wch)"    or zsh_source, fish_source
"""


class Interrupted(Exception):
    """Ctrl-C. Unlike click's Abort, it does not write an empty line first."""


class _Group(click.Group):
    """A group that imports a command only when it is used."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS:
            return _load(cmd_name)
        harmless = [name for name in _COMMANDS if name not in _REMOVING]
        # Before 8.4 click suggests nothing.
        near = ["activate"] if cmd_name in _OTHER_WORDS else difflib.get_close_matches(cmd_name, harmless, 1)
        if near and not context.resilient_parsing:
            raise click.UsageError(f"No such command {cmd_name!r}. Did you mean {near[0]!r}?", context)
        return None

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            raise Interrupted from None


def _load(name: str) -> click.Command:
    command: click.Command = importlib.import_module(f".{name}", __package__).command
    return command


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    folder = migrations_folder()
    click.echo(visible(f"wch {__version__} (schema {MigrationFolder(folder).version}, migrations in {folder})"))
    context.exit()


@click.group(
    cls=_Group,
    epilog=_EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
@shared_options()
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.pass_context
def wch(context: click.Context) -> None:
    """Install, check, upgrade and remove the tables of WhatsApp Commerce Hub.

    \b
      wch --wordpress /srv/www/site plan                         what would be done, as SQL
      wch --wordpress /srv/www/site activate                     do it; done twice, it does nothing
      wch --database mysql://root@localhost/wordpress status     without a WordPress folder

    The options below may be given before or after the command.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(ExitCode.USAGE)


def main() -> NoReturn:
    """The entry point of the command."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code: ``run(["status", "--format", "json"])``."""
    choices = Choices()
    logger = logging.getLogger("wch_peewee")
    handler = _LogHandler(choices)
    logger.addHandler(handler)
    try:
        code = _run(list(arguments), choices)
        flush()
        return code
    except Exception as error:  # stdout itself, on a full disk
        choices.format = None
        return _unexpected(choices, error)
    finally:
        logger.removeHandler(handler)


def _run(arguments: list[str], choices: Choices) -> int:
    # Click would take the word behind --php for its value.
    arguments = ["--php=php" if argument == "--php" else argument for argument in arguments]
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    try:
        result = wch.main(arguments, prog_name="wch", standalone_mode=False, obj=choices)
        return result if isinstance(result, int) else ExitCode.FINE
    except (Interrupted, KeyboardInterrupt, click.Abort) as error:
        return _failed(choices, error, ExitCode.INTERRUPTED, "Interrupted; wch status shows what is in place.")
    except click.ClickException as error:
        return _usage(choices, error, arguments)
    except NotConfirmed as error:
        return _failed(choices, error, ExitCode.FAILED, str(error))
    except WchError as error:
        if isinstance(error, RunStopped):
            # Without its target a rollback that is repeated would take one more back.
            aimed = error.target in arguments or any(one.partition("=")[0] == "--to" for one in arguments)
            error.command = _without_password([*arguments, *([] if aimed else filter(None, [error.target]))])
        attributes = {key: value for key, value in vars(error).items() if not key.startswith("_")}
        return _failed(choices, error, error.exit_code, str(error), attributes=attributes)
    except Exception as error:
        return _unexpected(choices, error)


def _without_password(arguments: list[str]) -> str:
    """Return the command as it was typed, with the password masked."""
    return shlex.join(["wch", *(re.sub(r"(://[^/:]*):.*@", r"\1:***@", argument) for argument in arguments)])


def _usage(choices: Choices, error: click.ClickException, arguments: list[str]) -> int:
    # The option may follow the mistake, where click has not read it.
    if "--format=json" in arguments or ("--format", "json") in pairwise(arguments):
        choices.format = "json"
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"\nTry '{error.ctx.command_path} --help'."
    return _failed(choices, error, ExitCode.USAGE, error.format_message(), hint)


def _unexpected(choices: Choices, error: Exception) -> int:
    if choices.debug or os.environ.get("WCH_DEBUG", "") not in ("", "0"):
        Output(choices).error("".join(traceback.format_exception(error)).rstrip())
    message = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return _failed(choices, error, ExitCode.FAILED, message, " (--debug shows where)")


def _failed(
    choices: Choices,
    error: BaseException,
    code: int,
    message: str,
    hint: str = "",
    attributes: dict[str, Any] | None = None,
) -> int:
    out = Output(choices)
    out.error(f"Error: {message}{hint}")
    if choices.format in FORMATS[1:]:
        choices.fields = None
        facts = {"type": type(error).__name__, "message": message, "exit_code": code, **(attributes or {})}
        out.document({"error": facts})
    return code


class _LogHandler(logging.Handler):
    """A handler that prints the library's warnings as plain lines on the current stderr.

    What a run has done, which is logged at INFO, is in the command's own output.
    """

    def __init__(self, choices: Choices) -> None:
        super().__init__(logging.WARNING)
        self._choices = choices

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or not self._choices.quiet:
            Output(self._choices).error(record.getMessage())
