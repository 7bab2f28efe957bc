"""Refusals that somebody has accepted: a MyISAM table, a partitioned one without the foreign key."""

from __future__ import annotations

import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from wch_peewee import DatabaseManager, Plugin, SchemaConflict

ENGINE = "Change engine of wp_wch_carts from MyISAM to InnoDB"


@pytest.fixture
def odd(installed: LiveDatabase) -> LiveDatabase:
    """One refusal on each engine, on servers a second one."""
    if installed.family == "sqlite":
        installed.execute("DROP INDEX wp_wch_carts_expires_at")
        installed.execute("CREATE INDEX wp_wch_carts_expires_at ON wp_wch_carts (coupon_code)")
        return installed
    ((key,),) = installed.execute(
        "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()"
    )
    for change in (
        "wp_wch_carts ENGINE=MyISAM",
        f"wp_wch_messages DROP FOREIGN KEY {key}",
        "wp_wch_messages DROP KEY wa_message_id, ADD UNIQUE KEY wa_message_id (wa_message_id, id)",
        "wp_wch_messages PARTITION BY HASH (id) PARTITIONS 2",
    ):
        installed.execute(f"ALTER TABLE {change}")
    return installed


def test_what_is_ignored_is_left_alone_and_no_difference(odd: LiveDatabase) -> None:
    assert wch("check", database=odd.url).code == 1
    ignored = wch(
        "check", "--ignore", "Add index *", "--ignore", "Change *", "--ignore", "Add foreign *", database=odd.url
    )
    assert (ignored.code, "(ignored as configured)" in ignored.out, "Drift" in ignored.out) == (0, True, False)
    for command in ("activate", "repair", "plan", "check"):
        assert wch(command, "--ignore", "*", database=odd.url).code == 0
        assert wch(command, database=odd.url, WCH_IGNORE="Add *\n\nChange engine of *").code == 0
    report = Plugin(odd.database, ignore=["*"]).activate()
    assert (report.outcome, report.refusals) == ("current", ())
    assert report.extras
    assert DatabaseManager(odd.url, ignore=["nothing of the kind"]).install().refusals


@pytest.mark.families("mysql", "mariadb")
def test_the_words_are_all_of_them(odd: LiveDatabase) -> None:
    assert ENGINE not in [r.what for r in DatabaseManager(odd.url, ignore=[ENGINE]).plan().plan.refusals]
    for words in ("Change engine of", "engine", ENGINE[:-1], "[C]hange engine of *", "Change engine of ???????*"):
        assert ENGINE in [r.what for r in DatabaseManager(odd.url, ignore=[words]).plan().plan.refusals]


def test_what_the_models_cannot_work_with_is_not_ignored(installed: LiveDatabase) -> None:
    installed.execute("DROP TABLE wp_wch_carts")
    installed.execute("CREATE TABLE wp_wch_carts (id int)")
    with pytest.raises(SchemaConflict):
        DatabaseManager(installed.url, ignore=["*"]).install()
