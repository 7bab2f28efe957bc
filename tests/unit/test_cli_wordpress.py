"""``wch`` and a WordPress site: given, found, overridden; the heading names the site."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import commands_of, wch
from tests.support.wordpress_folders import define, make_site
from wch_peewee.cli.app import wch as group

DB = define(DB_NAME="shop", DB_USER="u", DB_PASSWORD="p<w", DB_HOST="127.0.0.1:1")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_site(tmp_path / "site", DB, "shop_")


def heading(site: Path, database: str = "mysql://u@127.0.0.1:1/shop", prefix: str = "shop_") -> list[str]:
    return [f"WordPress: {site} (wp-config.php)", f"Database: {database} (prefix {prefix})"]


@pytest.mark.parametrize("option", ["--wordpress", "--path"])
def test_a_site_that_is_named(site: Path, option: str) -> None:
    for arguments in (
        ["status", option, "site"],
        [option, str(site), "status"],
        [f"{option}={site}/wp-config.php", "status"],
    ):
        result = wch(*arguments)
        assert result.err.splitlines()[:2] == heading(site)
        assert (result.code, result.out) == (2, "")
        assert "p<w" not in result.text


def test_a_site_in_the_environment(site: Path) -> None:
    assert wch("status", WCH_WORDPRESS="site").err.splitlines()[:2] == heading(site)


def test_a_site_around(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = site / "wp-content" / "plugins"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert wch("status").err.splitlines()[:2] == heading(site)
    named = wch("status", "--database", "sqlite:///x.db")
    assert named.err.splitlines() == ["Database: sqlite:///x.db (prefix wp_)"]
    assert wch("status", database="sqlite:///x.db").err.splitlines() == ["Database: sqlite:///x.db (prefix wp_)"]


def test_what_is_given_wins(site: Path) -> None:
    named = wch("status", "--wordpress", "site", "--database", "sqlite:///x.db")
    assert named.err.splitlines() == heading(site, "sqlite:///x.db")
    both = wch("status", "--wordpress", "site", "--database", "sqlite:///x.db", "--prefix", "mine_")
    assert both.err.splitlines() == heading(site, "sqlite:///x.db", "mine_")
    environment = wch("status", database="sqlite:///x.db", WCH_WORDPRESS="site", WCH_TABLE_PREFIX="env_")
    assert environment.err.splitlines() == heading(site, "sqlite:///x.db", "env_")


def test_a_config_outside_of_the_folder_is_named_in_full(site: Path) -> None:
    above = site.parent / "wp-config.php"
    (site / "wp-config.php").rename(above)
    assert wch("status", "--wordpress", "site").err.splitlines()[0] == f"WordPress: {site} ({above})"


def test_quiet_says_nothing_of_it(site: Path) -> None:
    assert "WordPress:" not in wch("status", "--wordpress", "site", "--quiet").err


def test_a_database_layer_of_the_sites_own_is_mentioned(site: Path) -> None:
    (site / "wp-content").mkdir()
    (site / "wp-content" / "db.php").touch()
    assert "may use another database" in wch("status", "--wordpress", "site").err


def test_what_cannot_be_known_is_one_line_and_an_exit_code(site: Path) -> None:
    (site / "wp-config.php").write_text("<?php\ndefine('DB_NAME', $_GET['db']);\n")
    result = wch("status", "--wordpress", "site")
    assert (result.code, result.out) == (78, "")
    (line,) = result.err.splitlines()
    assert line.startswith("Error: Cannot determine DB_NAME because of ")
    assert "line 2: $_GET['db']" in line
    assert "--database" in line


def test_no_site_there(site: Path) -> None:
    for result in (
        wch("status", "--wordpress", "."),
        wch("status", "--path", "nowhere"),
        wch("status", WCH_WORDPRESS="nowhere"),
    ):
        assert result.code == 78
        assert result.err.startswith("Error: No WordPress at ")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("define('WCH_REMOVE_DATA', true);", 0, "Uninstalled."),
        ("define('WCH_REMOVE_DATA', false);", 2, "nothing was removed"),
        ("define('WCH_REMOVE_DATA', 'yes');", 78, "is set, but not to true"),
        (
            "eval($_GET['x']); define('WCH_REMOVE_DATA', true);",
            2,
            "Cannot determine WCH_REMOVE_DATA because of ",
        ),
        ("", 2, "nothing was removed"),
    ],
)
def test_the_file_gives_leave_to_remove(site: Path, line: str, code: int, said: str) -> None:
    make_site(site, f"{DB}$table_prefix = 'shop_';\n{line}\n", None)
    options = ("--wordpress", "site", "--database", "sqlite:///x.db")
    assert wch("activate", *options, "--prefix", "shop_").code == 0
    result = wch("uninstall", *options, "--prefix", "shop_", "--yes")
    assert result.code == code
    assert said in result.text
    if code == 78:  # the environment decides only where the file says nothing
        assert "environment" not in result.text
    tables = wch("status", *options, "--prefix", "shop_", "--format", "json").json["missing_tables"]
    assert len(tables) == (6 if code == 0 else 0)
    if code == 2:  # what the file says wins; where it says nothing, or nobody knows what, the environment decides
        again = wch("uninstall", *options, "--prefix", "shop_", "--yes", WCH_REMOVE_DATA="true")
        assert again.code == (2 if "false" in line else 0)


def test_no_new_file_in_a_web_sites_folder(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.parent / "index.php").write_text("<?php require './site/wp-blog-header.php';")
    inside = site / "wp-content" / "uploads"
    inside.mkdir(parents=True)
    (site.parent / "linked").symlink_to(inside)
    url = "sqlite:///x.db"
    for folder in (site, inside, site.parent, site.parent / "linked"):
        monkeypatch.chdir(folder)
        for command in ("activate", "migrate", "repair", "rollback", "uninstall"):
            for result in (wch(command, database=url), wch(command, "--database", url)):
                assert (result.code, result.out) == (78, "")
                assert (
                    f"would be a new file in {site.parent if folder == site.parent else site}, from where" in result.err
                )
        assert "web server" not in wch("status", database=url).err
        assert not Path("x.db").exists()
    (site / "wp-config.php").unlink()  # WordPress is unpacked, and not set up
    assert wch("activate").code == 78
    Path("x.db").touch()
    assert f"Warning: this file is in {site}" in wch("activate", database=url).err


def test_every_command_takes_it() -> None:
    for command in commands_of(group).values():
        assert {"--wordpress", "--path"} <= {option for parameter in command.params for option in parameter.opts}


@pytest.fixture
def cached(site: Path) -> Path:
    """The drop-in of a persistent object cache."""
    dropin = site / "wp-content" / "object-cache.php"
    dropin.parent.mkdir()
    dropin.touch()
    return dropin


def test_an_object_cache_is_minded_after_each_write_of_the_version(site: Path, cached: Path) -> None:
    where = ("--wordpress", "site", "--database", "sqlite:///x.db")
    lines = f"  wp cache delete wch_db_version options --path={site}\n"
    first = wch("activate", *where)
    assert str(cached) in first.err
    assert lines in first.err
    assert "wp cache" not in first.out
    for quiet in (["activate"], ["status"], ["check"], ["plan"]):
        assert "wp cache" not in wch(*quiet, *where).text
    assert lines in wch("uninstall", *where, "--yes", WCH_REMOVE_DATA="true").err
    cached.unlink()
    assert "wp cache" not in wch("activate", *where).text


def test_the_doctor_sees_an_object_cache(site: Path, cached: Path) -> None:
    where = ("--wordpress", "site", "--database", "sqlite:///x.db")
    found = {finding["name"]: finding for finding in wch("doctor", *where, "--format", "json").json["findings"]}
    assert found["object cache"]["state"] == "warn"
    assert found["object cache"]["advice"].endswith(f"wp cache flush --path={site}")
    cached.unlink()
    assert "object cache" not in wch("doctor", *where).out
