"""A WordPress site as settings: how it is found, its values, what overrides them, and the errors."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.wordpress_folders import define, make_site
from wch_peewee import ConfigurationError, Plugin
from wch_peewee.settings import Settings, remove_data_allowed
from wch_peewee.wordpress import site as site_module
from wch_peewee.wordpress.find import find_site, site_around
from wch_peewee.wordpress.php.values import Unknown
from wch_peewee.wordpress.site import Host, parse_db_host, read_site

ROOT = Path(__file__).resolve().parents[2]
DB = define(DB_NAME="shop", DB_USER="u", DB_PASSWORD="p<w", DB_HOST="db.example.com:3307")


def gather(environment: dict[str, str] | None = None, **given: object) -> Settings:
    return Settings.gather(environment=environment or {}, **given)  # type: ignore[arg-type]


# --- finding it


def test_wordpress_takes_its_own_folders_config(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", DB)
    (tmp_path / "wp-config.php").write_text("<?php")
    assert find_site(site).config == site / "wp-config.php"


def test_else_the_one_in_the_folder_above(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", DB)
    (site / "wp-config.php").rename(tmp_path / "wp-config.php")
    assert find_site(site).config == tmp_path / "wp-config.php"
    assert find_site(tmp_path).abspath == site
    assert find_site(tmp_path / "wp-config.php").abspath == site


def test_but_not_another_wordpresss(tmp_path: Path) -> None:
    outer = make_site(tmp_path, DB)
    inner = make_site(outer / "inner", DB)
    (inner / "wp-config.php").unlink()
    with pytest.raises(ConfigurationError, match=r"has no wp-config\.php"):
        find_site(inner)


@pytest.mark.parametrize(
    "index",
    [
        "require __DIR__ . '/wp/wp-blog-header.php';",
        'require( dirname( __FILE__ ) . "/wp/wp-blog-header.php" );',
        "require './wp/wp-blog-header.php';",
        "require_once( './wp/wp-blog-header.php' );",
        'include "wp/wp-blog-header.php";',
        "# require './old/wp-blog-header.php';\nrequire './wp/wp-blog-header.php';",
        "/* require __DIR__ . '/wp-blog-header.php'; */ require './wp/wp-blog-header.php';",
        "define( 'HOME', 'https://example.com' ); require './wp/wp-blog-header.php';",
    ],
)
def test_an_index_can_lead_to_wordpress(tmp_path: Path, index: str) -> None:
    site = make_site(tmp_path / "wp", DB)
    (tmp_path / "index.php").write_text(f"<?php\n{index}\n")
    assert find_site(tmp_path).abspath == site


def test_inside_a_site_it_is_found_upwards(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", DB)
    deep = site / "wp-content" / "plugins"
    deep.mkdir(parents=True)
    place = site_around(deep)
    assert place is not None
    assert place.abspath == site
    assert site_around(tmp_path) is None


#: WordPress's own wp-load.php, as far as it looks for wp-config.php.
WP_LOAD = """<?php
define( 'ABSPATH', __DIR__ . '/' );
$above = dirname( ABSPATH );
if ( file_exists( ABSPATH . 'wp-config.php' ) ) {
    require_once ABSPATH . 'wp-config.php';
} elseif ( file_exists( $above . '/wp-config.php' ) && ! file_exists( $above . '/wp-settings.php' ) ) {
    require_once $above . '/wp-config.php';
}
"""
FILES = {
    "wp-load.php": WP_LOAD,
    "wp-settings.php": "<?php echo DB_NAME . ' ' . ABSPATH;",
    "wp-blog-header.php": "<?php require_once __DIR__ . '/wp-load.php';",
    "index.php": "<?php require __DIR__ . '/wp-blog-header.php';",
}

#: Per case: folders of WordPress, texts of other files ("" for a wp-config.php), links, and the script that PHP runs.
LINKS: dict[str, tuple[tuple[str, ...], dict[str, str], dict[str, str], str]] = {
    "a linked WordPress": (
        ("opt/wp",),
        {"www/wp-config.php": "", "opt/wp-config.php": ""},
        {"www/wp": "../opt/wp"},
        "www/wp/index.php",
    ),
    "an index that leads to it": (
        ("opt/wp",),
        {"www/wp-config.php": "", "opt/wp-config.php": "", "www/index.php": "<?php require './wp/wp-blog-header.php';"},
        {"www/wp": "../opt/wp"},
        "www/index.php",
    ),
    "a linked index": (
        ("opt/wp", "www/wp"),
        {
            "www/wp-config.php": "",
            "opt/wp/wp-config.php": "",
            "opt/index.php": FILES["index.php"].replace("/wp-", "/wp/wp-"),
        },
        {"www/index.php": "../opt/index.php"},
        "www/index.php",
    ),
    "a linked root": (
        ("releases/2",),
        {"srv/wp-config.php": "", "releases/wp-config.php": ""},
        {"srv/site": "../releases/2"},
        "srv/site/index.php",
    ),
    "a chain of links": (
        ("releases/2",),
        {"srv/wp-config.php": "", "releases/2/wp-config.php": ""},
        {"srv/site": "current", "srv/current": "../releases/now", "releases/now": "2"},
        "srv/site/index.php",
    ),
    "a linked wp-config.php": (
        ("www",),
        {"shared/wp-config.php": ""},
        {"www/wp-config.php": "../shared/wp-config.php"},
        "www/index.php",
    ),
    "a wp-config.php that leads nowhere": (
        ("www/wp",),
        {"www/wp-config.php": ""},
        {"www/wp/wp-config.php": "wp-config.php"},
        "www/wp/index.php",
    ),
    "a linked wp-load.php": (
        ("opt/wp", "www"),
        {"www/wp-config.php": "", "opt/wp/wp-config.php": ""},
        {"www/wp-load.php": "../opt/wp/wp-load.php"},
        "www/index.php",
    ),
    "releases with a shared wp-config.php": (
        ("releases/1", "releases/2"),
        {"shared/wp-config.php": "", "releases/1/wp-config.php": ""},
        {"current": "releases/2", "releases/2/wp-config.php": "../../shared/wp-config.php"},
        "current/index.php",
    ),
    "a subfolder install": (
        ("www/blog/wp",),
        {
            "www/blog/wp-config.php": "",
            "www/wp-config.php": "",
            "www/blog/index.php": "<?php require 'wp/wp-load.php';",
        },
        {},
        "www/blog/wp/index.php",
    ),
    "a config above of a WordPress that is linked elsewhere": (
        ("opt/wp", "www/blog"),
        {"www/wp-config.php": ""},
        {"www/wp": "../opt/wp"},
        "www/blog/index.php",
    ),
}


@pytest.mark.parametrize("case", LINKS)
def test_links_lead_where_php_goes(tmp_path: Path, case: str) -> None:
    """The files print what WordPress would read; the stand-ins look for wp-config.php as WordPress does."""
    wordpresses, texts, links, asked = LINKS[case]
    for folder in wordpresses:
        texts = {
            **{f"{folder}/{name}": text for name, text in FILES.items() if f"{folder}/{name}" not in links},
            **texts,
        }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        config = f"<?php define( 'DB_NAME', '{name}' ); require_once ABSPATH . 'wp-settings.php';"
        (tmp_path / name).write_text(text or config)
    for name, end in links.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(end)
    place = find_site((tmp_path / asked).parent)
    found = read_site(place, {}).values.constants["DB_NAME"].decode()
    assert place.config.resolve() == (tmp_path / found).resolve()
    assert site_around((tmp_path / asked).parent) == place
    # Naming the file, the folder of WordPress, or a folder inside of it is the same site.
    assert find_site(place.config) == place
    assert find_site(place.folder) == place
    (place.folder / "wp-content" / "plugins").mkdir(parents=True)
    assert site_around(place.folder / "wp-content" / "plugins") == place
    if shutil.which("php"):
        done = subprocess.run(["php", tmp_path / asked], cwd=(tmp_path / asked).parent, capture_output=True, check=True)
        assert done.stdout.decode() == f"{found} {place.abspath}/"


@pytest.mark.parametrize("there", ["no", "folder", "loop"])
def test_no_site_is_one_line(tmp_path: Path, there: str) -> None:
    folder = tmp_path / "empty"
    if there == "folder":
        folder.mkdir()
    elif there == "loop":
        folder.symlink_to("other")
        (tmp_path / "other").symlink_to("empty")
    with pytest.raises(ConfigurationError) as caught:
        find_site(folder)
    assert str(caught.value).startswith(f"No WordPress at {folder}: ")
    assert "\n" not in str(caught.value)


# --- what it becomes


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("localhost", Host("localhost")),
        ("LOCALHOST", Host("LOCALHOST")),
        ("", Host("")),
        ("db", Host("db")),
        ("db:3307", Host("db", 3307)),
        ("db:", Host("db")),
        ("db:0", Host("db")),
        ("db:port", Host("db")),
        ("db:33x", Host("db", 33)),
        ("localhost:/run/x.sock", Host("localhost", None, "/run/x.sock")),
        (":/run/x.sock", Host("", None, "/run/x.sock")),
        (":/cloudsql/p:r:i", Host("", None, "/cloudsql/p:r:i")),
        ("db:3307:/run/x.sock", Host("db", 3307, "/run/x.sock")),
        (":3307", Host("", 3307)),
        ("::1", Host("::1")),
        ("[::1]", Host("::1")),
        ("[::1]:3307", Host("::1", 3307)),
        ("::1:3306", Host("::1:3306")),
        ("[::ffff:1.2.3.4]", Host("::ffff:1")),
        ("p:db", Host("p")),
        ("x:y:z", Host("x:y:z")),
        ("0", Host("")),
    ],
)
def test_db_host_is_taken_apart_as_wordpress_does(written: str, host: Host) -> None:
    assert parse_db_host(written) == host


@pytest.fixture
def unix_socket(tmp_path: Path) -> Iterator[str]:
    """A socket like a server's."""
    with socket.socket(socket.AF_UNIX) as server:
        path = str(tmp_path / "mysqld.sock")
        server.bind(path)
        yield path


