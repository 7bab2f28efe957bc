"""The test kit for authors of migrations: one line in a test, or one command, and the mistakes that it finds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.engines import Engine
from tests.support.populate import fill
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.testing import ExaminationFailed, Verdict, examine
from wch_peewee.testing.scenarios import SCENARIOS

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]

MIGRATION = '''
"""Version 1.1.0."""
from wch_peewee.migrate import steps
VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.run_sql, database, "{forward}")
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.run_sql, database, "{back}")
    migrator.run(steps.unstamp, database, "1.0.0")
'''

NOTHING = "UPDATE {carts} SET items = items"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    shutil.copy(migrations_folder() / "001_initial_schema.py", folder)
    return folder


def examined(folder: Path, engine: Engine, every: int = 4, **scenarios: str) -> Verdict:
    """Examine the folder on one engine with the named scenarios; return the verdict, also if it fails."""
    server = "sqlite" if engine.family == "sqlite" else f"{engine.name}={engine.address().url('')}"
    chosen = [scenario for scenario in SCENARIOS if scenario.name in scenarios.values()]
    try:
        return examine(folder, populate=fill, engines=[server], scenarios=chosen, every=every)
    except ExaminationFailed as error:
        return error.verdict


# What the second migration does, forward and back, and what is found: scenario, kind and words.
BROKEN = {
    "a table is made without looking": (
        "CREATE TABLE {notes} (id INT PRIMARY KEY)",
        "DROP TABLE {notes}",
        ("killed anywhere", "error", "already exists"),
    ),
    "it counts, and counts again": (
        "UPDATE {broadcast_campaigns} SET sent_count = sent_count + 1",
        "UPDATE {broadcast_campaigns} SET sent_count = sent_count - 1",
        ("killed anywhere", "different", "wp_wch_broadcast_campaigns has other rows"),
    ),
    "the way back cannot be repeated": (
        "CREATE TABLE IF NOT EXISTS {notes} (id INT PRIMARY KEY)",
        "DROP TABLE {notes}",
        ("killed on the way back, then back", "error", "nknown table"),
    ),
}


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(("forward", "back", "found"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_repeated_is_found(
    engine: Engine, folder: Path, forward: str, back: str, found: tuple[str, str, str]
) -> None:
    (folder / "002_more.py").write_text(MIGRATION.format(forward=forward, back=back), encoding="utf-8")
    scenario, kind, words = found
    finding = examined(folder, engine, 2, scenario=scenario).findings[0]
    assert (finding.scenario, finding.fault.kind) == (scenario, kind)
    assert words in str(finding)


@pytest.mark.parametrize(
    ("forward", "back", "words"),
    [
        (NOTHING, "DELETE FROM {carts}", "wp_wch_carts has other rows, 0 where 3 are expected"),
        (NOTHING, "UPDATE {carts} SET nonsense = 1", "002_more back and forward again\n  it ends in MigrationFailed"),
        ("UPDATE {carts} SET nonsense = 1", NOTHING, "the undisturbed run\n  it ends in MigrationFailed"),
    ],
)
def test_what_does_not_come_back_is_found(engine: Engine, folder: Path, forward: str, back: str, words: str) -> None:
    (folder / "002_more.py").write_text(MIGRATION.format(forward=forward, back=back), encoding="utf-8")
    verdict = examined(folder, engine, scenario="forward, back and forward again")
    assert words in str(verdict)


TEST = """
pytest_plugins = ["wch_peewee.testing"]

def test_our_migrations(examine_migrations):
    assert examine_migrations("migrations", every=9).ok
"""


def run_author_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.RunResult:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("WCH_TEST_SERVERS", "")
    pytester.makepyfile(TEST)
    return pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider")


def test_one_line_in_a_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(migrations_folder(), pytester.path / "migrations")
    result = run_author_test(pytester, monkeypatch)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*examined by *test_our_migrations*", "scenario *SQLite*", "killed anywhere *all *"])


def test_one_line_says_what_is_wrong(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    broken = MIGRATION.format(forward=NOTHING, back="UPDATE {carts} SET nonsense = 1")
    (folder / "002_more.py").write_text(broken, encoding="utf-8")
    shutil.copytree(folder, pytester.path / "migrations")
    result = run_author_test(pytester, monkeypatch)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the migrations of migrations do not bear everything*", "*nonsense*"])
    assert "Traceback" not in result.stdout.str()
    # It ends in the author's line, not somewhere in the kit.
    result.stdout.fnmatch_lines(["test_one_line_says_what_is_wrong.py:4: ExaminationFailed"])


def command(
    *arguments: str, module: str = "wch_peewee.testing", folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, "--engines", "sqlite", *arguments],
        cwd=folder,
        env={**os.environ, "WCH_TEST_SERVERS": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_the_table() -> None:
    result = command("--every", "29", "--populate", "tests.support.populate:fill")
    assert (result.returncode, result.stderr) == (0, "")
    _, head, *rows = result.stdout.splitlines()
    assert re.match(r"scenario +SQLite 3\.", head)
    assert [re.split("  +", row)[0] for row in rows] == [scenario.name for scenario in SCENARIOS]
    assert all(re.search(r" (all [0-9]+|-)$", row) for row in rows)


def test_a_command_compares_with_stock_peewee_migrate() -> None:
    """The scenario two at once fails there on SQLite; the command does not."""
    result = command("--stock", "--every", "49", module="tests.support.convergence")
    assert result.returncode == 0
    assert "end in an error" in result.stdout
    assert "001_initial_schema" in result.stderr


@pytest.mark.parametrize("arguments", [["--engines", "nowhere"], ["--migrations", "tests/unit"]])
def test_the_command_says_what_is_wrong_with_its_arguments(arguments: list[str]) -> None:
    result = command(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


MODEL = """
from wch_peewee import BaseModel, Namespace
from wch_peewee.models.fields import IdField

class Bill(BaseModel):
    id = IdField()

    class Meta:
        namespace = Namespace("shop")
        table_key = "bills"
"""
OWN = """
from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, Table, bigint

NAMESPACE = "shop"
VERSION = "1.0.0"
BILLS = Table("bills", columns=(Column("id", bigint(unsigned=True), auto_increment=True),))


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.create_tables, database, [BILLS])
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.drop_tables, database, [BILLS])
    migrator.run(steps.unstamp, database, None)
"""


def test_the_command_examines_the_project_of_pyproject(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "001_bills.py").write_text(OWN)
    (tmp_path / "bills.py").write_text(MODEL)
    named = ["--migrations", "migrations"]
    result = command(*named, folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "choose models and migrations of the same namespace" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    (tmp_path / "pyproject.toml").write_text('[tool.wch]\nmodels = "bills"\nmigrations = "migrations"\n')
    for arguments in ([], named):
        result = command("--every", "9", *arguments, folder=tmp_path)
        assert (result.returncode, result.stderr) == (0, ""), result.stdout
        assert result.stdout.splitlines()[0] in {f"Migrations: {tmp_path / 'migrations'}", "Migrations: migrations"}
