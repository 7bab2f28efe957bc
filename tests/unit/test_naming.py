"""Names are computed, exact, and within the engines' limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wch_peewee.errors import ConfigurationError, UnknownTable
from wch_peewee.schema import naming

prefixes = st.text("abzAZ09_", max_size=41)


@pytest.mark.parametrize("table", naming.TABLES)
def test_both_spellings_name_the_same_table(table: str) -> None:
    assert naming.full_table_name(table) == f"wp_wch_{table}"
    assert naming.full_table_name(f"wch_{table}") == f"wp_wch_{table}"
    assert naming.full_table_name(table, "") == f"wch_{table}"


@pytest.mark.parametrize("table", ["", "cart", "wch_", "wch_wch_carts", "wp_wch_carts", "Carts", "carts ", "options"])
def test_an_unknown_table_lists_the_known_ones(table: str) -> None:
    with pytest.raises(UnknownTable) as caught:
        naming.full_table_name(table)
    assert all(known in str(caught.value) for known in naming.TABLES)
    assert "\n" not in str(caught.value)


@given(prefixes)
def test_every_possible_prefix_gives_names_that_fit(prefix: str) -> None:
    assert naming.check_prefix(prefix) == prefix
    names = (*naming.owned_names(prefix), naming.options_table_name(prefix))
    assert len(set(names)) == 8
    assert all(name.startswith(prefix) and len(name) <= 64 for name in names)


@pytest.mark.parametrize("prefix", ["wp-", "wp.", "wp ", "wp`", "wp_\n", "wpä_", "wp٣_", "a" * 42, None, 5])
def test_an_impossible_prefix_is_one_clear_line(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Table prefix [^\n]*\.$"):
        naming.check_prefix(prefix)


def test_owned_are_the_six_and_the_history_parents_first() -> None:
    assert naming.owned_names("x_") == (
        "x_wch_conversations",
        "x_wch_messages",
        "x_wch_carts",
        "x_wch_customer_profiles",
        "x_wch_broadcast_campaigns",
        "x_wch_sync_queue",
        "x_wch_migratehistory",
    )


def test_a_constraint_name_that_fits_is_plain() -> None:
    assert naming.constraint_name("wp_wch_messages", "conversation_id") == "wp_wch_messages_conversation_id"
    assert naming.constraint_name("t" * 60, "abc") == "t" * 60 + "_abc"


@given(st.text("ab_", min_size=64, max_size=80), st.text("ab_", min_size=64, max_size=80))
def test_long_constraint_names_fit_and_stay_apart(one: str, other: str) -> None:
    name = naming.constraint_name(one, "c")
    assert len(name) == 64
    assert name == naming.constraint_name(one, "c")
    assert (name == naming.constraint_name(other, "c")) == (one == other)


def test_a_long_constraint_name_never_changes() -> None:
    # It is in databases already: another hash would make another constraint.
    assert naming.constraint_name("w" * 64, "c") == "w" * 55 + "_ddc23854"
