"""``db_delta``, the counterpart of WordPress's dbDelta for Peewee models."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import peewee as pw

from ..database.connect import PATIENCE, describe, unwrap
from ..errors import ConfigurationError, SchemaTooNew
from ..execution.context import RunOptions
from ..execution.session import read_session, run_in_session
from ..migrate.folder import MigrationFolder, migrations_folder
from ..migrate.state import read_state
from ..models.site import current_prefix
from ..models.tables import BaseModel
from ..schema.declared import logical_tables
from ..schema.diff import Refusal
from ..schema.naming import check_prefix
from ..schema.objects import Table
from ..wordpress.options import VERSION_OPTION, read_option


@dataclass(frozen=True, slots=True)
class DeltaReport:
    """The outcome of ``db_delta``, in dbDelta's words. Iteration, ``len`` and truth are those of ``changes``.

    After a dry run ``changes`` says what would be done, and ``statements`` holds its SQL.
    """

    changes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[str]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)


def db_delta(
    models: Iterable[type[BaseModel] | Table],
    database: pw.Database | None = None,
    *,
    prefix: str | None = None,
    dry_run: bool = False,
    patience: float = PATIENCE,
) -> DeltaReport:
    """Bring the live tables to the declared definition, as far as that is safe. A second run does nothing.

    Missing tables, columns, indexes and foreign keys are created, types widened and enums extended; whatever could lose
    or reject data is refused with a reason.

    ``models`` are model classes or tables without prefix, parents first. ``database`` defaults to the models'
    own, ``prefix`` to the current prefix. ``patience`` is in seconds.

    Raises SchemaTooNew if the PHP plugin has upgraded the tables: its next upgrade would undo what is changed here.
    Raises Busy, StatementFailed, DatabaseUnavailable, UnsupportedServer.
    """
    declared = tuple(models)
    tables = tuple(t for m in declared for t in ((m,) if isinstance(m, Table) else logical_tables([m])))
    chosen = unwrap(database if database is not None else _database_of(declared))
    prefix = check_prefix(current_prefix() if prefix is None else prefix)
    options = RunOptions(patience)
    with read_session(chosen, prefix, options) as context:
        folder = MigrationFolder(migrations_folder())
        if read_option(context.connection, prefix, VERSION_OPTION) not in (None, folder.version):
            state = read_state(context, folder)
            if state.is_foreign:
                raise SchemaTooNew(f"{describe(chosen)}: {state.why_newer}. Nothing was changed.")
        plan = context.plan(tables)
    if dry_run:
        return DeltaReport(plan.describe(), plan.refusals, plan.extras, tuple(map(str, plan.statements())))
    if plan.is_empty:
        return DeltaReport((), plan.refusals, plan.extras)
    result = run_in_session(lambda context: context.reconcile(tables), chosen, prefix, options)
    return DeltaReport(result.changes, result.refusals, result.extras)


def _database_of(declared: tuple[type[BaseModel] | Table, ...]) -> object:
    for model in declared:
        if not isinstance(model, Table) and model._meta.database is not None:
            return model._meta.database
    raise ConfigurationError(
        "db_delta was given no database, and the models have none; pass one as its second argument."
    )
