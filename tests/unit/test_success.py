"""``Success`` is printed if and only if a command that writes ends with exit code 0; nothing passes unseen."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import wch
from wch_peewee.migrate.folder import migrations_folder

READING = ("status", "check", "plan", "schema", "doctor")
WRITING = ("activate", "migrate", "repair", "rollback --yes", "uninstall --yes")
BLOGS = (
    "CREATE TABLE wp_blogs (blog_id INTEGER PRIMARY KEY, domain TEXT, path TEXT, spam INT, deleted INT, archived INT)"
)
CART = "INSERT INTO wp_wch_carts (customer_phone, expires_at, created_at, updated_at) VALUES ('1', '', '', '')"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sql(*statements: str) -> None:
    with contextlib.closing(sqlite3.connect("wch.db", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def nothing() -> None:
    pass


def installed() -> None:
    wch("activate")


def drifted() -> None:
    installed()
    sql("DROP INDEX wp_wch_carts_expires_at")


def refused() -> None:
    installed()
    sql("DROP INDEX wp_wch_carts_customer_phone", CART, CART)


def newer() -> None:
    installed()
    sql("DELETE FROM wp_wch_migratehistory", "UPDATE wp_options SET option_value = '1.9.0'")


def much_newer() -> None:
    installed()
    sql("DELETE FROM wp_wch_migratehistory", "UPDATE wp_options SET option_value = '9.0.0'")


def unfit() -> None:
    installed()
    sql("DROP INDEX wp_wch_carts_expires_at", CART, "ALTER TABLE wp_wch_carts DROP COLUMN expires_at")


def damaged() -> None:
    Path("wch.db").write_text("no database " * 100, encoding="utf-8")


def no_sites() -> None:
    installed()
    sql(BLOGS, "INSERT INTO wp_blogs VALUES (1, 'x', '/', 1, 0, 0)")


def sites() -> None:
    installed()
    sql(BLOGS, *(f"INSERT INTO wp_blogs VALUES ({number}, 'x', '/{number}/', 0, 0, 0)" for number in (1, 2, 3)))
    for number in (2, 3):
        sql(f"CREATE TABLE wp_{number}_options AS SELECT * FROM wp_options WHERE option_id = 0")
    wch("activate", "--network")


def drifted_sites() -> None:
    sites()
    sql("DROP INDEX wp_2_wch_carts_expires_at")


STATES = (nothing, installed, drifted, refused, newer, much_newer, unfit, damaged, no_sites, sites, drifted_sites)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize("network", [False, True], ids=["site", "network"])
def test_success_is_exit_code_0(state: Callable[[], None], network: bool) -> None:
    state()
    kept = Path("wch.db").read_bytes() if Path("wch.db").exists() else None
    for command in (*READING, *WRITING):
        if network and command.partition(" ")[0] not in ("activate", "status", "check", "uninstall"):
            continue
        Path("wch.db").unlink(missing_ok=True) if kept is None else Path("wch.db").write_bytes(kept)
        result = wch(*command.split(), *(["--network"] if network else []), WCH_REMOVE_DATA="true")
        succeeded = "Success" in result.out
        assert not succeeded or result.code == 0, (command, result)
        assert succeeded or result.code != 0 or (command in READING and not network), (command, result)
        assert "Success" not in result.err


def test_a_network_without_sites_is_no_success() -> None:
    no_sites()
    for command in (["status"], ["check"], ["activate"], ["uninstall", "--yes"]):
        result = wch(*command, "--network", WCH_REMOVE_DATA="true")
        assert (result.code, result.out) == (78, "")
        assert "wp_blogs lists no active site" in result.err


def test_sites_that_differ_are_counted() -> None:
    drifted_sites()
    result = wch("check", "--network")
    assert (result.code, result.out.splitlines()[-1]) == (1, "3 sites, 0 failed, 1 not up to date.")


def test_a_site_that_php_has_upgraded_is_no_failure() -> None:
    sites()
    sql("UPDATE wp_2_options SET option_value = '2.6.0'", "DROP INDEX wp_2_wch_carts_expires_at")
    for command in ("activate", "check", "status"):
        result = wch(command, "--network")
        assert (result.code, result.out.splitlines()[-1]) == (4, "3 sites, 0 failed, 1 not up to date.")
        assert "the PHP plugin has upgraded the tables to version 2.6.0" in result.out


def test_a_history_from_an_older_backup_is_the_other_explanation_of_a_newer_version() -> None:
    newer()
    for command in ("activate", "check", "status", "plan"):
        assert "to version 1.9.0, or the history was restored from an older backup" in wch(command).out
    sql("INSERT INTO wp_wch_migratehistory (name, migrated_at) VALUES ('002_more', '2030-01-01')")
    assert "backup" not in wch("status").out


@pytest.mark.parametrize("file", [None, "helpers.py", "__init__.py", "readme.txt"])
def test_a_folder_without_migrations_is_no_success(file: str | None, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    if file is not None:
        (tmp_path / "empty" / file).write_text("", encoding="utf-8")
    result = wch("check", "--migrations", "empty")
    assert (result.code, result.out) == (78, "")
    assert "No migrations in empty" in result.err


@pytest.mark.parametrize("option", ["--migrations", "--models"])
def test_an_empty_value_is_not_the_option_without_one(option: str) -> None:
    """As of a shell's variable that is not set: the shipped ones are not what was meant."""
    assert wch("check", option).code == 0
    assert wch("check", option, "").code in (64, 78)


