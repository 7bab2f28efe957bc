"""PHP's results for the wp-config.php files in tests/wp_config, saved as expected.json beside each.

    python -m tests.support.php_answers            print where expected.json and PHP differ
    python -m tests.support.php_answers --write    write the files again; needs PHP 8

A case is a folder with ``site/``, the files of a WordPress site, and ``expected.json``: ``environment`` is PHP's
environment, ``php`` the values of the constants and ``$table_prefix`` when WordPress connects ("{site}" stands for the
site's folder), and ``unknown`` names those that cannot be known without running PHP; these are written by hand.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CASES = Path(__file__).parents[1] / "wp_config"

NAMES = (
    "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_CHARSET", "DB_COLLATE", "MYSQL_CLIENT_FLAGS", "WP_CONTENT_DIR",
    "WP_ALLOW_MULTISITE", "MULTISITE", "SUBDOMAIN_INSTALL", "VHOST", "SUNRISE", "DOMAIN_CURRENT_SITE",
    "PATH_CURRENT_SITE", "SITE_ID_CURRENT_SITE", "BLOG_ID_CURRENT_SITE", "WCH_REMOVE_DATA",
)  # fmt: skip

#: Stands in for WordPress: says what there is when WordPress would connect.
_SETTINGS = "<?php $GLOBALS['wch_truth']['connect'] = wch_truth_now();\n"

_RUNNER = r"""<?php
function wch_truth_now() {
    $found = [];
    foreach ($GLOBALS['wch_truth']['names'] as $name) {
        if (defined($name)) { $found[$name] = wch_truth_value(constant($name)); }
    }
    if (isset($GLOBALS['table_prefix'])) { $found['table_prefix'] = wch_truth_value($GLOBALS['table_prefix']); }
    return $found;
}
function wch_truth_value($value) {
    if (is_string($value) && !preg_match('//u', $value)) { return ['base64' => base64_encode($value)]; }
    return is_scalar($value) || $value === null ? $value : ['type' => gettype($value)];
}
$wch_truth = ['names' => json_decode($argv[3]), 'connect' => null];
define('ABSPATH', $argv[2] . '/');
chdir($argv[2]);
register_shutdown_function(function () use ($argv) {
    $last = wch_truth_now();
    $found = $GLOBALS['wch_truth']['connect'] ?? $last;
    unset($found['WCH_REMOVE_DATA']);
    if (array_key_exists('WCH_REMOVE_DATA', $last)) { $found['WCH_REMOVE_DATA'] = $last['WCH_REMOVE_DATA']; }
    file_put_contents($argv[4], json_encode((object) $found, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION));
});
unset($value, $name);
require $argv[1];
"""


def cases() -> list[Path]:
    return sorted(path.parent for path in CASES.glob("*/expected.json"))


def name_dotenv(site: Path) -> None:
    """Give a copied site's ``.env`` files their name; in the cases it is ``_env``, which no tool passes over."""
    for dotted in [path for path in site.rglob("_env*") if path.is_file()]:
        dotted.rename(dotted.with_name(f".{dotted.name[1:]}"))


def copy_site(case: Path, folder: Path) -> tuple[Path, Path]:
    """Copy the case's site into a folder with WordPress; return the paths of wp-config.php and of WordPress."""
    site = folder / "site"
    shutil.copytree(case / "site", site)
    name_dotenv(site)
    wordpress = site / _folder_of_wordpress(case)
    wordpress.mkdir(parents=True, exist_ok=True)
    (wordpress / "wp-load.php").touch()
    (wordpress / "wp-settings.php").write_text(_SETTINGS)
    config = wordpress / "wp-config.php"
    return (config if config.exists() else wordpress.parent / "wp-config.php"), wordpress


def _folder_of_wordpress(case: Path) -> str:
    marker = next((case / "site").rglob("WORDPRESS_IS_HERE"), None)
    return marker.parent.relative_to(case / "site").as_posix() if marker else "."


def ask_php(config: Path, wordpress: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run the file with PHP in this environment only, and return the values that it set."""
    with tempfile.TemporaryDirectory() as folder:
        runner, answer = Path(folder, "run.php"), Path(folder, "answer.json")
        runner.write_text(_RUNNER)
        options = ["-d", "variables_order=EGPCS", "-d", "display_errors=0", "-d", "short_open_tag=0"]
        command = ["php", *options, str(runner), str(config), str(wordpress), json.dumps(NAMES), str(answer)]
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
        found: dict[str, Any] = json.loads(answer.read_text())
        return found


def truth(case: Path) -> dict[str, Any]:
    """Return PHP's values for a case, with {site} for its folder."""
    environment = json.loads((case / "expected.json").read_text())["environment"]
    with tempfile.TemporaryDirectory() as folder:
        config, wordpress = copy_site(case, Path(folder).resolve())
        found = ask_php(config, wordpress, environment)
        return {
            name: value.replace(f"{Path(folder).resolve()}/site", "{site}") if isinstance(value, str) else value
            for name, value in found.items()
        }


def main() -> int:
    differing = 0
    for case in cases():
        file = case / "expected.json"
        expected = json.loads(file.read_text())
        found = truth(case)
        if found != expected.get("php"):
            differing += 1
            sys.stdout.write(f"{case.name}: PHP says {found}, expected.json {expected.get('php')}\n")
            if "--write" in sys.argv:
                document = {
                    "environment": expected["environment"],
                    "php": found,
                    "unknown": expected.get("unknown", []),
                }
                file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return 1 if differing and "--write" not in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
