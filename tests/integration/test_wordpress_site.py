"""The database of a WordPress folder, from its wp-config.php to the server and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.accounts import account
from tests.support.bound import bound
from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.wordpress_folders import define, make_options, make_site, site_of
from wch_peewee import Cart, ConfigurationError, Plugin
from wch_peewee.install import hooks
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.wordpress.site import read_site

pytestmark = pytest.mark.families("mysql", "mariadb")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WCH_DATABASE_URL", "WCH_TABLE_PREFIX", "WCH_REMOVE_DATA", "WCH_WORDPRESS"):
        monkeypatch.delenv(name, raising=False)


def test_a_plugin_of_a_site(database: LiveDatabase, tmp_path: Path) -> None:
    plugin = Plugin.from_wordpress(site_of(database, tmp_path, prefix="shop_"), lock_wait=2)
    assert plugin.activate().outcome == "installed"
    assert "shop_wch_carts" in database.tables()
    with bound(plugin.database, plugin.prefix):
        assert Cart.select().count() == 0
        collation = plugin.database.execute_sql("SELECT @@collation_connection").fetchone()[0]
    assert collation == "utf8mb4_unicode_520_ci"
    plugin.database.close()


def test_a_life_in_the_sites_folder(database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of(database, tmp_path / "site", "define('WCH_REMOVE_DATA', true);\n")
    monkeypatch.chdir(site)
    assert wch("activate").out.endswith("Installed version 1.0.0.\n")
    status = wch("status")
    assert (status.code, status.err.splitlines()[0]) == (0, f"WordPress: {site} (wp-config.php)")
    assert wch("uninstall", "--yes").code == 0
    assert [table for table in database.tables() if "wch" in table] == []


COMMANDS = ("activate", "migrate", "repair", "rollback", "status", "plan", "check", "doctor")


@pytest.mark.parametrize("prefix", ["wpp_", "WP_", ""])
def test_a_prefix_that_the_site_does_not_have(database: LiveDatabase, tmp_path: Path, prefix: str) -> None:
    """A sub-site's prefix is one; so is that of a second WordPress in the same database."""
    site = str(site_of(database, tmp_path / "site"))
    make_options(database, "wp_2_", "blog_")
    for name in ("wp_posts", "wp_2_posts", "blog_posts"):
        database.execute(f"CREATE TABLE {name} (ID BIGINT NOT NULL PRIMARY KEY)")
    before = database.tables()
    there = "wp_ (in another case), blog_, wp_2_" if prefix == "WP_" else "blog_, wp_, wp_2_"
    said = f"table {prefix}options does not exist. WordPress's tables there have the prefix {there}; correct the prefix"
    for command in COMMANDS:
        result = wch(command, "--wordpress", site, f"--prefix={prefix}")
        assert (result.code, said in result.text) == (2 if command == "doctor" else 78, True), command
    with pytest.raises(ConfigurationError, match="Nothing was changed"):
        Plugin.from_wordpress(site, prefix=prefix).admin_init()
    assert database.tables() == before
    assert wch("activate", "--wordpress", site, "--prefix", "wp_2_").code == 0


def test_where_wordpress_is_not_installed_nothing_is_created(
    database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An options table would keep its installer from running."""
    site = site_of(database, tmp_path / "site")
    database.execute("DROP TABLE wp_options")
    said = "table wp_options does not exist. WordPress is not installed there yet; run its installer first."
    monkeypatch.chdir(site)
    for command in COMMANDS:
        result = wch(command)
        assert (result.code, said in result.text) == (2 if command == "doctor" else 78, True), command
    monkeypatch.setenv("WCH_WORDPRESS", str(site))
    for run in (Plugin.from_wordpress(site).activate, hooks.activate, hooks.admin_init):
        with pytest.raises(ConfigurationError, match="not installed there yet"):
            run()
    stock = subprocess.run(
        [sys.executable, "-m", "peewee_migrate", "list", "--directory", str(migrations_folder())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert stock.returncode != 0
    assert said in stock.stderr
    assert database.tables() == []
    monkeypatch.delenv("WCH_WORDPRESS")
    assert wch("activate", "--wordpress", str(site), "--database", database.url).code == 0  # no WordPress is meant


def test_the_socket_for_localhost(database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = database.execute("SELECT @@socket")[0][0]
    if not Path(path).is_socket():
        pytest.skip("the server has no socket on this machine")
    address = database.address
    make_options(database, "wp_")
    known = define(DB_NAME=database.name, DB_USER=address.user, DB_PASSWORD=address.password)
    named = make_site(tmp_path / "named", known + define(DB_HOST=f"localhost:{path}"))
    assert Plugin.from_wordpress(named).activate().outcome == "installed"
    usual = make_site(tmp_path / "usual", known + define(DB_HOST="localhost"))
    monkeypatch.setattr("wch_peewee.wordpress.site.SOCKETS", ("/nowhere.sock", path))
    assert dict(read_site(usual, {}).target.options)["unix_socket"] == path


@pytest.mark.parametrize("password", ['it\'s \\ "odd" $x %41 <&>#@:/?', "пароль-密码-ß-👋"])
def test_any_password_reaches_the_server_as_php_sends_it(database: LiveDatabase, tmp_path: Path, password: str) -> None:
    make_options(database, "wp_")
    with account(database, "ALL", password=password) as limited:
        host = f"{limited.host}:{limited.port}"
        known = define(DB_NAME=database.name, DB_USER=limited.user, DB_PASSWORD=password, DB_HOST=host)
        plugin = Plugin.from_wordpress(make_site(tmp_path, known))
        assert plugin.activate().outcome == "installed"
        plugin.database.close()


def test_tls_that_php_insists_on_is_insisted_on(database: LiveDatabase, tmp_path: Path) -> None:
    site = site_of(database, tmp_path, "define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL);\n")
    # PyMySQL takes TLS by itself when it is offered, as an application's connection does.
    encrypted = bool(database.execute("SHOW STATUS LIKE 'Ssl_cipher'")[0][1])
    result = wch("doctor", "--wordpress", str(site))
    assert (result.code == 0) is encrypted, result.text