@pytest.mark.parametrize("host", ["localhost", "LocalHost:3307", ""])
def test_localhost_is_a_socket(tmp_path: Path, unix_socket: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "SOCKETS", (str(tmp_path / "none.sock"), str(tmp_path), unix_socket))
    site = make_site(tmp_path / "site", define(DB_NAME="shop", DB_USER="u", DB_PASSWORD="p", DB_HOST=host))
    target = read_site(site, {}).target
    assert dict(target.options)["unix_socket"] == unix_socket


def test_no_socket_is_one_line_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "SOCKETS", (str(tmp_path / "none.sock"),))
    site = make_site(tmp_path, define(DB_NAME="shop", DB_USER="u", DB_PASSWORD="p<w", DB_HOST="localhost"))
    with pytest.raises(ConfigurationError, match=r"none of the usual ones exists .*WCH_DATABASE_URL") as caught:
        _ = read_site(site, {}).target
    assert "\n" not in str(caught.value)
    assert "p<w" not in str(caught.value)


def test_a_socket_that_is_named_is_taken_unseen(tmp_path: Path) -> None:
    site = make_site(tmp_path, define(DB_NAME="shop", DB_USER="u", DB_PASSWORD="", DB_HOST=":/srv/my.sock"))
    assert dict(read_site(site, {}).target.options)["unix_socket"] == "/srv/my.sock"


