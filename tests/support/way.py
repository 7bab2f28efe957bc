"""The files of the package that a call enters on its way to SQL.

    python -m tests.support.way
    python -m tests.support.way --files plan

Each call is made on SQLite, in a new process. All modules are imported before it and only calls count, so that a file
of which nothing but the import runs is not among those entered.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peewee

import wch_peewee
from tests.support.command import wch
from wch_peewee import MODELS, Plugin, db_delta
from wch_peewee.migrate.folder import migrations_folder

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = f"{Path(wch_peewee.__file__).parent}{os.sep}"
URL = "sqlite:///shop.db"
#: A models file with one column more than the shipped models.
SHOP_MODELS = """
from wch_peewee import MODELS as SHIPPED
from wch_peewee import Cart
from wch_peewee.models.fields import VarcharField


class ShopCart(Cart):
    channel = VarcharField(10, default="web")

    class Meta:
        table_key = "carts"


MODELS = tuple(ShopCart if model is Cart else model for model in SHIPPED)
"""


def activate() -> Callable[[], object]:
    """Return the call that activates the plugin on an empty database."""
    return Plugin(URL).activate


def add_column() -> Callable[[], object]:
    """Return the call of db_delta that adds one column."""
    database = peewee.SqliteDatabase("shop.db")
    db_delta(MODELS, database)
    database.execute_sql("ALTER TABLE wp_wch_carts DROP COLUMN coupon_code")
    return lambda: db_delta(MODELS, database)


def plan() -> Callable[[], object]:
    """Return the call of ``wch plan`` on an empty database."""
    return lambda: command("plan")


def new() -> Callable[[], object]:
    """Return the call of ``wch new`` that writes a migration."""
    Path("shop_models.py").write_text(SHOP_MODELS, encoding="utf-8")
    shutil.copytree(migrations_folder(), "migrations")
    sys.path.insert(0, "")
    return lambda: command("new", "channel", "--models", "shop_models", "--migrations", "migrations")


def admin_init() -> Callable[[], object]:
    """Return the call of admin_init when everything is current, on the application's open connection."""
    plugin = Plugin(URL)
    plugin.activate()
    plugin.database.connect()
    plugin.admin_init()
    return plugin.admin_init


CALLS = {
    "activate": activate,
    "db_delta": add_column,
    "plan": plan,
    "new": new,
    "admin_init": admin_init,
}


def command(*arguments: str) -> None:
    """Run ``wch``. Raises AssertionError if it fails."""
    result = wch(*arguments, database=URL)
    assert result.code == 0, result.text


def files_entered(name: str) -> list[str]:
    """Return the files that a call of ``CALLS`` enters, in the order of entry."""
    with tempfile.TemporaryDirectory() as folder:
        child = [sys.executable, "-m", "tests.support.way", "--trace", name]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(child, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    files: list[str] = json.loads(ended.stdout)
    return files


def trace(name: str) -> list[str]:
    """Return the files that a call enters; the tables are made in the current folder."""
    for module in pkgutil.walk_packages(wch_peewee.__path__, "wch_peewee."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    call = CALLS[name]()
    entered: dict[str, None] = {}

    def profile(frame: Any, event: str, argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(PACKAGE):
            entered[code.co_filename.removeprefix(PACKAGE)] = None

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return list(entered)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.way", description=__doc__.splitlines()[0])
    parser.add_argument("--files", choices=CALLS, help="list the files that this call enters, in the order of entry")
    parser.add_argument("--trace", choices=CALLS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.trace:
        sys.stdout.write(json.dumps(trace(arguments.trace)))
    elif arguments.files:
        sys.stdout.write("\n".join([*files_entered(arguments.files), ""]))
    else:
        for name in CALLS:
            sys.stdout.write(f"{name:<12}{len(files_entered(name)):>3}\n")


if __name__ == "__main__":
    main()
