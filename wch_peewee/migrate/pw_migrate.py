"""The settings that ``migrations/conf.py`` gives to the stock ``pw_migrate`` command."""

import contextlib
from importlib.metadata import version
from typing import Any

import click
import peewee as pw

from ..database.connect import PATIENCE, connect, dedicated, describe, open_database
from ..database.query import Connection
from ..errors import ConfigurationError, SchemaConflict, SchemaTooNew, WchError
from ..execution.context import RunContext, RunOptions, attach
from ..models.load import load_models
from ..models.tables import MODELS
from ..schema.naming import names_of
from ..settings import Settings
from ..wordpress.multisite import require_site
from .folder import MigrationFolder, folder_of
from .ledger import Ledger, Outcome, ensure_history, read_books
from .state import claimed_by_another, options_trouble, read_state


def configuration(models: str | None = None) -> dict[str, Any]:
    """Open the database, create the history table in our definition, and return pw_migrate's names for both.

    The database comes from ``--database``, else from the environment, else it is the default SQLite file; prefix and
    history table come from the environment. SQLite's foreign keys are off on this connection, because pw_migrate wraps
    each migration in a transaction, inside which they cannot be switched off. ``models`` is where other models than
    the shipped ones are, MODULE or MODULE:NAME. A wrong setting ends the command with one line.
    """
    # None if something else than pw_migrate reads conf.py, which itself does not get the command's options.
    command = click.get_current_context(silent=True)
    options: dict[str, Any] = {} if command is None else command.params
    # It reads: on a replica, too.
    is_listing = command is not None and command.info_name == "list"
    try:
        if options.get("migratetable") not in (None, "migratehistory"):
            raise ConfigurationError(
                "--migratetable is not for these migrations: the table is named after WCH_TABLE_PREFIX."
            )
        given = MODELS if models is None else load_models(models)
        removal = names_of(given).namespace.remove_data
        settings = Settings.gather(database=options.get("database"), removal=removal)
        names = names_of(given, settings.prefix)
        settings.check_for_writing()
        database = dedicated(open_database(settings.target), patience=PATIENCE)
        database.autoconnect = True
        connect(database)
        if command is not None:
            command.call_on_close(database.close)  # pw_migrate itself never closes it
        run = RunOptions(remove_data=settings.remove_data)
        context = RunContext(Connection.detect(database), names, run)
        attach(database, context)
        if settings.needs_site:
            require_site(context.connection, settings.prefix, str(settings.target))
        folder = folder_of(names.namespace, options.get("directory"))
        state = read_state(context, folder)
        if state.is_newer:
            raise SchemaTooNew(f"{describe(database)}: {state.why_newer}. Nothing was changed.")
        if trouble := options_trouble(context) or claimed_by_another(context):
            raise SchemaConflict(f"{describe(database)}: {trouble}. Nothing was changed.")
        # pw_migrate makes the table even to list, and without the unique name.
        if not (is_listing and context.present([names.history])):
            context.find_topology(writing=True)
            ensure_history(context)
            if command is not None:
                _keep_ledger(context, folder, command)
    except WchError as error:
        raise SystemExit(f"Error: {error}") from None
    return {"DATABASE": database, "MIGRATE_TABLE": names.history}


def _keep_ledger(context: RunContext, folder: MigrationFolder, command: click.Context) -> None:
    """Append to the ledger, at the end of the command, what it has changed in the history."""
    before = read_books(context.connection, context.names).applied or ()

    def append() -> None:
        with contextlib.suppress(pw.PeeweeException):  # the command's own error is the one to see
            after = read_books(context.connection, context.names).applied or ()
            ledger = Ledger(context, program=f"pw_migrate {version('peewee-migrate')}")
            for name in (*before, *after):
                if (name in before) != (name in after):
                    checksum = folder.checksum_of(name) if name in folder.names else ""
                    outcome: Outcome = "marked" if command.params.get("fake") else "done"
                    ledger.append(name, "forward" if name in after else "back", outcome, checksum)

    # Callbacks run last first: the connection is still open then.
    command.call_on_close(append)
