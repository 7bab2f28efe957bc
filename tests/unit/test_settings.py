"""Settings: parameters win over the environment, and that over the defaults; nothing is guessed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command import wch
from wch_peewee import ConfigurationError
from wch_peewee.install import hooks
from wch_peewee.settings import VARIABLES, Settings, remove_data_allowed

ROOT = Path(__file__).resolve().parents[2]


def gather(environment: dict[str, str] | None = None, **given: object) -> Settings:
    return Settings.gather(environment=environment or {}, **given)  # type: ignore[arg-type]


def test_the_order_of_precedence() -> None:
    environment = {"WCH_DATABASE_URL": "mysql://u@h/d", "WCH_TABLE_PREFIX": "env_"}
    assert (str(gather().target), gather().prefix) == ("sqlite:///wch.db", "wp_")
    assert (str(gather(environment).target), gather(environment).prefix) == ("mysql://u@h:3306/d", "env_")
    given = gather(environment, database="sqlite:///x.db", prefix="")
    assert (str(given.target), given.prefix) == ("sqlite:///x.db", "")


def test_leave_to_remove_data_is_no_business_of_those_who_remove_nothing() -> None:
    assert gather({"WCH_REMOVE_DATA": "maybe"}).prefix == "wp_"


def test_an_empty_prefix_in_the_environment_is_the_empty_prefix_and_an_empty_url_is_none() -> None:
    settings = gather({"WCH_TABLE_PREFIX": "", "WCH_DATABASE_URL": ""})
    assert (settings.prefix, str(settings.target)) == ("", "sqlite:///wch.db")


@pytest.mark.parametrize("value", ["true", "TRUE", " 1 ", "yes", "on"])
def test_a_real_yes(value: str) -> None:
    assert remove_data_allowed({"WCH_REMOVE_DATA": value}) is True


@pytest.mark.parametrize("value", ["false", "0", "no", "OFF", "", "  "])
def test_a_real_no(value: str) -> None:
    assert remove_data_allowed({"WCH_REMOVE_DATA": value}) is False


@pytest.mark.parametrize("value", ["maybe", "2", "t", "y", "null", "truee", "0.0"])
def test_anything_else_is_an_error(value: str) -> None:
    with pytest.raises(ConfigurationError, match="Nothing was removed"):
        remove_data_allowed({"WCH_REMOVE_DATA": value})


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"WCH_DATABASE_URL": ""}, "WCH_DATABASE_URL is set, but empty"),
        ({"WCH_WORDPRESS": ""}, "WCH_WORDPRESS is set, but empty"),
        ({"WCH_DATABASE": ""}, "did you mean WCH_DATABASE_URL?"),
        ({"WCH_DB_URL": "mysql://u:s3cr3t@h/d"}, "did you mean WCH_DATABASE_URL?"),
        ({"WCH_PREFIX": "shop_"}, "did you mean WCH_TABLE_PREFIX?"),
        ({"wch_table_prefix": "shop_"}, "did you mean WCH_TABLE_PREFIX?"),
        ({"WCH_DATABASE_URL": "sqlite:///x.db", "WCH_TABLEPREFIX": "x_"}, "did you mean WCH_TABLE_PREFIX?"),
        ({"WCH_QUITE_SO": "1"}, ". Known variables: WCH_DATABASE_URL, "),
    ],
)
def test_a_variable_that_is_empty_or_misspelt_stops_what_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in gather(environment).unclear
    for command in ("activate", "migrate", "repair", "rollback", "uninstall"):
        result = wch(command, **environment)
        assert (result.code, result.out, len(result.err.splitlines())) == (78, "", 1)
        assert said in result.err
        assert "s3cr3t" not in result.err
    read = wch("status", **environment)
    assert (read.code, said in read.err.splitlines()[0]) == (1, True)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=r"Nothing was changed"):
        hooks.activate()
    assert [path.name for path in tmp_path.iterdir()] == []
    given = wch("activate", "--database", "sqlite:///given.db", "--prefix", "x_", **environment)
    assert (given.code, "Warning" in given.err) == (0, False)


def test_every_variable_that_is_read_is_known() -> None:
    """Those of the tests and of the benchmarks are harmless, too."""
    places = [
        ROOT / ".ci" / "run",
        ROOT / "tests" / "run",
        ROOT / "Makefile",
        ROOT / "docs" / "settings.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "conftest.py",
    ]
    sources = [path for folder in ("wch_peewee", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    text = "\n".join(path.read_text() for path in [*places, *sources])
    # .ci/run sets WCH_LAB for the script of the servers alone.
    names = set(re.findall(r"(?<!_)\bWCH_[A-Z_]*[A-Z]\b", text)) - {"WCH_LAB"}
    assert names > set(VARIABLES)
    assert (
        gather(
            dict.fromkeys(names - {"WCH_REMOVE_DATA"}, "sqlite:///x.db") | {"WCH_TABLE_PREFIX": "", "WCH_WORDPRESS": ""}
        ).unclear
        == ""
    )
