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
    for command in ("check", "status"):
        assert wch(command, database=odd.url).code == 1
    ignored = wch(
        "check", "--ignore", "Add index *", "--ignore", "Change *", "--ignore", "Add foreign *", database=odd.url
    )
    assert (ignored.code, "(ignored as configured)" in ignored.out, "Drift" in ignored.out) == (0, True, False)
    for command in ("activate", "repair", "plan", "check", "status"):
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


WIDER = "ALTER TABLE wp_wch_carts MODIFY coupon_code varchar(80) NULL"
OTHER_COLLATION = "ALTER TABLE wp_wch_carts MODIFY coupon_code varchar(50) COLLATE utf8mb4_bin NULL"
NULLS = (
    "ALTER TABLE wp_wch_customer_profiles MODIFY name varchar(100) NULL",
    "INSERT INTO wp_wch_customer_profiles (phone, opt_in_marketing, created_at, updated_at) VALUES ('1', 0, 0, 0)",
)


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize("changes", [(WIDER,), (OTHER_COLLATION,), NULLS], ids=["wider", "collation", "nulls"])
def test_status_counts_what_is_refused_although_nothing_is_missing(
    installed: LiveDatabase, changes: tuple[str, ...]
) -> None:
    installed.execute("SET SESSION sql_mode = ''")
    for change in changes:
        installed.execute(change)
    assert wch("check", database=installed.url).code == 1
    status = wch("status", database=installed.url)
    assert (status.code, "the tables differ in 1 place" in status.out) == (1, True)
    assert wch("status", database=installed.url, WCH_IGNORE="*").code == 0


def test_what_the_models_cannot_work_with_is_not_ignored(installed: LiveDatabase) -> None:
    installed.execute("DROP TABLE wp_wch_carts")
    installed.execute("CREATE TABLE wp_wch_carts (id int)")
    with pytest.raises(SchemaConflict):
        DatabaseManager(installed.url, ignore=["*"]).install()
