"""``db_delta``, the counterpart of WordPress's dbDelta for Peewee models."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import peewee as pw

from ..database.connect import PATIENCE, describe, unwrap
from ..errors import ConfigurationError, SchemaTooNew
from ..execution.context import RunContext, RunOptions
from ..execution.session import read_session, run_in_session
from ..migrate.folder import MigrationFolder, migrations_folder
from ..migrate.state import read_state
from ..models.namespace import TABLES, WCH, our_names
from ..models.site import bound_prefix
from ..models.tables import BaseModel
from ..schema.declared import logical_tables
from ..schema.diff import Refusal
from ..schema.naming import Names, names_of
from ..schema.objects import Table
from ..wordpress.options import read_option


@dataclass(frozen=True, slots=True)
class DeltaReport:
    """The outcome of ``db_delta``, in dbDelta's words. Iteration, ``len`` and truth are those of ``changes``.

    After a dry run ``changes`` says what would be done, and ``statements`` holds its SQL.

    >>> len(db_delta(MODELS, plugin.database))
    0
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

    ``models`` are model classes or tables without prefix, parents first. ``database`` and ``prefix`` default to the
    models' own. ``patience`` is in seconds.

    Raises SchemaTooNew if the PHP plugin has upgraded the tables: its next upgrade would undo what is changed here.
    Raises Busy, StatementFailed, DatabaseUnavailable, UnsupportedServer.
    """
    declared = tuple(models)
    tables = tuple(t for m in declared for t in ((m,) if isinstance(m, Table) else logical_tables([m])))
    chosen = unwrap(database if database is not None else _database_of(declared))
    names = _names_of(declared, prefix)
    options = RunOptions(patience)
    with read_session(chosen, names, options, deciding=not dry_run) as context:
        if names.namespace == WCH:
            folder = MigrationFolder(migrations_folder())
            if read_option(context.connection, names.prefix, WCH.version_option) not in (None, folder.version):
                state = read_state(context, folder)
                if state.is_foreign:
                    raise SchemaTooNew(f"{describe(chosen)}: {state.why_newer}. Nothing was changed.")
        plan = context.plan(tables)
    if dry_run:
        return DeltaReport(plan.describe(), plan.refusals, plan.extras, tuple(map(str, plan.statements())))
    if plan.is_empty:
        return DeltaReport((), plan.refusals, plan.extras)

    def work(context: RunContext) -> DeltaReport:
        left = context.reconcile(tables)
        return DeltaReport(tuple(context.outcomes), left.refusals, left.extras)

    return run_in_session(work, chosen, names, options)


def _database_of(declared: tuple[type[BaseModel] | Table, ...]) -> object:
    for model in declared:
        if not isinstance(model, Table) and (database := model._meta.get_database_instance()) is not None:
            return database
    raise ConfigurationError("db_delta was given no database, and the models have none; pass one as second argument.")


def _names_of(declared: tuple[type[BaseModel] | Table, ...], prefix: str | None) -> Names:
    models = [model for model in declared if not isinstance(model, Table)]
    names = names_of(models, prefix) if models else our_names(prefix)
    if names.namespace == WCH:  # beside a tool that changes any of ours nothing is done
        names = replace(names, keys=tuple(dict.fromkeys((*TABLES, *names.keys))))
    if prefix is not None:
        return names
    sites = [model._meta.site for model in models if model._meta.site is not None]
    return names.at(sites[0].prefix if sites else bound_prefix(names.namespace))