def test_a_host_its_port_and_the_rest(tmp_path: Path) -> None:
    target = read_site(make_site(tmp_path, DB), {}).target
    assert (target.host, target.port, target.user, target.password, target.name) == (
        "db.example.com", 3307, "u", "p<w", "shop",
    )  # fmt: skip
    assert "p<w" not in repr(target) + str(target)


@pytest.mark.parametrize(
    ("more", "option"),
    [
        ("define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL);\n", ("ssl", "1")),
        ("define('MYSQL_CLIENT_FLAGS', 2048 | 64);\n", ("ssl", "1")),
        (
            "define('DB_COLLATE', 'utf8mb4_general_ci');\ndefine('DB_CHARSET', 'utf8');\n",
            ("collation", "utf8mb4_general_ci"),
        ),
        ("define('DB_CHARSET', 'utf8mb4');\n", ("collation", "utf8mb4_unicode_520_ci")),
    ],
)
def test_tls_and_collation(tmp_path: Path, more: str, option: tuple[str, str]) -> None:
    assert option in read_site(make_site(tmp_path, DB + more), {}).target.options


@pytest.mark.parametrize("more", ["", "define('DB_CHARSET', 'latin1');\n", "define('MYSQL_CLIENT_FLAGS', 0);\n"])
def test_otherwise_neither(tmp_path: Path, more: str) -> None:
    assert read_site(make_site(tmp_path, DB + more), {}).target.options == ()


