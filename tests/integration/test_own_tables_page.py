"""docs/own-tables.md, from an empty folder to a live second version, on every engine."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.databases import LiveDatabase
from tests.support.page_examples import Reader, blocks_of
from tests.support.shop import make_wordpress
from wch_peewee import DatabaseManager
from wch_peewee.database.query import detect_dialect
from wch_peewee.database.url import parse_url

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "own-tables.md").read_text(encoding="utf-8")
URL = "sqlite:///shop.db"
PROGRAMS = {
    "wch": "from wch_peewee.cli import main; main()",
    "pw_migrate": "from peewee_migrate.cli import cli; cli()",
}


def test_the_page_from_top_to_bottom(tmp_path: Path, database: LiveDatabase) -> None:
    make_wordpress(database.database, "wp_")
    DatabaseManager(database.url).install()
    project, programs = tmp_path / "project", tmp_path / "programs"
    project.mkdir()
    programs.mkdir()
    for name, program in PROGRAMS.items():
        (programs / name).write_text(f"#!{sys.executable}\n{program}\n")
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')  # which the PATH may not have
    for file in programs.iterdir():
        file.chmod(0o755)
    label = detect_dialect(database.database).label
    shown = {database.url: URL, str(parse_url(database.url)): URL, str(tmp_path): ""}
    if database.family != "sqlite":
        shown |= {f" and {label}": "", label: "SQLite 3.40.1"}
    with Reader(project, typed={URL: database.url}, shown=shown) as reader:
        reader.environment |= {"PYTHONPATH": str(ROOT), "PATH": f"{programs}:{reader.environment['PATH']}"}
        for block in blocks_of(PAGE):
            reader.run(block)
    assert DatabaseManager(database.url).status().is_current
