"""An object cache drop-in in a site's folder is detected, and the commands to clear it are safe for a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from wch_peewee.wordpress.object_cache import object_cache_advice, object_cache_dropin


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "a site's folder"
    (folder / "wp-content").mkdir(parents=True)
    return folder


def commands(lines: tuple[str, ...]) -> list[list[str]]:
    return [shlex.split(line) for line in lines if line.startswith("  ")]


def test_without_a_dropin_nothing_is_said(site: Path) -> None:
    # WordPress ignores a folder of that name.
    (site / "wp-content" / "object-cache.php").mkdir()
    (site / "object-cache.php").touch()
    assert object_cache_dropin(site) is None
    assert object_cache_advice(site) == ()


def test_the_lines_clear_the_three_places_where_the_option_is(site: Path) -> None:
    dropin = site / "wp-content" / "object-cache.php"
    dropin.touch()
    heading, *_ = lines = object_cache_advice(site)
    assert str(dropin) in heading
    where = f"--path={site}"
    assert commands(lines) == [
        *(["wp", "cache", "delete", key, "options", where] for key in ("wch_db_version", "alloptions", "notoptions")),
        ["wp", "cache", "flush", where],
    ]


def test_a_content_folder_elsewhere_and_one_site_of_a_network(site: Path, tmp_path: Path) -> None:
    content = tmp_path / "app"
    content.mkdir()
    (content / "object-cache.php").touch()
    assert object_cache_advice(site) == ()
    lines = object_cache_advice(site, content=content, url="https://two.example.com/")
    assert all(command[-1] == "--url=https://two.example.com/" for command in commands(lines))