def test_a_certificate_that_is_checked_takes_the_machines_authorities(tmp_path: Path) -> None:
    more = "define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_VERIFY_SERVER_CERT);\n"
    site = read_site(make_site(tmp_path, DB + more), {})
    known = ssl.get_default_verify_paths()
    assert site.target.options == (("ssl_ca", known.cafile or known.openssl_cafile),)


# --- what overrides it


def test_what_is_given_wins_a_named_site_too_then_the_environment_then_the_file(tmp_path: Path) -> None:
    site = make_site(tmp_path, DB, "file_")
    environment = {"WCH_DATABASE_URL": "mysql://e@env/d", "WCH_TABLE_PREFIX": "env_"}
    file = gather(wordpress=site)
    assert (str(file.target), file.prefix) == ("mysql://u@db.example.com:3307/shop", "file_")
    assert gather({"WCH_WORDPRESS": str(site)}) == file
    assert gather(environment, wordpress=site) == file
    env = gather({**environment, "WCH_WORDPRESS": str(site)})
    assert (env.target.host, env.prefix) == ("env", "env_")
    unknown = make_site(tmp_path / "unknown", "eval($_GET['x']);\n", None)
    env = gather(environment, wordpress=unknown)
    assert (env.target.host, env.prefix) == ("env", "env_")
    given = gather(environment, wordpress=site, database="sqlite:///x.db", prefix="")
    assert (str(given.target), given.prefix) == ("sqlite:///x.db", "")


def test_the_site_around_counts_only_where_no_database_is_named(tmp_path: Path) -> None:
    site = make_site(tmp_path, DB, "file_")
    assert gather(around=site).prefix == "file_"
    assert gather({"WCH_DATABASE_URL": "sqlite:///x.db"}, around=site).prefix == "wp_"
    assert gather(around=site, database="sqlite:///x.db").site is None
    assert gather(around=tmp_path.parent).site is None


def test_what_is_set_need_not_be_known(tmp_path: Path) -> None:
    site = make_site(tmp_path, "eval($_GET['x']);\n", None)
    settings = gather(wordpress=site, database="sqlite:///x.db", prefix="w_")
    assert (str(settings.target), settings.prefix) == ("sqlite:///x.db", "w_")


def test_a_changed_file_is_another_setting(tmp_path: Path) -> None:
    before = gather(wordpress=make_site(tmp_path, DB + "define('WCH_REMOVE_DATA', 1);"))
    assert before == gather(wordpress=tmp_path)
    assert hash(before) == hash(gather(wordpress=tmp_path))
    assert before != gather(wordpress=make_site(tmp_path, DB + "define('WCH_REMOVE_DATA', true);"))


