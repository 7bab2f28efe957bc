"""A real WordPress network: PHP creates and deletes the sites, and reads what was done for each."""

from __future__ import annotations

from tests.support.command import wch
from tests.support.wordpress import WordPressSite
from wch_peewee import Plugin

READ = "switch_to_blog( $id ); $version = get_option( 'wch_db_version' ); restore_current_blog(); return $version;"


def test_a_network_from_its_folder(wordpress_network: WordPressSite) -> None:
    site = wordpress_network
    done = wch("activate", "--network", "--path", str(site.folder))
    assert (done.code, done.out.splitlines()[-1]) == (0, "Success: 2 sites, 0 failed.")
    assert [site.php(READ, id=number) for number in (1, 2)] == ["1.0.0", "1.0.0"]
    assert wch("status", "--path", str(site.folder), "--url", "localhost/shop").code == 0

    plugin = Plugin.from_wordpress(site.folder, remove_data=True)
    new = site.php("return wpmu_create_blog( 'localhost', '/tea/', 'Tea', 1 );")
    assert plugin.site_created(new).outcome == "installed"
    assert site.php(READ, id=new) == "1.0.0"
    table = f"wp_{new}_wch_carts"
    insert = "$wpdb->insert( $wpdb->prefix . 'wch_carts', array( 'customer_phone' => '+49 🍵', 'items' => '[]', "
    insert += "'expires_at' => '2030-01-01', 'created_at' => '2030-01-01', 'updated_at' => '2030-01-01' ) );"
    site.php(f"switch_to_blog( $id ); {insert} restore_current_blog();", id=new)
    assert site.database.execute(f"SELECT customer_phone FROM {table}") == [("+49 🍵",)]

    site.php("require_once ABSPATH . 'wp-admin/includes/ms.php'; wpmu_delete_blog( $id, true );", id=new)
    assert table in site.database.tables()  # WordPress leaves it behind
    assert plugin.site_deleted(new).removed
    assert not [name for name in site.database.tables() if name.startswith(f"wp_{new}_")]
    assert {result.site.blog_id for result in plugin.network.status().results} == {1, 2}
    plugin.database.close()


def test_a_site_that_is_archived_is_left_out(wordpress_network: WordPressSite) -> None:
    site = wordpress_network
    site.php("update_blog_status( 2, 'archived', '1' );")
    assert wch("activate", "--network", "--path", str(site.folder)).code == 0
    assert [site.php(READ, id=number) for number in (1, 2)] == ["1.0.0", False]
