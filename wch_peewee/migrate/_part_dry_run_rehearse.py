"""Have pending migrations say what they would do. Only steps of this library are called: they know how to only say.

rehearse(rehearsal, folder, ["002_channel"])
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import peewee as pw

from ..errors import ConfigurationError, WchError
from ..execution.context import attach
from ..schema.forecast import RowWork
from ._part_state_history import ensure_history
from .dry_run import Rehearsal
from .folder import MigrationFolder
from .runner import MigrationRouter

_OURS = __name__.rpartition(".")[0] + "."


def rehearse(rehearsal: Rehearsal, folder: MigrationFolder, names: Sequence[str]) -> None:
    """Note in ``rehearsal`` what the migrations ``names`` would do, up to the one that would stop the run."""
    rehearsal.at(names[0], 0, 0)
    ensure_history(rehearsal)
    router = MigrationRouter(rehearsal, folder)
    for name in names:
        rehearsal.at(name, 0, 0)
        try:
            _rehearse_one(rehearsal, router, name)
        except WchError as error:
            rehearsal.stop(str(error))
        except Exception as error:  # an author's file may raise anything
            rehearsal.stop(f"{type(error).__name__}: {error}")
        if rehearsal.stopped is not None:
            return


def _rehearse_one(rehearsal: Rehearsal, router: MigrationRouter, name: str) -> None:
    steps = router.steps(name, _stand_in(rehearsal, name))
    for number, step in enumerate(steps, start=1):
        rehearsal.at(name, number, len(steps))
        if isinstance(step, partial) and str(getattr(step.func, "__module__", "")).startswith(_OURS):
            step()
        else:
            rehearsal.rehearse(RowWork(f"Runs {_named(step)}, of which nothing can be said beforehand"))


def _stand_in(rehearsal: Rehearsal, name: str) -> pw.Database:
    """Make what stands for the database in the body of migrate(): it tells its engine, and takes no statement."""
    database: Any = copy.copy(rehearsal.database)

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise ConfigurationError(
            f"the body of {name} speaks to the database; put that into a step, migrator.run(steps.run_python, ...)"
        )

    database.execute = database.execute_sql = database.cursor = database.connection = refuse
    attach(database, rehearsal)
    found: pw.Database = database
    return found


def _named(step: Any) -> str:
    function = step.func if isinstance(step, partial) else step
    return str(getattr(function, "__qualname__", type(function).__name__))