# --- leave to remove data


@pytest.mark.parametrize("spelled", ["true", "TRUE", "!false", "1 === 1"])
def test_only_phps_true_removes(tmp_path: Path, spelled: str) -> None:
    assert read_site(make_site(tmp_path, f"{DB}define('WCH_REMOVE_DATA', {spelled});"), {}).remove_data is True


@pytest.mark.parametrize("spelled", ["false", "0", "'0'", "''", "null", "0.0", "[]"])
def test_what_php_takes_for_false_does_not(tmp_path: Path, spelled: str) -> None:
    assert read_site(make_site(tmp_path, f"{DB}define('WCH_REMOVE_DATA', {spelled});"), {}).remove_data is False


@pytest.mark.parametrize("spelled", ["1", "'1'", "'true'", "'false'", "'no'", "'0.0'", "' '", "[0]", "1.5"])
def test_whatever_else_is_an_error(tmp_path: Path, spelled: str) -> None:
    site = read_site(make_site(tmp_path, f"{DB}define('WCH_REMOVE_DATA', {spelled});"), {})
    with pytest.raises(ConfigurationError, match=r"is set, but not to true.*Nothing was removed"):
        _ = site.remove_data


@pytest.mark.parametrize(
    "line",
    [
        "Vault::load('x');", "decrypt_all('x');", "$db = new Secrets('x');", "$a = getallheaders();", "ob_start();",
        "newrelic_set_appname('x');", "set_error_handler(fn() => true);", "mysqli_connect('x');", "$a->b()->c($d);",
        "foreach (getallheaders() as $k => $v) { if ($v) { $_SERVER['HTTPS'] = 'on'; } }",
        "$a = array_map('trim', $b);", "register_shutdown_function(function () { flush(); });",
        "if (is_wpe()) { define('WPE', 1); }", "Sentry\\init([]);",
    ],
)  # fmt: skip
def test_an_unknown_call_changes_nothing(tmp_path: Path, line: str) -> None:
    for text in (f"{line}\n{DB}", f"{DB}{line}\n"):
        site = read_site(make_site(tmp_path, text), {})
        assert (str(site.target), site.prefix) == ("mysql://u@db.example.com:3307/shop", "wp_")


@pytest.mark.parametrize(
    "line",
    [
        "preg_match('/x/', 'x', $name);", "sort($name);", "extract($_GET);", "${$_GET['x']} = 1;",
        "$GLOBALS[$_GET['x']] = 1;", "array_map(function () { global $name; $name = 'y'; }, $_GET['x']);",
        "$other = &$name;", "eval($_GET['x']);",
        "(function () { $GLOBALS['name'] = strrev('x'); })();", "foreach ($_GET as $name) { }", "include $_GET['x'];",
    ],
)  # fmt: skip
def test_what_may_change_a_variable_makes_it_unknown(tmp_path: Path, line: str) -> None:
    site = read_site(make_site(tmp_path, f"$name = 'x';\n{line}\ndefine('DB_NAME', $name);\n"), {})
    with pytest.raises(ConfigurationError, match="Cannot determine DB_NAME"):
        _ = site.target


@pytest.mark.parametrize(
    "call",
    [
        "set_error_handler(function ($number, $text) { return true; });",
        "$f = function () { if (error_get_last()) { return; } echo 'x'; }; register_shutdown_function($f);",
        "$x = array_filter([1, 2], function ($one) { foreach ([1] as $a) { break 1; } return $one > 1; });",
        "function mine($v) { return $v; } usort($_GET['x'], 'mine');",
    ],
)
def test_what_returns_in_a_function_that_is_handed_on_returns_from_it_alone(tmp_path: Path, call: str) -> None:
    assert read_site(make_site(tmp_path, call + DB), {}).target.name == "shop"


