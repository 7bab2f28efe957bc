"""``on_option_written``: when it is called, with what, and that its errors do not harm the run."""

from __future__ import annotations

import logging
from pathlib import Path

import peewee
import pytest

from tests.support.databases import LiveDatabase
from wch_peewee import DatabaseManager, Plugin, WchError
from wch_peewee.migrate import state as version
from wch_peewee.schema.statements import Statement

News = list[tuple[str, str | None]]
NAME = "wch_db_version"


@pytest.fixture
def news() -> News:
    return []


def plugin_of(database: LiveDatabase, news: News) -> Plugin:
    return Plugin(
        database.url,
        remove_data=True,
        patience=0.5,
        on_option_written=lambda name, value, prefix: news.append((name, value)),
    )


def test_it_is_told_of_what_was_written_and_of_nothing_else(database: LiveDatabase, news: News) -> None:
    plugin = plugin_of(database, news)
    plugin.activate()
    assert news == [(NAME, "1.0.0")]
    plugin.activate()
    plugin.admin_init()
    plugin.deactivate()
    assert len(news) == 1
    database.execute("UPDATE wp_options SET option_value = '0.1.0' WHERE option_name = %s", [NAME])
    plugin.admin_init()
    assert news[1:] == [(NAME, "1.0.0")]
    plugin.uninstall()
    assert news[2:] == [(NAME, None)]
    plugin.uninstall()
    assert len(news) == 3
    plugin.database.close()


def test_then_the_row_can_be_read_and_the_lock_is_free(database: LiveDatabase) -> None:
    seen = []

    def read_session(name: str, value: str | None, prefix: str) -> None:
        other = DatabaseManager(database.url, patience=0.5, remove_data=True)
        seen.append((value, other.status().version))
        if value is not None:
            other.uninstall()

    Plugin(database.url, on_option_written=read_session).activate()
    assert seen == [("1.0.0", "1.0.0")]
    assert DatabaseManager(database.url).status().version is None


def test_it_can_tell_for_which_site_of_a_network(database: LiveDatabase) -> None:
    seen = []
    manager = DatabaseManager(database.url)
    manager.on_option_written = lambda name, value, prefix: seen.append((prefix, value))
    for prefix in ("wp_", "wp_2_"):
        manager.at(prefix).install()
    assert seen == [("wp_", "1.0.0"), ("wp_2_", "1.0.0")]


def test_what_it_raises_is_logged_and_the_run_is_done(database: LiveDatabase, caplog: pytest.LogCaptureFixture) -> None:
    def fail(name: str, value: str | None, prefix: str) -> None:
        raise ConnectionRefusedError("the cache is down")

    with caplog.at_level(logging.ERROR, "wch_peewee"):
        assert Plugin(database.url, on_option_written=fail).activate().outcome == "installed"
    (record,) = caplog.records
    assert record.getMessage() == (
        "wch_db_version was set to 1.0.0, and on_option_written failed; what caches it may show the old value"
    )
    assert "the cache is down" in caplog.text
    assert Plugin(database.database).admin_init().outcome == "current"


def test_a_run_that_fails_later_tells_of_what_stays(database: LiveDatabase, chain: Path, news: News) -> None:
    manager = DatabaseManager(database.url, migrations=chain)
    manager.on_option_written = lambda name, value, prefix: news.append((name, value))

    def fail(statement: Statement) -> None:
        if "agent_id" in statement.sql and "CREATE" not in statement.sql:
            raise WchError("no further")

    manager.before_statement = fail
    with pytest.raises(WchError, match="no further"):
        manager.run_migrations()
    stays = DatabaseManager(database.url).status().version
    # SQLite undoes the whole run, the others keep two migrations.
    assert stays == (None if database.family == "sqlite" else "1.1.0")
    assert news == ([] if stays is None else [(NAME, stays)])


@pytest.mark.families("mysql", "mariadb")
def test_a_write_whose_connection_was_lost_may_have_been_done(
    database: LiveDatabase, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*arguments: object) -> None:
        raise peewee.OperationalError(2013, "Lost connection to server during query")

    monkeypatch.setattr(version, "write_option", lost)
    with pytest.raises(WchError):
        plugin_of(database, news).activate()
    assert news == [(NAME, "1.0.0")]


@pytest.mark.families("mysql", "mariadb")
def test_a_write_that_was_refused_was_not_done(
    database: LiveDatabase, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object) -> None:
        raise peewee.OperationalError(1290, "The server is running with the --read-only option")

    monkeypatch.setattr(version, "write_option", refused)
    with pytest.raises(WchError):
        plugin_of(database, news).activate()
    assert news == []
