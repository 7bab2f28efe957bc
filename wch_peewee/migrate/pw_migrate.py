"""The settings that ``migrations/conf.py`` gives to the stock ``pw_migrate`` command."""

import sys
from pathlib import Path
from typing import Any

import peewee as pw

from ..database.connect import PATIENCE, connect, dedicated, describe, open_database
from ..database.query import Connection
from ..errors import ConfigurationError, SchemaConflict, SchemaTooNew, WchError
from ..execution.context import RunContext, RunOptions, attach
from ..schema.naming import history_table_name
from ..settings import Settings
from ..wordpress.multisite import require_site
from .folder import MigrationFolder, migrations_folder
from .state import ensure_history, options_trouble, read_state


def configuration() -> dict[str, Any]:
    """Open the database, create the history table in our definition, and return pw_migrate's names for both.

    The database comes from ``--database``, else from the environment, else it is the default SQLite file; prefix and
    history table come from the environment. SQLite's foreign keys are off on this connection, because pw_migrate wraps
    each migration in a transaction, inside which they cannot be switched off. A wrong setting ends the command with
    one line.
    """
    try:
        options = _command_line()
        settings = Settings.gather(database=options.get("database"))
        settings.check_for_writing()
        database = dedicated(open_database(settings.target), patience=PATIENCE)
        database.autoconnect = True
        connect(database)
        _close_with_the_command(database)
        run = RunOptions(remove_data=settings.remove_data)
        context = RunContext(Connection.detect(database), settings.prefix, run)
        attach(database, context)
        if settings.needs_site:
            require_site(context.connection, settings.prefix, str(settings.target))
        state = read_state(context, MigrationFolder(Path(options.get("directory") or migrations_folder())))
        if state.is_newer:
            raise SchemaTooNew(f"{describe(database)}: {state.why_newer}. Nothing was changed.")
        if trouble := options_trouble(context):
            raise SchemaConflict(f"{describe(database)}: {trouble}. Nothing was changed.")
        # pw_migrate makes the table even to list, and without the unique name.
        ensure_history(context)
    except WchError as error:
        raise SystemExit(f"Error: {error}") from None
    return {"DATABASE": database, "MIGRATE_TABLE": history_table_name(settings.prefix)}


def _click_context() -> Any:
    """Return the context of the click command that reads conf.py, or None if something else reads it."""
    click = sys.modules.get("click")
    return click.get_current_context(silent=True) if click is not None else None


def _close_with_the_command(database: pw.Database) -> None:
    """Close the connection at the end of the command, however it ends; pw_migrate itself never does."""
    context = _click_context()
    if context is not None:
        context.call_on_close(database.close)


def _command_line() -> dict[str, Any]:
    """Read pw_migrate's options from click's context; conf.py itself does not get them."""
    context = _click_context()
    options = dict(context.params) if context is not None else {}
    if options.get("migratetable") not in (None, "migratehistory"):
        raise ConfigurationError(
            "--migratetable is not for these migrations: the table is named after WCH_TABLE_PREFIX."
        )
    return options