@pytest.mark.parametrize(
    "call",
    [
        "$f = fn($x) => $x . 'x'; $x = $f('a');",
        "$c = ['a' => 'b']; $f = function ($k) use ($c) { return $c[$k]; }; $x = $f('a');",
        "function all(...$names) { foreach ($names as $one) { return $one; } } $x = all('a', 'b');",
    ],
)
def test_a_call_that_is_not_followed_leaves_the_rest_known(tmp_path: Path, call: str) -> None:
    site = read_site(make_site(tmp_path, f"{call} define('DB_CHARSET', $x);{DB}"), {})
    assert site.target.name == "shop"
    assert isinstance(site.values.constants["DB_CHARSET"], Unknown)


@pytest.mark.parametrize("more", ["", "eval($x->y());\n", "include $_GET['f'];\n"])
def test_what_is_not_known_does_not(tmp_path: Path, more: str) -> None:
    later = "define('WCH_REMOVE_DATA', true);" if more else ""
    site = read_site(make_site(tmp_path, DB + more + later), {})
    assert site.remove_data is None
    assert bool(site.remove_data_unknown) is bool(more)


def test_the_file_wins_over_the_environment(tmp_path: Path) -> None:
    yes = read_site(make_site(tmp_path / "yes", DB + "define('WCH_REMOVE_DATA', true);"), {})
    no = read_site(make_site(tmp_path / "no", DB + "define('WCH_REMOVE_DATA', false);"), {})
    odd = read_site(make_site(tmp_path / "odd", DB + "define('WCH_REMOVE_DATA', 'no');"), {})
    silent = read_site(make_site(tmp_path / "silent", DB), {})
    unknown = read_site(make_site(tmp_path / "unknown", DB + "eval($_GET['x']); define('WCH_REMOVE_DATA', true);"), {})
    for value in ({}, {"WCH_REMOVE_DATA": "false"}, {"WCH_REMOVE_DATA": "true"}):
        assert remove_data_allowed(value, yes)
        assert not remove_data_allowed(value, no)
        with pytest.raises(ConfigurationError, match="set, but not to true"):
            remove_data_allowed(value, odd)
    for site in (silent, unknown):
        assert not remove_data_allowed({}, site)
        assert not remove_data_allowed({"WCH_REMOVE_DATA": "false"}, site)
        assert remove_data_allowed({"WCH_REMOVE_DATA": "true"}, site)


def test_the_plugin_asks_when_it_comes_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WCH_DATABASE_URL", "WCH_TABLE_PREFIX", "WCH_REMOVE_DATA"):
        monkeypatch.delenv(name, raising=False)
    site = make_site(tmp_path, DB + "define('WCH_REMOVE_DATA', true);", "shop_")
    url = f"sqlite:///{tmp_path / 'x.db'}"
    plugin = Plugin.from_wordpress(site, database=url)
    assert plugin.prefix == "shop_"
    plugin.activate()
    assert not Plugin.from_wordpress(site, database=url, remove_data=False).uninstall().removed
    monkeypatch.setenv("WCH_REMOVE_DATA", "no")
    assert plugin.uninstall().removed
    assert "p<w" not in repr(Plugin.from_wordpress(site))


# --- what cannot be known


