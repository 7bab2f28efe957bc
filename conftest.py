"""pytest's options, and the fixtures of all tests: ``engine``, ``database``, ``private_server``, ``own_server``,
``galera``, ``group``, ``wordpress``.

This file is at the top so that pytest puts the checkout on sys.path.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings

from tests.support.addresses import ServerError
from tests.support.cluster import Cluster
from tests.support.cluster_choice import choose_clusters
from tests.support.databases import LiveDatabase
from tests.support.engines import Engine, EngineError, choose_engines
from tests.support.galera import GaleraCluster
from tests.support.group_replication import ReplicationGroup
from tests.support.order import longest_first
from tests.support.server_programs import installed_servers
from tests.support.servers import PrivateServer
from tests.support.temporary_files import keep_in_memory
from tests.support.tls import share_context
from tests.support.wordpress import Pair, WordPressSite, choose_wordpress, wordpress_site

C = TypeVar("C", bound=Cluster[Any])

_ENGINES = pytest.StashKey[list[Engine]]()
_LEFT_OUT = pytest.StashKey[list[str]]()
_CLUSTERS = pytest.StashKey[dict[str, str]]()
_WORDPRESS = pytest.StashKey[list[Pair]]()

# A statement on a server has no deadline worth failing for.
settings.register_profile("wch", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("wch")

share_context()
keep_in_memory()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wch_peewee")
    group.addoption("--engines", default=os.environ.get("WCH_TEST_ENGINES", ""), help="engines to test on: sqlite,...")
    group.addoption("--slow", action="store_true", help="run the tests marked slow, too")


def pytest_configure(config: pytest.Config) -> None:
    try:
        engines, left_out, clusters = _choose(config.getoption("--engines"))
        pairs, no_wordpress = choose_wordpress(os.environ.get("WCH_TEST_WORDPRESS", ""), engines)
    except (EngineError, ServerError) as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_ENGINES] = engines
    config.stash[_LEFT_OUT] = [*left_out, *([no_wordpress] if no_wordpress else [])]
    config.stash[_CLUSTERS] = clusters
    config.stash[_WORDPRESS] = pairs


def _choose(asked: str) -> tuple[list[Engine], list[str], dict[str, str]]:
    others, clusters = choose_clusters(asked)
    lines = [line for line in clusters.values() if line]
    if asked.strip() and not others:
        # Clusters alone; to choose_engines() no name at all means every engine.
        return [], [f"{family}: not tested (was not asked for)" for family in ("sqlite", "mariadb", "mysql")], clusters
    engines, left_out = choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), others)
    return engines, left_out + lines, clusters


def pytest_unconfigure(config: pytest.Config) -> None:
    # Absent when the choice itself failed.
    for engine in config.stash.get(_ENGINES, []):
        engine.close()


def pytest_report_header(config: pytest.Config) -> list[str]:
    tested = [str(engine) for engine in config.stash[_ENGINES]]
    tested += [f"{name} (private)" for name, why in config.stash[_CLUSTERS].items() if not why]
    lines = [f"engines: {', '.join(tested)}"]
    if pairs := config.stash[_WORDPRESS]:
        slow = "" if config.getoption("--slow") else f", {sum(not pair.usual for pair in pairs)} more with --slow"
        lines.append(f"wordpress: {', '.join(str(pair) for pair in pairs if pair.usual or not slow)}{slow}")
    return [*lines, *config.stash[_LEFT_OUT]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    # Again at the end, where -q and a long run do not hide it.
    for line in config.stash[_LEFT_OUT]:
        terminalreporter.line(line)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize tests by engine, or by the families of their marker, and by WordPress pair."""
    for fixture in {"wordpress_installed", "wordpress_network"} & set(metafunc.fixturenames):
        pairs = [
            pytest.param(pair, id=str(pair), marks=[] if pair.usual else [pytest.mark.slow])
            for pair in metafunc.config.stash[_WORDPRESS]
        ]
        metafunc.parametrize(
            fixture, pairs, indirect=True, scope="session" if fixture == "wordpress_installed" else "function"
        )
    if "engine" not in metafunc.fixturenames:
        return
    engines = metafunc.config.stash[_ENGINES]
    for marker in metafunc.definition.iter_markers("families"):
        engines = [engine for engine in engines if engine.family in marker.args]
    metafunc.parametrize("engine", engines, ids=[engine.name for engine in engines], indirect=True, scope="session")


