"""pytest's options and the fixtures that every test may use: ``engine``, ``database`` and ``private_server``.

Lives at the top so that ``tests`` and the package are importable from the checkout (pytest puts this folder on
sys.path). What the fixtures are made of is in tests/engines.py, tests/databases.py and tests/servers.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.databases import LiveDatabase
from tests.engines import Engine, EngineError, choose_engines
from tests.servers import PrivateServer, installed_servers

_ENGINES = pytest.StashKey[list[Engine]]()
_LEFT_OUT = pytest.StashKey[list[str]]()

# A statement on a server has no deadline worth failing for.
settings.register_profile("wch", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("wch")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wch_peewee")
    group.addoption("--engines", default=os.environ.get("WCH_TEST_ENGINES", ""), help="engines to test on: sqlite,...")
    group.addoption("--slow", action="store_true", help="run the tests marked slow, too")


def pytest_configure(config: pytest.Config) -> None:
    try:
        engines, left_out = choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), config.getoption("--engines"))
    except EngineError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_ENGINES] = engines
    config.stash[_LEFT_OUT] = left_out


def pytest_unconfigure(config: pytest.Config) -> None:
    # Absent when the choice itself failed.
    for engine in config.stash.get(_ENGINES, []):
        engine.close()


def pytest_report_header(config: pytest.Config) -> list[str]:
    tested = ", ".join(str(engine) for engine in config.stash[_ENGINES])
    return [f"engines: {tested}", *config.stash[_LEFT_OUT]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    # Again at the end, where -q and a long run do not hide it.
    for line in config.stash[_LEFT_OUT]:
        terminalreporter.line(line)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that needs an engine on all of them, or on the families of its marker."""
    if "engine" not in metafunc.fixturenames:
        return
    engines = metafunc.config.stash[_ENGINES]
    for marker in metafunc.definition.iter_markers("families"):
        engines = [engine for engine in engines if engine.family in marker.args]
    metafunc.parametrize("engine", engines, ids=[engine.name for engine in engines], indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow; runs with --slow"))


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Engine:
    """One engine of those that are tested; its server is up."""
    chosen: Engine = request.param
    if chosen.family == "sqlite":
        return chosen
    try:
        chosen.address()
        return chosen
    except EngineError as error:
        failure = str(error)
    pytest.fail(failure, pytrace=False)


@pytest.fixture
def database(engine: Engine, tmp_path: Path) -> Iterator[LiveDatabase]:
    """A fresh, empty database on that engine."""
    with engine.fresh(tmp_path) as fresh:
        yield fresh


@pytest.fixture
def private_server() -> Iterator[PrivateServer]:
    """A running server for this test alone, to be killed and started again."""
    installed = installed_servers()
    if not installed:
        pytest.skip("no database server is installed")
    with PrivateServer(installed.get("mariadb") or installed["mysql"]) as server:
        yield server
