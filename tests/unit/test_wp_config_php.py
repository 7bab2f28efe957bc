"""The reader of wp-config.php compared with PHP itself: with --php, and on random programs."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.php_answers import cases, copy_site
from tests.support.php_programs import ENVIRONMENT, FILES, REACHED, Program
from tests.support.wp_config_numbers import saved, shown, values_of
from wch_peewee.errors import ConfigurationError
from wch_peewee.settings import Settings
from wch_peewee.wordpress.php.interpreter import ask_php
from wch_peewee.wordpress.php.reader import read_config
from wch_peewee.wordpress.php.values import ABSENT, Unknown

needs_php = pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed")


def wrong_values(site: Path, program: str) -> dict[str, tuple[Any, Any]]:
    """Return what the reader says otherwise than PHP, by name; nothing where PHP does not come to WordPress."""
    (site / "wp-config.php").write_text(program)
    reading = values_of(read_config(site / "wp-config.php", site, ENVIRONMENT))
    answer = values_of(ask_php("php", site / "wp-config.php", site, ENVIRONMENT))
    known = {name: value for name, value in reading.items() if not isinstance(value, Unknown)}
    return {
        name: (value, answer[name])
        for name, value in known.items()
        if answer[REACHED] is not ABSENT
        and not isinstance(answer[name], Unknown)
        and shown(value) != shown(answer[name])
    }


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, text in {**FILES, "wp-load.php": ""}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@needs_php
@pytest.mark.parametrize("numbers", [range(60), pytest.param(range(60, 1500), marks=pytest.mark.slow)], ids=str)
def test_no_random_program_is_read_otherwise_than_by_php(site: Path, numbers: range) -> None:
    for number in numbers:
        program = Program(number).text
        assert wrong_values(site, program) == {}, f"program {number}:\n{program}"


@needs_php
def test_null_is_an_empty_string_in_a_comparison(site: Path) -> None:
    program = "<?php $a = trim(' '); switch ($a) { case null: $table_prefix = 'null_'; break; default: exit; }"
    assert wrong_values(site, f"{program} define('{REACHED}', 1); define('DB_NAME', $a == null ? 'n' : 'x');") == {}
    assert read_config(site / "wp-config.php", site, ENVIRONMENT).table_prefix == b"null_"


@needs_php
@pytest.mark.parametrize(
    "program",
    [
        "function f() { while (true) { return 'a'; } return 'b'; } $table_prefix = f();",
        "$table_prefix = 'a'; foreach ([1] as $x) { while (true) { break 2; } $table_prefix = 'b'; }",
        "$table_prefix = 'a'; goto out; $table_prefix = 'b'; out:",
        "$a = getenv('FUZZ_SET'); $b = 'a'; $f = function () use (&$b) { $b = 'b'; }; $f(); $table_prefix = $b;",
        "$a = 'a'; try { $a = 'b'; throw new Exception; $a = 'a'; } catch (Exception $e) { } $table_prefix = $a;",
        "do { function f() { return 'a'; } break; } while (true); $table_prefix = f();",
        "$a = ['k' => 'a']; foreach ($a as &$b) { $b = 'b'; } $table_prefix = $a['k'];",
        "function f(&...$a) { $a[1] = 'b'; } $b = $table_prefix = 'a'; f($b, $table_prefix);",
        "$f = fn() => $GLOBALS['table_prefix'] = 'b'; $table_prefix = 'a'; $f();",
        "$o = json_decode('{\"k\": \"a\"}'); $f = fn() => $o->k = 'b'; $f(); $table_prefix = $o->k;",
        "$o = json_decode('{\"k\": \"a\"}'); $p = $o; do { $p->k = 'b'; } while (false); $table_prefix = $o->k;",
    ],
)
def test_what_is_not_followed_leads_to_no_wrong_value(site: Path, program: str) -> None:
    assert wrong_values(site, f"<?php {program} define('DB_NAME', 'n'); define('{REACHED}', 1);") == {}


@needs_php
@pytest.mark.parametrize(
    "case",
    # PHP itself stops in the two: one is not PHP, the other includes what is not there.
    [case for case in cases()[::4] if case.name not in ("broken", "debian_per_host")],
    ids=lambda case: case.name,
)
def test_php_gives_every_value(case: Path, tmp_path: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    config, wordpress = copy_site(case, tmp_path)
    found = values_of(ask_php("php", config, wordpress, expected["environment"]))
    site = str(tmp_path.resolve() / "site")
    wanted = {name: saved(value, site) for name, value in expected["php"].items()}
    assert {name: shown(value) for name, value in found.items() if value is not ABSENT} == {
        name: shown(value) for name, value in wanted.items()
    }


@needs_php
def test_php_loads_no_wordpress_and_writes_nowhere(site: Path) -> None:
    (site / "wp-settings.php").write_text("<?php define('DB_NAME', 'loaded'); touch(__DIR__ . '/loaded');")
    (site / "more.php").write_text("<?php require __DIR__ . '/wp-settings.php';")
    text = (
        "<?php echo 'noise'; fwrite(STDERR, 'noise'); require 'more.php'; define('WCH_REMOVE_DATA', true); no_such();"
    )
    (site / "wp-config.php").write_text(text)
    found = ask_php("php", site / "wp-config.php", site, {})
    assert found.constants["DB_NAME"] is ABSENT
    assert found.constants["WCH_REMOVE_DATA"] is True
    assert not (site / "loaded").exists()


@needs_php
@pytest.mark.parametrize(
    "program", ["throw new Exception('s3cr3t');", "no_such('s3cr3t');", "$a = 's3cr3t' .", "while (true) { }"]
)
def test_what_php_cannot_evaluate_is_one_line_without_a_secret(
    site: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wch_peewee.wordpress.php.interpreter._SECONDS", 3)
    (site / "wp-config.php").write_text(f"<?php define('DB_NAME', 'n');\n{program}")
    with pytest.raises(ConfigurationError) as caught:
        Settings.gather(wordpress=site, php="php", environment={})
    assert "PHP" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert "\n" not in str(caught.value)


@needs_php
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run PHP as somebody else")
def test_root_runs_php_as_the_files_owner() -> None:
    text = "<?php define('DB_NAME', fileowner(tempnam(sys_get_temp_dir(), 'wch')) . '');$table_prefix = 'x_';"
    for number in (65534, 0):
        folder = Path(tempfile.mkdtemp())  # pytest's own is closed to others
        try:
            (folder / "wp-config.php").write_text(text)
            for path in (folder, folder / "wp-config.php"):
                os.chown(path, number, number)
            found = ask_php("php", folder / "wp-config.php", folder, {"TMPDIR": str(folder)})
            assert found.constants["DB_NAME"] == str(number).encode()
        finally:
            shutil.rmtree(folder)


@needs_php
def test_php_is_run_only_when_asked(site: Path) -> None:
    text = "<?php define('DB_NAME', strrev('pohs')); define('DB_USER', 'u'); define('DB_HOST', 'h');$table_prefix='x_';"
    (site / "wp-config.php").write_text(text)
    with pytest.raises(ConfigurationError, match=r"strrev\(\).*--php"):
        Settings.gather(wordpress=site, environment={})
    for asked in (
        Settings.gather(wordpress=site, php="php", environment={}),
        Settings.gather(wordpress=site, environment={"WCH_PHP": "php"}),
    ):
        assert asked.target.name == "shop"


def test_a_php_that_is_not_there(site: Path) -> None:
    (site / "wp-config.php").write_text("<?php")
    with pytest.raises(ConfigurationError, match="PHP not found: /no/php; set its path with --php=PATH or WCH_PHP"):
        Settings.gather(wordpress=site, php="/no/php", environment={})