# Behind pytest's own, which sorts by fixtures.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        longest_first(items)
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow; runs with --slow"))


@pytest.fixture(scope="session")
def engines(pytestconfig: pytest.Config) -> list[Engine]:
    """All engines of this run, for a test of several at once."""
    return pytestconfig.stash[_ENGINES]


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Engine:
    """One engine under test; its server is running."""
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
    """A new, empty database on that engine."""
    with engine.fresh(tmp_path) as fresh:
        yield fresh


@pytest.fixture
def private_server() -> Iterator[PrivateServer]:
    """A running server of any kind for this test alone, which may be killed and started again."""
    installed = installed_servers()
    if not installed:
        pytest.skip("no database server is installed")
    with PrivateServer(installed.get("mariadb") or installed["mysql"]) as server:
        yield server


@pytest.fixture(scope="module")
def own_server(engine: Engine) -> Iterator[PrivateServer]:
    """A running server of that engine for this module alone; a test that kills it starts it again."""
    program = engine.program()
    if program is None:
        pytest.skip(f"the program of {engine.name} is not on this machine")
    with PrivateServer(program) as server:
        yield server


@pytest.fixture(scope="module")
def galera(request: pytest.FixtureRequest) -> Iterator[GaleraCluster]:
    """A Galera cluster of three nodes for this module alone."""
    yield from _running("galera", GaleraCluster, request)


@pytest.fixture(scope="module")
def group(request: pytest.FixtureRequest) -> Iterator[ReplicationGroup]:
    """A replication group of three members for this module alone."""
    yield from _running("group", ReplicationGroup, request)


def _running(name: str, create: Callable[[], C], request: pytest.FixtureRequest) -> Iterator[C]:
    if why := request.config.stash[_CLUSTERS][name]:
        pytest.skip(why)
    cluster = create()
    failure = ""
    try:
        cluster.start_all()
        yield cluster
    except ServerError as error:
        failure = str(error)
    finally:
        cluster.remove()
    if failure:
        pytest.fail(failure, pytrace=False)


@pytest.fixture(scope="session")
def wordpress_sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Pair], WordPressSite]]:
    """Return a function that installs a site on its first use; all files share them."""
    sites: dict[str, WordPressSite] = {}
    with ExitStack() as stack:

        def site_of(pair: Pair) -> WordPressSite:
            if str(pair) not in sites:
                site = wordpress_site(pair.wordpress, pair.engine, tmp_path_factory.mktemp("wordpress"))
                sites[str(pair)] = stack.enter_context(site)
            return sites[str(pair)]

        yield site_of


@pytest.fixture(scope="session")
def wordpress_installed(
    request: pytest.FixtureRequest, wordpress_sites: Callable[[Pair], WordPressSite]
) -> WordPressSite:
    """One site under test, installed once; tests take ``wordpress``."""
    return wordpress_sites(request.param)


@pytest.fixture
def wordpress_network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WordPressSite]:
    """A real WordPress network for this test alone: a main site, and one at /shop/."""
    pair: Pair = request.param
    with wordpress_site(pair.wordpress, pair.engine, tmp_path) as site:
        site.become_network("shop")
        yield site


@pytest.fixture
def wordpress(wordpress_installed: WordPressSite) -> WordPressSite:
    """A real WordPress site without the managed tables, in its state after installation."""
    wordpress_installed.reset()
    return wordpress_installed
