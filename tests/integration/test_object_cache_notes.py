"""A drop-in in front of WordPress's options: said when the version has been written, and by the doctor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import wch
from tests.databases import LiveDatabase
from tests.wp_sites import site_of

pytestmark = pytest.mark.families("mysql", "mariadb")


@pytest.fixture
def site(database: LiveDatabase, tmp_path: Path) -> Path:
    return site_of(database, tmp_path / "site")


def with_cache(site: Path) -> None:
    (site / "wp-content").mkdir()
    (site / "wp-content" / "object-cache.php").touch()


def test_who_writes_the_version_says_how_to_clear_the_cache(site: Path) -> None:
    with_cache(site)
    first = wch("activate", "--wordpress", str(site))
    assert f"  wp cache delete wch_db_version options --path={site}" in first.err.splitlines()
    assert "  wp cache delete alloptions options" in first.err
    assert "wp cache" not in first.out
    assert "wp cache" not in wch("activate", "--wordpress", str(site)).err
    assert "wp cache" not in wch("activate", "--quiet", "--wordpress", str(site)).err


def test_without_one_there_is_nothing_to_say(site: Path) -> None:
    assert "wp cache" not in wch("activate", "--wordpress", str(site)).text


def test_the_doctor_sees_it(site: Path) -> None:
    assert "there is no persistent one" in wch("doctor", "--wordpress", str(site)).out
    with_cache(site)
    (site / "wp-content" / "db.php").touch()
    findings = {
        finding["name"]: finding
        for finding in wch("doctor", "--wordpress", str(site), "--format", "json").json["findings"]
    }
    assert findings["object cache"]["state"] == findings["db.php"]["state"] == "warn"
    assert "wp cache delete notoptions options" in findings["object cache"]["advice"]
