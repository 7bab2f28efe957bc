"""Which version of WordPress is tested with which server, and the line if none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import wordpress
from tests.support.engines import Engine, EngineError
from tests.support.wordpress import choose_wordpress

SERVERS = [Engine(name, "mysql", "9") for name in ("one", "two", "three")]
SQLITE = [Engine("sqlite", "sqlite", "3")]


@pytest.fixture(autouse=True)
def _php(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordpress, "_no_php", lambda: "")


@pytest.fixture
def named(tmp_path: Path) -> str:
    """Three versions, as in WCH_TEST_WORDPRESS."""
    for version in ("6.1", "6.8", "7.1"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "wp-settings.php").touch()
    return " ".join(f"{path.name}={path}" for path in sorted(tmp_path.iterdir()))


@pytest.mark.parametrize("servers", [1, 2, 3])
@pytest.mark.parametrize("versions", [1, 2, 3])
def test_the_usual_pairs_show_each_version_and_each_server(named: str, versions: int, servers: int) -> None:
    pairs, why = choose_wordpress(" ".join(named.split()[:versions]), [*SQLITE, *SERVERS[:servers]])
    assert (len(pairs), why) == (versions * servers, "")
    usual = [pair for pair in pairs if pair.usual]
    assert len(usual) == max(versions, servers)
    assert {pair.wordpress for pair in usual} == {pair.wordpress for pair in pairs}
    assert {pair.engine.name for pair in usual} == {pair.engine.name for pair in pairs}


def test_why_there_are_none(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_wordpress("", SERVERS)[1].startswith("wordpress: not tested (WCH_TEST_WORDPRESS names no")
    assert choose_wordpress(named, SQLITE) == ([], "wordpress: not tested (no MySQL or MariaDB among the engines)")
    monkeypatch.setattr(wordpress, "_no_php", lambda: "PHP is not installed")
    assert choose_wordpress(named, SERVERS) == ([], "wordpress: not tested (PHP is not installed)")


def test_what_was_named_must_be_there(named: str, tmp_path: Path) -> None:
    for value in ("6.8", "6 8=/x", f"{named} {named}", "=/x"):
        with pytest.raises(EngineError, match="has the form"):
            choose_wordpress(value, SERVERS)
    with pytest.raises(EngineError, match=r"6\.9: .* holds no WordPress"):
        choose_wordpress(f"6.9={tmp_path / 'none'}", SERVERS)
