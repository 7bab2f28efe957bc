"""The server is killed during a run: the run ends with one clear error, and the next run finishes.

At every write with --slow, else at a part of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.kit_subjects import installation
from tests.support.populate import fill
from tests.support.server_kills import server_killed
from tests.support.servers import PrivateServer
from wch_peewee.testing.bench import our_migrations
from wch_peewee.testing.examination import examine_at
from wch_peewee.testing.scratch import ScratchDatabase, scratch_database

pytestmark = pytest.mark.families("mysql", "mariadb")


@pytest.fixture
def scratch(own_server: PrivateServer) -> Iterator[ScratchDatabase]:
    with scratch_database(f"private={own_server.url}") as scratch:
        yield scratch


@pytest.fixture
def effort(own_server: PrivateServer, pytestconfig: pytest.Config) -> dict[str, Any]:
    every = 1 if pytestconfig.getoption("--slow") else 37
    return {"every": every, "scenarios": [server_killed(own_server)]}


def test_while_it_installs(scratch: ScratchDatabase, effort: dict[str, Any]) -> None:
    verdict = examine_at(scratch, installation("wp_"), **effort)
    assert verdict.ok, str(verdict)
    assert verdict.tried >= 1


def test_while_it_migrates(scratch: ScratchDatabase, effort: dict[str, Any], chain: Path) -> None:
    """From an empty database, and from version 1.0.0 with rows."""
    verdict = examine_at(scratch, our_migrations(chain), populate=fill, **effort)
    assert verdict.ok, str(verdict)
    assert verdict.tried >= 6
