"""Real WordPress sites for the tests, and PHP that runs in them.

WCH_TEST_WORDPRESS ("6.8=/srv/wordpress-6.8 7.1=...") names folders with unpacked WordPress, which are only read. A site
is a folder of links to them, with its own wp-config.php, wp-content and database.

with wordpress_site(sources, engine, folder) as site:
    assert site.php("return get_option( 'blogname' );") == "Test"
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.databases import LiveDatabase, fresh_on_server
from tests.support.engines import Engine, EngineError

_SCRIPTS = Path(__file__).parents[1] / "php"
_SECONDS = 120

#: Deprecations are WordPress's own matter: an old one does not know this PHP.
_SETTINGS = {
    "display_errors": "stderr",
    "log_errors": "0",
    "error_reporting": "E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED",
    "opcache.enable_cli": "1",
    "opcache.file_cache_only": "1",
    "opcache.revalidate_freq": "0",
}

_CONFIG = """\
<?php
define( 'DB_NAME', {name} );
define( 'DB_USER', {user} );
define( 'DB_PASSWORD', {password} );
define( 'DB_HOST', {host} );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', {collation} );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'DISABLE_WP_CRON', true );
$table_prefix = {prefix};
if ( ! defined( 'ABSPATH' ) ) {{
\tdefine( 'ABSPATH', __DIR__ . '/' );
}}
require_once ABSPATH . 'wp-settings.php';
"""


_DB_DELTA = """
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
$queries = array();
add_filter( 'query', function ( $query ) use ( &$queries ) { $queries[] = $query; return $query; } );
$said = dbDelta( $text );
return array( $said, $queries );
"""
#: What a network's setup screen does, and what it then asks to be written into wp-config.php.
_NETWORK = """
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
foreach ( $wpdb->tables( 'ms_global' ) as $name => $table ) { $wpdb->$name = $table; }
install_network();
populate_network( 1, 'localhost', 'admin@example.com', 'Network', '/', false );
"""
_MULTISITE = """\
define( 'WP_ALLOW_MULTISITE', true );
define( 'MULTISITE', true );
define( 'SUBDOMAIN_INSTALL', false );
define( 'DOMAIN_CURRENT_SITE', 'localhost' );
define( 'PATH_CURRENT_SITE', '/' );
define( 'SITE_ID_CURRENT_SITE', 1 );
define( 'BLOG_ID_CURRENT_SITE', 1 );
"""
_READS = re.compile(r"\s*(?:DESCRIBE|SHOW|SELECT)\b", re.IGNORECASE)


class PhpError(AssertionError):
    """An error message of PHP or of its database."""


@dataclass(frozen=True)
class DbDelta:
    """One run of dbDelta: its messages, and the statements that change something."""

    said: list[str]
    sent: list[str]

    def __bool__(self) -> bool:
        return bool(self.said or self.sent)


@dataclass(frozen=True)
class WordPress:
    """One version of WordPress, unpacked in a folder."""

    name: str
    sources: Path

    def __str__(self) -> str:
        return self.name


class WordPressSite:
    """An installed site: its ``folder``, its ``database``, and PHP that runs in it."""

    def __init__(
        self, wordpress: WordPress, folder: Path, database: LiveDatabase, *, prefix: str = "wp_", collation: str = ""
    ) -> None:
        self.wordpress = wordpress
        self.folder = folder
        self.database = database
        self.prefix = prefix
        self.content = folder / "wp-content"
        self.content.mkdir(parents=True)
        for entry in wordpress.sources.iterdir():
            if entry.name == "wp-load.php":  # a link would lead PHP to the wp-config.php of the sources
                shutil.copy(entry, folder)
            elif entry.name not in ("wp-content", "wp-config.php"):
                (folder / entry.name).symlink_to(entry)
        self._configure(collation)
        self._run("install.php", "")
        self._own_tables = set(database.tables())

    def __repr__(self) -> str:
        return f"<WordPress {self.wordpress} on {self.database.engine}>"

    @property
    def url(self) -> str:
        """The URL of the database, for ``Plugin`` and ``wch --database``."""
        return self.database.url

    def php(self, code: str, **values: Any) -> Any:
        """Run PHP code in its own request and return its result, passed as JSON.

        ``values`` are its variables. Raises PhpError for every message of PHP or ``$wpdb``.
        """
        answer = self._run("request.php", json.dumps({"code": code, "values": values or {"_": None}}))
        return json.loads(answer.rpartition("\n")[2])

    def db_delta(self, text: str) -> DbDelta:
        """Run WordPress's dbDelta on ``text``, as a plugin does on activation."""
        said, queries = self.php(_DB_DELTA, text=text)
        # PHP's empty array is a list.
        return DbDelta(list(dict(said or {}).values()), [query for query in queries if not _READS.match(query)])

    def cache(self) -> None:
        """Install an empty persistent object cache in the site; ``reset()`` removes it."""
        shutil.copy(_SCRIPTS / "object-cache.php", self.content)

    def become_network(self, *paths: str) -> None:
        """Convert the site to a multisite network with these sub-sites."""
        self.php(_NETWORK)
        config = self.folder / "wp-config.php"
        config.write_text(config.read_text().replace("$table_prefix", f"{_MULTISITE}$table_prefix", 1))
        for path in paths:
            self.php("return wpmu_create_blog( 'localhost', $path, 'A site', 1 );", path=f"/{path}/")

    def reset(self) -> None:
        """Restore the state after installation, as far as the library is concerned."""
        for name in ("object-cache.php", "object-cache.store"):
            (self.content / name).unlink(missing_ok=True)
        execute = self.database.execute
        execute("SET SESSION foreign_key_checks = 0")
        for name in set(self.database.tables()) - self._own_tables:
            execute(f"DROP TABLE `{name}`")
        execute("SET SESSION foreign_key_checks = 1")
        execute(f"DELETE FROM `{self.prefix}options` WHERE option_name LIKE 'wch%%'")

    def _configure(self, collation: str) -> None:
        address = self.database.address
        values = {
            "name": self.database.name,
            "user": address.user,
            "password": address.password,
            # To PHP localhost is a socket.
            "host": f"{address.host.replace('localhost', '127.0.0.1')}:{address.port}",
            "collation": collation,
            "prefix": self.prefix,
        }
        text = _CONFIG.format(**{key: _php_string(value) for key, value in values.items()})
        (self.folder / "wp-config.php").write_text(text)

    def _run(self, script: str, given: str) -> str:
        settings = {**_SETTINGS, "opcache.file_cache": _compiled()}
        options = [word for name, value in settings.items() for word in ("-d", f"{name}={value}")]
        done = subprocess.run(
            ["php", *options, str(_SCRIPTS / script), str(self.folder)],
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode or done.stderr.strip():
            raise PhpError(f"{self!r}, {script}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


@contextmanager
def wordpress_site(
    wordpress: WordPress, engine: Engine, folder: Path, *, prefix: str = "wp_", collation: str = ""
) -> Iterator[WordPressSite]:
    """Install a site with its own database on ``engine``; ``collation`` is its DB_COLLATE."""
    place = folder / "site"
    with fresh_on_server(engine.name, engine.family, engine.address()) as database:
        try:
            yield WordPressSite(wordpress, place, database, prefix=prefix, collation=collation)
        finally:
            shutil.rmtree(place, ignore_errors=True)


@dataclass(frozen=True)
class Pair:
    """A version of WordPress and its server. ``usual`` pairs are tested without --slow."""

    wordpress: WordPress
    engine: Engine
    usual: bool

    def __str__(self) -> str:
        return f"{self.wordpress}-{self.engine.name}"


def choose_wordpress(value: str, engines: list[Engine]) -> tuple[list[Pair], str]:
    """Return the pairs of each version of WCH_TEST_WORDPRESS with each server, and one line if there are none.

    The usual pairs are the fewest that have each version and each server once.
    """
    servers = [engine for engine in engines if engine.family != "sqlite"]
    versions = _versions(value)
    why = (
        "WCH_TEST_WORDPRESS names no folder with WordPress"
        if not versions
        else "no MySQL or MariaDB among the engines"
        if not servers
        else _no_php()
    )
    if why:
        return [], f"wordpress: not tested ({why})"
    most = max(len(versions), len(servers))
    usual = {(number % len(versions), number % len(servers)) for number in range(most)}
    return [
        Pair(wordpress, engine, (row, column) in usual)
        for row, wordpress in enumerate(versions)
        for column, engine in enumerate(servers)
    ], ""


@functools.cache
def _compiled() -> str:
    """Return the folder for PHP's opcode cache, shared by all sites of a version."""
    folder = tempfile.mkdtemp(prefix="wch-opcache-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _versions(value: str) -> list[WordPress]:
    found: dict[str, WordPress] = {}
    for entry in value.split():
        name, equals, path = entry.partition("=")
        if not equals or not re.fullmatch(r"[\w.]+", name) or name in found:
            raise EngineError('WCH_TEST_WORDPRESS has the form "6.8=/folder 7.1=/other", each name once')
        sources = Path(path).resolve()
        if not (sources / "wp-settings.php").is_file():
            raise EngineError(f"WCH_TEST_WORDPRESS, {name}: {sources} holds no WordPress")
        found[name] = WordPress(name, sources)
    return list(found.values())


def _no_php() -> str:
    if shutil.which("php") is None:
        return "PHP is not installed"
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True, check=False, env={**os.environ}).stdout
    return "" if "mysqli" in modules.split() else "PHP has no mysqli"


def _php_string(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
