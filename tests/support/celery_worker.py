"""The app of examples/celery_app.py on Celery's broker of files, with tasks that take pickled rows.

celery --app tests.support.celery_worker worker
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery_app import app, plugin

from tests.support.hosts import on_files


@app.task(name="assign", acks_late=True)  # type: ignore[untyped-decorator]
def assign(row: Any, agent: int) -> None:
    """Change a pickled row, and through it rows that refer to it."""
    with plugin.database:
        row.assigned_agent_id = agent
        row.save()
        for message in row.messages:
            message.status = "read"
            message.save()


if "CELERY_FOLDER" in os.environ:
    on_files(app, Path(os.environ["CELERY_FOLDER"]))
