"""The option ``wch_db_version`` as WordPress reads and writes it: after the library, before it, through a cache."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command import wch
from tests.support.migration_chain import NEWEST
from tests.support.wordpress import WordPressSite
from wch_peewee import DatabaseManager, Plugin
from wch_peewee.execution.session import read_session
from wch_peewee.models.namespace import our_names
from wch_peewee.wordpress.object_cache import object_cache_advice, object_cache_dropin
from wch_peewee.wordpress.options import read_option

READ = "return get_option( 'wch_db_version' );"
ROW = "SELECT option_id, option_value, autoload FROM wp_options WHERE option_name = 'wch_db_version'"


def test_php_reads_what_activate_and_an_upgrade_wrote(wordpress: WordPressSite, chain: Path) -> None:
    assert wordpress.php(READ) is False
    Plugin(wordpress.url).activate()
    assert wordpress.php(READ) == "1.0.0"
    DatabaseManager(wordpress.url, migrations=chain).run_migrations()
    assert wordpress.php(READ) == NEWEST
    assert wordpress.php("return wp_load_alloptions( true )['wch_db_version'] ?? null;") is None
    ((_, _, autoload),) = wordpress.database.execute(ROW)
    assert autoload == "no"


def test_the_folder_alone_is_enough(wordpress: WordPressSite) -> None:
    """wp-config.php names PHP's database, and wp-content shows that there is a cache."""
    wordpress.cache()
    assert wordpress.php(READ) is False
    done = wch("activate", "--wordpress", str(wordpress.folder))
    assert done.code == 0
    for key, group in re.findall(r"wp cache delete (\S+) (\S+) --path=", done.err):
        wordpress.php("wp_cache_delete( $key, $group );", key=key, group=group)
    assert wordpress.php(READ) == "1.0.0"
    assert Plugin.from_wordpress(wordpress.folder).admin_init().outcome == "current"


def test_php_reads_what_uninstall_left(wordpress: WordPressSite) -> None:
    Plugin(wordpress.url, remove_data=True).activate()
    Plugin(wordpress.url, remove_data=True).uninstall()
    assert wordpress.php(READ) is False
    assert wordpress.php("add_option( 'wch_db_version', '1.0.0' ); " + READ) == "1.0.0"


@pytest.mark.parametrize("autoload", ["null", "'yes'", "'no'"])
def test_a_row_of_phps_is_read_and_keeps_its_id_and_its_autoload(wordpress: WordPressSite, autoload: str) -> None:
    """WordPress has other words since 6.6: auto, on and off. The library never changes them."""
    arguments = "" if autoload == "null" else f", '', {autoload}"
    wordpress.php(f"add_option( 'wch_db_version', '0.9.0'{arguments} );")
    ((option_id, _, word),) = wordpress.database.execute(ROW)
    plugin = Plugin(wordpress.url)
    assert plugin.manager.status().version == "0.9.0"
    assert plugin.activate().version_before == "0.9.0"
    assert wordpress.database.execute(ROW) == [(option_id, "1.0.0", word)]
    assert wordpress.php(READ) == "1.0.0"


def test_an_update_by_php_is_an_update_of_our_row(wordpress: WordPressSite) -> None:
    Plugin(wordpress.url).activate()
    ((option_id, _, _),) = wordpress.database.execute(ROW)
    assert wordpress.php("return update_option( 'wch_db_version', '0.9.0' );") is True
    assert wordpress.database.execute(ROW) == [(option_id, "0.9.0", "no")]
    assert Plugin(wordpress.url).admin_init().version_before == "0.9.0"
    assert wordpress.php(READ) == "1.0.0"


def test_whatever_php_stored_is_read_as_it_is_in_the_row(wordpress: WordPressSite) -> None:
    written = ["", "garbage", " 1.0.0\n", "1.0.0-rc1", "a:0:{}", 0, 1.5, True, ["1.0.0"], {"v": "1.0.0"}, "1.0.0 🍎"]
    rows = wordpress.php(
        "foreach ( $written as $n => $value ) { add_option( 'wch_odd_' . $n, $value ); }"
        'return $wpdb->get_col( "SELECT option_value FROM wp_options '
        "WHERE option_name LIKE 'wch_odd%' ORDER BY option_id\" );",
        written=written,
    )
    with read_session(wordpress.database.database, our_names("wp_")) as context:
        ours = [read_option(context.connection, "wp_", f"wch_odd_{n}") for n in range(len(rows))]
    assert ours == [row or "" for row in rows]
    assert [ours[n] for n in (0, 2, 5, 6, 7, 10)] == ["", " 1.0.0\n", "0", "1.5", "1", "1.0.0 🍎"]


# --- with a persistent object cache


def test_a_first_activation_heals_by_phps_own_update(wordpress: WordPressSite) -> None:
    """The new row has autoload ``no``: PHP's INSERT ... ON DUPLICATE KEY UPDATE then changes the row and its cache."""
    wordpress.cache()
    assert wordpress.php(READ) is False  # and is remembered as missing
    Plugin(wordpress.url).activate()
    assert wordpress.php(READ) is False
    assert wordpress.php("return update_option( 'wch_db_version', '1.0.0' );") is True
    assert wordpress.php(READ) == "1.0.0"


def test_after_an_upgrade_php_is_stuck_until_the_lines_of_the_advice_are_run(
    wordpress: WordPressSite, chain: Path
) -> None:
    Plugin(wordpress.url).activate()
    wordpress.cache()
    assert wordpress.php(READ) == "1.0.0"
    DatabaseManager(wordpress.url, migrations=chain).run_migrations()
    assert wordpress.php(READ) == "1.0.0"
    assert wordpress.php("return update_option( 'wch_db_version', $version );", version=NEWEST) is False
    assert wordpress.php(READ) == "1.0.0"

    said = "\n".join(object_cache_advice(wordpress.folder))
    assert said.startswith(str(object_cache_dropin(wordpress.folder)))
    for key, group in re.findall(r"wp cache delete (\S+) (\S+) --path=", said):
        wordpress.php("wp_cache_delete( $key, $group );", key=key, group=group)
    assert wordpress.php(READ) == NEWEST


def test_the_hook_lets_php_follow(wordpress: WordPressSite, chain: Path) -> None:
    told = []

    def clear(name: str, value: str | None, prefix: str) -> None:
        told.append((name, value))
        clearing = (
            "foreach ( array( $name, 'alloptions', 'notoptions' ) as $key ) { wp_cache_delete( $key, 'options' ); }"
        )
        wordpress.php(clearing, name=name)

    wordpress.cache()
    assert wordpress.php(READ) is False
    plugin = Plugin(wordpress.url, remove_data=True, on_option_written=clear)
    plugin.activate()
    assert wordpress.php(READ) == "1.0.0"
    newer = DatabaseManager(wordpress.url, migrations=chain, remove_data=True)
    newer.on_option_written = clear
    newer.run_migrations()
    assert wordpress.php(READ) == NEWEST
    newer.rollback()
    assert wordpress.php(READ) == "2.0.0"
    # A table of the tests' own chain, which no model here knows.
    newer.database.execute_sql("DROP TABLE wp_wch_message_bodies")
    newer.uninstall()
    assert wordpress.php(READ) is False
    names = [("wch_db_version", version) for version in ("1.0.0", NEWEST, "2.0.0", None)]
    assert told == names
