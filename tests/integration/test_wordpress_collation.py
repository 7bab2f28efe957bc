"""Managed tables beside the site's own: joins from PHP and from Python, with every collation of the site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import peewee
import pytest

from tests.support.bound import bound
from tests.support.wordpress import WordPressSite
from wch_peewee import CustomerProfile, Plugin
from wch_peewee.database.connect import DEFAULT_COLLATION
from wch_peewee.install.doctor import diagnose

#: Each finds the one row; our tables stand first, then last.
COMPARISONS = (
    "SELECT COUNT(*) FROM wp_wch_customer_profiles p JOIN wp_users u ON u.display_name = p.name",
    "SELECT COUNT(*) FROM wp_users u JOIN wp_wch_customer_profiles p ON p.name = u.display_name",
    "SELECT COUNT(*) FROM wp_wch_customer_profiles WHERE name IN (SELECT user_login FROM wp_users)",
    "SELECT COUNT(*) FROM wp_users WHERE user_login IN (SELECT name FROM wp_wch_customer_profiles)",
    "SELECT COUNT(*) FROM (SELECT name FROM wp_wch_customer_profiles UNION SELECT user_login FROM wp_users) AS x",
    "SELECT COUNT(*) FROM wp_options JOIN wp_wch_customer_profiles ON phone = option_value AND name = option_name",
    "SELECT COUNT(*) FROM wp_users u JOIN wp_wch_customer_profiles p ON p.wc_customer_id = u.ID",
)

#: These compare with what the session's own collation has.
CASTS = (
    "SELECT COUNT(*) FROM wp_users u JOIN wp_wch_customer_profiles p ON p.phone = CAST(u.ID AS CHAR)",
    "SELECT COUNT(*) FROM wp_users u JOIN wp_wch_customer_profiles p ON u.user_login = CAST(p.name AS CHAR)",
)


@contextmanager
def made_of(site: WordPressSite, words: str) -> Iterator[None]:
    """Alter the site's own tables for the block; ``words`` follow ALTER TABLE."""
    # By PHP, whose sessions bear the zero dates that are a default in wp_users.
    alter = "foreach ( array( 'wp_options', 'wp_users' ) as $table ) { $wpdb->query( \"ALTER TABLE $table $words\" ); }"
    try:
        site.php(alter, words=words)
        yield
    finally:
        site.php(alter, words=f"ENGINE=InnoDB, CONVERT TO CHARACTER SET utf8mb4 COLLATE {DEFAULT_COLLATION}")


def compare(site: WordPressSite, queries: tuple[str, ...]) -> None:
    """Insert one row on both sides, and find it from both sides."""
    plugin = Plugin(site.url)
    plugin.activate()
    with bound(plugin.database, plugin.prefix):
        CustomerProfile.create(phone="1", name="admin", wc_customer_id=1)
        for query in queries:
            assert plugin.database.execute_sql(query).fetchall() == ((1,),), query
    plugin.database.close()
    assert site.php("return array_map( array( $wpdb, 'get_var' ), $queries );", queries=queries) == ["1"] * len(queries)
    assert site.php(
        "$wpdb->insert( 'wp_wch_customer_profiles', array( 'phone' => '🍎', 'name' => 'Zoë 🐍' ) );"
        "return $wpdb->get_row( \"SELECT phone, name FROM wp_wch_customer_profiles WHERE phone <> '1'\", ARRAY_N );"
    ) == ["🍎", "Zoë 🐍"]


def collations(site: WordPressSite) -> set[str]:
    query = (
        "SELECT DISTINCT TABLE_COLLATION, ENGINE FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'wp\\_wch\\_%%'"
    )
    rows = site.database.execute(query)
    assert {engine for _, engine in rows} == {"InnoDB"}
    return {collation for collation, _ in rows}


@pytest.fixture(autouse=True)
def _option(wordpress: WordPressSite) -> Iterator[None]:
    wordpress.php("add_option( 'admin', '1', '', 'no' );")
    yield
    wordpress.php("delete_option( 'admin' );")


def test_as_wordpress_makes_it(wordpress: WordPressSite) -> None:
    compare(wordpress, COMPARISONS + CASTS)
    assert collations(wordpress) == {DEFAULT_COLLATION}


def test_a_table_with_the_servers_own_collation_could_not_be_compared(wordpress: WordPressSite) -> None:
    """The reason for the tests above: each server's default differs from WordPress's."""
    wordpress.database.execute("CREATE TABLE wch_plain (name varchar(20)) CHARACTER SET utf8mb4")
    with pytest.raises(peewee.OperationalError, match="1267"):
        wordpress.database.execute("SELECT COUNT(*) FROM wch_plain p JOIN wp_users u ON u.display_name = p.name")


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_bin"])
def test_a_site_with_a_collation_of_its_own(wordpress: WordPressSite, collation: str) -> None:
    with made_of(wordpress, f"CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}"):
        compare(wordpress, COMPARISONS)
        assert collations(wordpress) == {collation}


@pytest.mark.parametrize("charset", ["utf8mb3", "latin1"])
def test_a_site_from_before_utf8mb4(wordpress: WordPressSite, charset: str) -> None:
    with made_of(wordpress, f"CONVERT TO CHARACTER SET {charset}"):
        compare(wordpress, COMPARISONS)
        assert collations(wordpress) == {DEFAULT_COLLATION}
        found = {finding.name: finding for finding in diagnose(Plugin(wordpress.url).manager)}
        assert f"{charset} cannot hold emoji" in found["collation"].advice


def test_a_site_on_myisam(wordpress: WordPressSite) -> None:
    with made_of(wordpress, "ENGINE=MyISAM"):
        compare(wordpress, COMPARISONS)
        assert collations(wordpress) == {DEFAULT_COLLATION}
        assert Plugin(wordpress.url).admin_init().outcome == "current"
        assert wordpress.php("return get_option( 'wch_db_version' );") == "1.0.0"