@pytest.mark.parametrize(
    ("line", "construct"),
    [
        ("define('DB_NAME', $_SERVER['HTTP_HOST']);", "$_SERVER['HTTP_HOST']"),
        ("define('DB_NAME', $_GET['db']);", "$_GET['db']"),
        ("define('DB_NAME', getenv('SHOP_DB'));", "getenv('SHOP_DB')"),
        ("eval(file_get_contents('php://input'));", "eval()"),
        ("require 'https://example.com/config.php';", "require of https://example.com/config.php"),
        ("require __DIR__ . '/secret.php';", "secret.php, which is not there"),
        ("define('DB_NAME', decrypt('s3cr3t'));", "decrypt()"),
        ("goto out; out:", "goto"),
        ("while (f()) { define(g(), 's3cr3t'); }", "a loop"),
        ("$secrets('s3cr3t');", "known only when it runs"),
        ("$$secrets = 's3cr3t'; extract($_GET);", "extract() of what depends on $_GET"),
        ("define(strrev('EMAN_BD'), 's3cr3t');", "define() with a name that is not known"),
        ("if ($_GET['x']) { define('DB_NAME', 's3cr3t'); }", "$_GET['x']"),
        ("define('DB_NAME', 's3cr3t' . `cat name`);", "a command of the shell"),
        ("define('DB_NAME', 's3cr3t'", "cannot be parsed"),
        ("exit('s3cr3t');", "the program ends here"),
    ],
)
def test_the_error_names_file_line_construct_and_setting(
    tmp_path: Path, line: str, construct: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wch_peewee.wordpress.site.shutil.which", lambda name: None)
    site = read_site(make_site(tmp_path, f"// the first line\n{line}\n{DB}"), {})
    with pytest.raises(ConfigurationError) as caught:
        _ = site.target
    said = str(caught.value)
    assert said.startswith("Cannot determine DB_NAME because of ")
    assert construct in said
    assert f"{tmp_path.resolve() / 'wp-config.php'}, line 3" in said
    assert said.endswith("set it with --database or WCH_DATABASE_URL.")
    assert "\n" not in said
    assert "s3cr3t" not in said + repr(site)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"VIRTUAL_ENV": "/venv"}, None),  # of whoever calls; the server's process has its own
        ({"SHOP_DB_NAME": "shop"}, "shop"),
        ({"SHOP_HOST": "db"}, "local"),
    ],
)
def test_all_variables_are_known_only_where_the_file_finds_one(
    tmp_path: Path, environment: dict[str, str], name: str | None
) -> None:
    loop = "foreach ($_SERVER as $k => $v) { if (strpos($k, 'SHOP_') === 0) define(substr($k, 5), $v); }"
    default = "defined('DB_NAME') || define('DB_NAME', 'local');"
    site = read_site(make_site(tmp_path, f"{loop} {default}\n{DB}"), environment)
    if name is None:
        with pytest.raises(ConfigurationError, match=r"Cannot determine DB_NAME because of .*\$_SERVER as a whole"):
            _ = site.target
    else:
        assert site.target.name == name


def test_an_unknown_prefix_names_its_own_setting(tmp_path: Path) -> None:
    site = make_site(tmp_path, DB + "$table_prefix = $_GET['p'];\n", None)
    with pytest.raises(
        ConfigurationError, match=r"Cannot determine \$table_prefix because of .*\$_GET.*--prefix or WCH_TABLE_PREFIX"
    ):
        gather(wordpress=site)
    assert gather({"WCH_TABLE_PREFIX": "x_"}, wordpress=site).prefix == "x_"


@pytest.mark.parametrize(("config", "said"), [("", "is not defined"), (define(DB_NAME=""), "is empty")])
def test_a_name_that_is_missing(tmp_path: Path, config: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"DB_NAME {said}"):
        gather(wordpress=make_site(tmp_path, config))


def test_a_prefix_that_wordpress_refuses(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not valid"):
        gather(wordpress=make_site(tmp_path, DB, "a-b"))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    site = make_site(tmp_path, DB)
    (site / "wp-config.php").unlink()
    (site / "wp-config.php").mkdir()
    with pytest.raises(ConfigurationError, match="Cannot determine DB_NAME"):
        gather(wordpress=site)


def test_without_the_parser_one_line_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wch_peewee.wordpress.php import syntax

    syntax._parser.cache_clear()
    monkeypatch.setitem(sys.modules, "tree_sitter_php", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'wch-peewee\[wordpress\]'"):
        gather(wordpress=make_site(tmp_path, DB))


def test_importing_the_package_imports_no_parser() -> None:
    program = "import sys, wch_peewee.cli, wch_peewee.install.hooks; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.split() if "tree_sitter" in name or "wordpress.php" in name] == []
