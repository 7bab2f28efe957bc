"""WordPress's dbDelta and the managed tables: the text of ``wch schema --format dbdelta``, in both directions."""

from __future__ import annotations

import re

import pytest

from tests.support.command import wch
from tests.support.php_rows import leave_behind
from tests.support.snapshots import schema, snapshot
from tests.support.wordpress import WordPressSite
from wch_peewee import MODELS, Plugin, db_delta

FOREIGN_KEY = "Added foreign key wp_wch_messages (`conversation_id`) REFERENCES wp_wch_conversations (`id`)"


@pytest.fixture
def text(wordpress: WordPressSite) -> str:
    """Return the text that the command prints for this site."""
    return wch("schema", "--format", "dbdelta", database=wordpress.url).out


def test_on_tables_of_ours_it_changes_nothing_however_often(wordpress: WordPressSite, text: str) -> None:
    Plugin(wordpress.url).activate()
    before = snapshot(wordpress.database)
    for _ in range(3):
        assert not wordpress.db_delta(text)
    after = snapshot(wordpress.database)
    # WordPress looks after its own options meanwhile.
    assert {name: after[name] for name in after if "wch" in name} == {
        name: before[name] for name in before if "wch" in name
    }
    assert schema(wordpress.database) == {name: definition for name, (definition, _) in before.items()}


def test_what_it_makes_lacks_the_foreign_key_alone(wordpress: WordPressSite, text: str) -> None:
    made = wordpress.db_delta(text)
    assert made.said == [f"Created table {name}" for name in Plugin(wordpress.url).manager.names.tables]
    assert not wordpress.db_delta(text)

    report = db_delta(MODELS, wordpress.database.database)
    assert (list(report), report.refusals, report.extras) == ([FOREIGN_KEY], (), ())
    assert list(db_delta(MODELS, wordpress.database.database)) == []
    assert not wordpress.db_delta(text)


def test_both_make_the_same_tables(wordpress: WordPressSite, text: str) -> None:
    wordpress.db_delta(text)
    Plugin(wordpress.url).activate()
    by_php = schema(wordpress.database)
    wordpress.reset()
    Plugin(wordpress.url).activate()
    assert schema(wordpress.database) == by_php


def as_plugins_write_it(text: str) -> str:
    """Return the text in capitals, with blanks in enums and JSON types: dbDelta finds changes in it on every run."""
    text = re.sub(r"longtext CHARACTER SET \S+ COLLATE \S+ NULL CHECK \(json_valid\(\w+\)\)", "JSON NULL", text)
    text = re.sub(r"enum\((.*?)\)", lambda match: f"ENUM({match[1].replace(',', ', ')})", text)
    types = r"(?<!')\b(?:bigint|varchar|datetime|int|tinyint|text|json|unsigned)\b"
    return re.sub(types, lambda match: match[0].upper(), text)


def test_a_text_that_is_not_ours_costs_alters_and_changes_nothing_either(wordpress: WordPressSite, text: str) -> None:
    Plugin(wordpress.url).activate()
    leave_behind(wordpress)
    before = snapshot(wordpress.database, without=("wp_options",))
    for _ in range(2):
        done = wordpress.db_delta(as_plugins_write_it(text))
        assert [query.split()[0] for query in done.sent] == ["ALTER"] * len(done.sent) != []
    assert snapshot(wordpress.database, without=("wp_options",)) == before
    assert Plugin(wordpress.url).activate().outcome == "current"


def test_it_puts_back_what_went_missing(wordpress: WordPressSite, text: str) -> None:
    Plugin(wordpress.url).activate()
    wordpress.database.execute("ALTER TABLE wp_wch_carts DROP COLUMN coupon_code, DROP INDEX expires_at")
    assert wordpress.db_delta(text).said == [
        "Added column wp_wch_carts.coupon_code",
        "Added index wp_wch_carts KEY `expires_at` (`expires_at`)",
    ]
    assert not wordpress.db_delta(text)
    assert list(db_delta(MODELS, wordpress.database.database)) == []


def test_the_text_needs_no_database_where_the_site_is_as_wordpress_makes_it(
    wordpress: WordPressSite, text: str
) -> None:
    assert wch("schema", "--format", "dbdelta", "--engine", wordpress.database.family).out == text
