"""Folders that wch recognizes as WordPress sites, without WordPress.

site = make_site(tmp_path / "site", define(DB_NAME="shop", DB_USER="u", DB_PASSWORD="", DB_HOST="127.0.0.1:3306"))
"""

from __future__ import annotations

from pathlib import Path

from tests.support.databases import LiveDatabase
from wch_peewee.execution.session import read_session
from wch_peewee.models.namespace import our_names
from wch_peewee.wordpress.options import options_table

_END = "\nif (!defined('ABSPATH')) { define('ABSPATH', __DIR__ . '/'); }\nrequire_once ABSPATH . 'wp-settings.php';\n"


def quoted(text: str) -> str:
    """Return a PHP string in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def define(**constants: str) -> str:
    return "".join(f"define('{name}', {quoted(value)});\n" for name, value in constants.items())


def make_site(folder: Path, config: str, prefix: str | None = "wp_") -> Path:
    """Create a WordPress folder with this wp-config.php. Without ``prefix`` the text has to set it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("wp-load.php", "wp-settings.php"):
        (folder / name).touch()
    said = "" if prefix is None else f"$table_prefix = {quoted(prefix)};\n"
    (folder / "wp-config.php").write_text(f"<?php\n{config}{said}{_END}", encoding="utf-8")
    return folder


def site_of(database: LiveDatabase, folder: Path, more: str = "", prefix: str = "wp_") -> Path:
    """Create a WordPress folder whose wp-config.php names this database, in which WordPress is installed."""
    make_options(database, prefix)
    address = database.address
    known = define(
        DB_NAME=database.name,
        DB_USER=address.user,
        DB_PASSWORD=address.password,
        DB_HOST=f"{address.host}:{address.port}",
        DB_CHARSET="utf8mb4",
        DB_COLLATE="",
    )
    return make_site(folder, known + more, prefix)


def make_options(database: LiveDatabase, *prefixes: str) -> None:
    """Create WordPress's options tables of these prefixes, which are what counts of an installed site."""
    with read_session(database.database, our_names("")) as context:
        for prefix in prefixes:
            create = options_table(context.dialect, prefix, context.collation)
            for step in context.dialect.render(None, [create]):
                for statement in step.statements:
                    database.database.execute_sql(statement.sql)
