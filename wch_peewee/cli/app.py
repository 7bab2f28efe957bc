"""The group of commands, and its help on the environment, the exit codes and shell completion."""

from __future__ import annotations

import importlib
from typing import Any

import click

from ..migrate.folder import MigrationFolder, migrations_folder
from .options import EXIT_CODES, ExitCode, shared_options

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
    "new",
)

_CODES = "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())

_EPILOG = f"""\
\b
Environment (an option wins over it):
  WCH_DATABASE_URL  sqlite:///file.db or mysql://user:password@host:3306/name
  WCH_TABLE_PREFIX  the site's table prefix; empty is possible
  WCH_WORDPRESS     a WordPress site's folder, whose wp-config.php says what is not set
  WCH_REMOVE_DATA   true lets uninstall and rollback remove data; nothing else does
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
    """The commands, each imported only when it is used."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS:
            return _load(cmd_name)
        # A misspelt name: click suggests one of the commands that it knows.
        self.commands = {name: _load(name) for name in _COMMANDS}
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
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("wch-peewee")
    except PackageNotFoundError:
        number = "not installed, run from its sources"
    folder = migrations_folder()
    click.echo(f"wch {number} (schema {MigrationFolder(folder).version}, migrations in {folder})")
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

    The options below stand before or behind the command.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(ExitCode.USAGE)