def test_other_migrations_here_are_not_passed_over_for_the_packages_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with an installed package and a checkout whose migrations are edited."""
    own = migrations_folder()
    (tmp_path / "migrations").mkdir()
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    commands = (["check", "--migrations"], ["check", "--models"], ["new", "words", "--dry-run"])
    (tmp_path / "migrations" / "001_initial.py").write_text("def migrate(migrator, database): ...", encoding="utf-8")
    for command in commands:  # another tool's
        result = wch(*command)
        assert f"Migrations: {own}\n" in result.err
        assert result.code in (0, 1)
    (tmp_path / "migrations" / "001_initial.py").write_text('VERSION = "1.0.0"\n', encoding="utf-8")
    for command in commands:
        result = wch(*command)
        assert (result.code, result.out) == (78, "")
        assert str(own) in result.err
        assert str(tmp_path / "migrations") in result.err
        named = ["--migrations", str(own)]
        assert wch(*[word for word in command if word != "--migrations"], *named).code in (0, 1)


MODELS = """
from wch_peewee import MODELS as SHIPPED, BaseModel, Cart
import peewee as pw


class Forgotten({base}):
    name = pw.CharField()
    {meta}

LIST = (*SHIPPED, Forgotten)
{line}
"""


@pytest.mark.parametrize(
    ("base", "meta", "line", "named", "words"),
    [
        ("BaseModel", "", "MODELS = SHIPPED", "", "defines Forgotten, which its MODELS leaves out"),
        ("BaseModel", "class Meta: table_key = 'carts'", "MODELS = SHIPPED", "", "defines Forgotten, which its MODELS"),
        ("BaseModel", "", "", "", "no migration can know Forgotten"),
        ("BaseModel", "", "", ":Forgotten", "no migration can know Forgotten"),
        ("BaseModel", "", "", ":LIST", "no migration can know Forgotten"),
        ("pw.Model", "", "", ":LIST", "no migration can know Forgotten"),
        ("BaseModel", "class Meta: table_key = 'carts'", "", ":LIST", "Two models have the Meta.table_key 'carts'"),
        ("Cart", "class Meta: table_key = 'Wishes'", "", "", "Table key 'Wishes' is not valid"),
    ],
)
def test_a_model_that_nothing_looks_at_is_an_error(
    base: str, meta: str, line: str, named: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"models_{abs(hash((base, meta, line)))}"
    Path(f"{module}.py").write_text(MODELS.format(base=base, meta=meta, line=line), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = wch("check", "--models", f"{module}{named}", "--quiet")
    assert (result.code, result.out) == (78, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1
