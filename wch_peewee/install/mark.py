"""Whether the tables are as migrations leave them, so that these may be recorded without being run."""

from collections.abc import Iterator, Sequence

from ..execution.context import RunContext
from ..execution.introspect import with_referenced
from ..migrate.dry_run import dry_run_on_empty
from ..migrate.folder import MigrationFolder
from ..schema.objects import Schema
from ..schema.operations import DropColumn, DropIndex, DropTable, Operation, RenameColumn
from ..schema.plan import RowWork


def left_to_do(context: RunContext, folder: MigrationFolder, names: Sequence[str]) -> tuple[str, ...]:
    """Return what the last of ``names`` leaves behind and the live tables are not, in words; nothing where they are.

    The migrations are replayed on an empty database of which only the definitions exist. What they do to rows is not
    looked at. Raises ConfigurationError if they cannot be replayed.
    """
    dry_run = dry_run_on_empty(context, folder, [name for name in folder.names if name <= names[-1]])
    made = dry_run.tables
    live = context.read(with_referenced(made))
    plan = context.plan_to(made, live)
    operations = (
        operation
        for forecast in dry_run.forecasts
        if forecast.migration in names and not isinstance(forecast.work, RowWork)
        for operation in forecast.work.operations
    )
    there = (words for operation in operations for words in _still_there(operation, context, live, made))
    return (*plan.describe(), *map(str, plan.refusals), *there)


def _still_there(operation: Operation, context: RunContext, live: Schema, made: Schema) -> Iterator[str]:
    """Yield what the operation removes, if the live tables have it and no later operation makes it again."""
    name = operation.table
    table, target = live.table(name), made.table(name)
    if isinstance(operation, DropTable) and target is None and context.present([name]):
        yield f"{name} is still there"
    if table is None or target is None:
        return
    match operation:
        case DropColumn(_, column) | RenameColumn(_, column, _):
            if table.column(column) and not target.column(column):
                yield f"{name}.{column} is still there"
        case DropIndex(_, index):
            if any(one.name == index for one in table.indexes) and all(one.name != index for one in target.indexes):
                yield f"the index {index} of {name} is still there"
