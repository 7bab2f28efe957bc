"""Settings: parameters win over the environment, and that over the defaults; nothing is guessed."""

from __future__ import annotations

import pytest

from wch_peewee import ConfigurationError
from wch_peewee.settings import Settings, remove_data_allowed


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
    with pytest.raises(ConfigurationError, match="Nothing is removed"):
        remove_data_allowed({"WCH_REMOVE_DATA": value})
