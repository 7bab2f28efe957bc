"""Names are computed, exact, and within the engines' limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wch_peewee.errors import ConfigurationError, UnknownTable
from wch_peewee.models.namespace import TABLES, our_names
from wch_peewee.schema import naming
from wch_peewee.schema.naming import WORDPRESS, Namespace, as_site

prefixes = st.text("abzAZ09_", max_size=41)


@pytest.mark.parametrize("table", TABLES)
def test_both_spellings_name_the_same_table(table: str) -> None:
    assert our_names().known(table) == f"wp_wch_{table}"
    assert our_names().known(f"wch_{table}") == f"wp_wch_{table}"
    assert our_names("").known(table) == f"wch_{table}"


@pytest.mark.parametrize("table", ["", "cart", "wch_", "wch_wch_carts", "wp_wch_carts", "Carts", "carts ", "options"])
def test_an_unknown_table_lists_the_known_ones(table: str) -> None:
    with pytest.raises(UnknownTable) as caught:
        our_names().known(table)
    assert all(known in str(caught.value) for known in TABLES)
    assert "\n" not in str(caught.value)


@given(prefixes)
def test_every_possible_prefix_gives_names_that_fit(prefix: str) -> None:
    names = (*our_names(prefix).owned, our_names(prefix).options)
    assert len(set(names)) == 9
    assert all(name.startswith(prefix) and len(name) <= 64 for name in names)


@pytest.mark.parametrize("prefix", ["wp-", "wp.", "wp ", "wp`", "wp_\n", "wpä_", "wp٣_", "a" * 42, 5])
def test_an_impossible_prefix_is_one_clear_line(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Table prefix [^\n]*\.$"):
        our_names(prefix)


def test_owned_are_the_six_and_the_books_parents_first() -> None:
    assert our_names("x_").owned == (
        "x_wch_conversations",
        "x_wch_messages",
        "x_wch_carts",
        "x_wch_customer_profiles",
        "x_wch_broadcast_campaigns",
        "x_wch_sync_queue",
        "x_wch_migratehistory",
        "x_wch_migrateledger",
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


SHOP = Namespace("shop").at("wp_", ("invoices", "lines"))


def test_a_namespace_names_everything_of_its_plugin() -> None:
    assert SHOP.owned == ("wp_shop_invoices", "wp_shop_lines", "wp_shop_migratehistory", "wp_shop_migrateledger")
    space = SHOP.namespace
    assert (space.version_option, space.lease_option) == ("shop_db_version", "shop_db_upgrade.lock")
    assert (space.remove_data, space.package) == ("SHOP_REMOVE_DATA", "shop")
    assert SHOP.known("invoices") == SHOP.known("shop_invoices") == "wp_shop_invoices"
    with pytest.raises(UnknownTable, match=r"expected one of invoices, lines\.$"):
        SHOP.known("carts")


@pytest.mark.parametrize("name", ["Shop", "2shop", "shop_", "_shop", "s-hop", "s" * 21, "shöp", None])
def test_an_impossible_namespace_is_one_clear_line(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Namespace [^\n]*\.$"):
        Namespace(name)


@pytest.mark.parametrize(
    "key", ["", "Invoices", "1st", "in voices", "migratehistory", "shop_migrateledger", "pro_migratehistory", None]
)
def test_an_impossible_key_is_one_clear_line(key: str) -> None:
    assert SHOP.namespace.check_key("shop_invoices") == "invoices"
    with pytest.raises(ConfigurationError, match=r"^Table key [^\n]*\.$"):
        SHOP.namespace.check_key(key)


def test_what_is_too_long_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^Table key 'x{57}' is too long: 57 characters, at most 56 fit behind"
    ):
        Namespace("shop").at("wp_", ("x" * 57,))
    with pytest.raises(
        ConfigurationError, match=r"^Table prefix 'wp_2_' is too long: 5 characters, expected at most 3\.$"
    ):
        Namespace("shop").at("wp_2_", ("x" * 56,))
    assert len(Namespace("shop").at("", ("x" * 59,)).tables[0]) == 64


def test_two_values_of_one_name_are_one_namespace() -> None:
    assert Namespace("shop", package="a") == Namespace("shop") != Namespace("shops")
    assert hash(Namespace("shop", package="a")) == hash(Namespace("shop"))


def test_other_namespaces_that_could_have_the_same_table() -> None:
    assert Namespace("shop").at("wp_", ("pro_things", "lines")).namesakes() == {
        "wp_shop_pro_migratehistory": ("wp_shop_pro_things", "shop_pro")
    }
    assert Namespace("shop_pro").at("", ("things",)).namesakes() == {"shop_migratehistory": ("shop_pro_things", "shop")}


@pytest.mark.parametrize("key", ["{prefix}posts", "{prefix}wch_carts", "lines", "later"])
def test_a_key_has_one_name_and_back(key: str) -> None:
    assert SHOP.key(SHOP.table(key)) == key


def test_tables_that_a_network_shares_have_its_own_prefix() -> None:
    second = SHOP.at("wp_2_", "wp_")
    assert (second.table("{prefix}users"), second.table("{prefix}posts")) == ("wp_users", "wp_2_posts")
    assert (second.table("users"), second.at("wp_").table("{prefix}users")) == ("wp_2_shop_users", "wp_users")
    assert SHOP.at("other_").table("{prefix}users") == "other_users"
    assert WORDPRESS.at("wp_").at("wp_3_", "wp_").table("users") == "wp_users"
    assert SHOP.at("2_", "").table("{prefix}users") == "users"
    assert SHOP.at("wp_3_").table("{prefix}users") == second.at("wp_3_").table("{prefix}users") == "wp_3_users"


@pytest.mark.parametrize(
    ("prefix", "site"),
    [
        ("wp_2_", ("wp_", 2)), ("wp_12_", ("wp_", 12)), ("7_", ("", 7)), ("wp_2_3_", ("wp_2_", 3)), ("wp2_", ("wp", 2)),
        ("wp_", None), ("wp_1_", None), ("wp_02_", None), ("wp_0_", None), ("wp_2", None), ("", None),
    ],
)  # fmt: skip
def test_a_prefix_that_a_site_of_a_network_can_have(prefix: str, site: tuple[str, int] | None) -> None:
    assert as_site(prefix) == site
