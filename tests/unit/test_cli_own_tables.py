"""``--models`` and ``--migrations``, their variables and ``[tool.wch]``, on every command."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import Result, commands_of, wch
from wch_peewee.cli.app import wch as group
from wch_peewee.migrate.folder import migrations_folder

MODELS = """
from wch_peewee import {base}
from wch_peewee.models.fields import IdField, VarcharField
{namespace}

class Invoice(BaseModel):
    id = IdField()
    number = VarcharField(30)

    class Meta:
        {meta}table_key = "invoices"
"""
SHOP = MODELS.format(
    base="BaseModel, Namespace", namespace='shop = Namespace("shop")\n', meta="namespace = shop\n        "
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the models of a shop, as the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    declare(SHOP)
    return tmp_path


def declare(text: str) -> None:
    Path("shop_tables.py").write_text(text, encoding="utf-8")
    sys.modules.pop("shop_tables", None)


def configure(**settings: str) -> None:
    lines = ["[tool.wch]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items())]
    Path("pyproject.toml").write_text("\n".join(lines), encoding="utf-8")


def failed(result: Result, words: str) -> None:
    """The command ends with a line that says so."""
    assert (result.code, result.out) == (78, ""), result.text
    assert words in result.err
    assert result.err.splitlines()[-1].startswith("Error: "), result.err


def test_every_command_takes_them() -> None:
    for name, command in commands_of(group).items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--models", "--migrations"} <= options, name


def test_an_empty_folder_becomes_a_live_version(project: Path) -> None:
    configure(models="shop_tables", migrations="database/migrations")
    assert wch("new", "invoices").code == 0
    folder = project / "database" / "migrations"
    assert sorted(file.name for file in folder.iterdir()) == ["001_invoices.py", "conf.py"]
    assert 'configuration("shop_tables")' in (folder / "conf.py").read_text(encoding="utf-8")
    assert wch("migrate").out.startswith("Applied 001_invoices\n")
    status = wch("status")
    assert (status.code, status.out.splitlines()[-1]) == (0, "Up to date.")
    files = {"models": str(project / "shop_tables.py"), "migrations": str(folder)}
    assert wch("status", "--format", "json").json["files"] == files
    assert all(text in status.out for text in files.values())
    assert wch("check").code == wch("check", "--models").code == wch("check", "--migrations").code == 0
    assert "wp_shop_invoices" in wch("schema", "--format", "json").out
    assert wch("new", "nothing").code == 1


def test_pyproject_is_found_from_below(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(models="shop_tables", migrations="migrations")
    assert wch("new", "invoices").code == 0
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    assert wch("status").out.splitlines()[-2].split() == ["migrations", str(project / "migrations")]


def test_an_option_wins_over_the_variable_and_that_over_the_file() -> None:
    configure(models="nowhere", migrations="migrations")
    failed(wch("status"), "--models nowhere: nowhere cannot be imported")
    failed(wch("status", WCH_MODELS="elsewhere"), "--models elsewhere: elsewhere cannot be imported")
    written = wch("new", "x", "--models", "shop_tables", WCH_MODELS="elsewhere", WCH_MIGRATIONS="others")
    assert written.out.endswith("then run: wch --models shop_tables migrate\n")
    assert Path("others", "001_x.py").exists()
    before = wch("--models", "shop_tables", "--migrations", "others", "check")
    assert (before.code, before.out.splitlines()[0]) == (
        1,
        "Pending: Run migration 001_x: wch migrate and wch activate run it",
    )


def test_nothing_of_ours_is_an_error_and_never_nothing_to_do(project: Path) -> None:
    given = ("--models", "shop_tables")
    (project / "empty").mkdir()
    for command in ("migrate", "activate", "status", "plan", "check", "repair"):
        failed(wch(*given, "--migrations", "nowhere", command), "No migrations folder at nowhere.")
        failed(wch(*given, "--migrations", "empty", command), "No migrations in empty.")
        failed(wch(*given, command), "The namespace shop has no migrations; use --migrations")
        failed(wch("--models", "json", command), "--models json: found no models")
    assert not Path("wch.db").exists()


#: Each command that works on a database, with what it needs to get as far as its settings.
ON_A_DATABASE = [
    *("activate", "migrate", "status", "plan", "check", "repair", "rollback", "doctor", "schema", "queue"),
    *("uninstall --yes", "prune --older-than 9 --yes", "export 1", "erase 1 --yes"),
]


@pytest.mark.parametrize("command", ON_A_DATABASE)
def test_a_folder_without_migrations_of_the_models_is_an_error(command: str) -> None:
    given, theirs = ("--models", "shop_tables"), str(migrations_folder())
    assert wch("new", "invoices", *given, "--migrations", "shop").code == 0
    assert wch("migrate", *given, "--migrations", "shop").code == 0
    before = Path("wch.db").read_bytes()
    words = command.split()
    for folder in ("nowhere", str(Path("nowhere").resolve())):
        failed(wch("--migrations", folder, *words), f"No migrations folder at {folder}.")
    foreign = wch("--migrations", "shop", *words, WCH_REMOVE_DATA="true")
    failed(foreign, '001_invoices.py has NAMESPACE = "shop", but the models belong to wch; choose models and')
    ours = wch(*given, "--migrations", theirs, *words, SHOP_REMOVE_DATA="true")
    failed(ours, '001_initial_schema.py has no NAMESPACE = "shop", so it belongs to wch, but the models belong to shop')
    assert Path("wch.db").read_bytes() == before


def test_what_compares_models_and_migrations_wants_those_of_one_namespace() -> None:
    given = ("--models", "shop_tables", "--migrations")
    assert wch("new", "invoices", *given, "shop").code == 0
    for command in (("check", "--models", "shop_tables", "--migrations"), ("new", "more", *given)):
        failed(wch(*command, str(migrations_folder())), 'has no NAMESPACE = "shop", so it belongs to wch')
    failed(wch("new", "more", "--migrations", "shop"), 'has NAMESPACE = "shop", but the models belong to wch')
    failed(wch("new", "rows", "--empty", "--migrations", "shop"), 'has NAMESPACE = "shop"')
    assert [file.name for file in Path("shop").glob("0*.py")] == ["001_invoices.py"]
    assert wch("new", "rows", "--empty", *given, "shop").code == 0
    assert '\nVERSION = "1.1.0"\nNAMESPACE = "shop"\n' in Path("shop", "002_rows.py").read_text(encoding="utf-8")


def test_a_key_that_was_left_out_is_said_and_is_no_success() -> None:
    user = """
class User(BaseModel):
    id = IdField(column_name="ID")

    class Meta:
        namespace = WORDPRESS
        table_key = "users"

"""
    declare(
        SHOP.replace("BaseModel, Namespace", "WORDPRESS, BaseModel, Namespace")
        .replace("import IdField", "import IdField, ReferenceField")
        .replace("\nclass Invoice", f"{user}\nclass Invoice")
        .replace("    number =", "    user = ReferenceField(User, null=True, backref='+')\n    number =")
    )
    given = ("--models", "shop_tables", "--migrations", "migrations")
    assert wch("new", "invoices", *given).code == 0
    key = "Add foreign key wp_shop_invoices (`user_id`) REFERENCES wp_users (`ID`)"
    refused = f"{key}: table wp_users does not exist; create it or check --prefix, then run wch activate"
    for words in ("Migrated to version 1.0.0.", "No pending migrations (version 1.0.0)."):
        result = wch("migrate", *given)
        assert (result.code, result.out.splitlines()[-2:]) == (1, [f"Refused: {refused}", words])
    document = wch("migrate", "--format", "json", *given)
    assert (document.code, [one["table"] for one in document.json["refusals"]]) == (1, ["wp_shop_invoices"])
    assert wch("migrate", *given, WCH_IGNORE=key).code == 0
    status = wch("status", *given)
    assert (status.code, status.out.splitlines()[-1]) == (
        1,
        f"Not up to date: the tables differ in 1 place; wch {' '.join(given)} check says which.",
    )
    assert wch("status", "--format", "json", *given).json["differences"] == [refused]
    assert (wch(*given, "check").code, wch("activate", *given).code) == (1, 1)
    assert wch("repair", *given).out.splitlines() == [f"Refused: {refused}", "Nothing could be repaired."]
    with closing(sqlite3.connect("wch.db")) as connection:
        connection.execute("CREATE TABLE wp_users (ID INTEGER PRIMARY KEY)")
    assert wch("activate", *given).code == wch("migrate", *given).code == wch("status", *given).code == 0


def test_migrations_that_lie_there_are_not_passed_over() -> None:
    assert wch("new", "invoices", "--models", "shop_tables", "--migrations", "migrations").code == 0
    failed(wch("migrate"), "but there are others in ")
    assert not Path("wch.db").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.wch", "pyproject.toml cannot be read: "),
        (
            "[tool.wch]\nmodel = 'shop'",
            "[tool.wch] has model = 'shop'; expected models = MODULE and migrations = FOLDER.",
        ),
        ("[tool.wch]\nmodels = 5", "[tool.wch] has models = 5; expected"),
        ("[tool]\nwch = 'shop'", "[tool.wch] has wch = 'shop'; expected"),
    ],
)
def test_a_wrong_file_is_one_clear_line(text: str, words: str) -> None:
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    failed(wch("status"), words)


def test_a_file_without_our_table_says_nothing() -> None:
    Path("pyproject.toml").write_text("tool = 5\n[project]\nname = 'shop'\n", encoding="utf-8")
    assert wch("status").code == 1


def test_a_seventh_table_needs_a_model_and_wch_new() -> None:
    """The six and one more, all of them in one list, with migrations that begin with ours."""
    declare(MODELS.format(base="MODELS as SIX, BaseModel", namespace="", meta="") + "\n\nMODELS = (*SIX, Invoice)\n")
    given = ("--models", "shop_tables", "--migrations", "migrations")
    assert wch("new", "all", *given).code == 0
    assert wch("migrate", *given).code == 0
    assert wch("check", "--models", "shop_tables", "--migrations", "migrations").code == 0
    assert "wp_wch_invoices" in wch("plan", *given, "--applied", "001_all").out
    report = wch("uninstall", "--yes", *given, WCH_REMOVE_DATA="true")
    assert "Dropped table wp_wch_invoices (0 rows)" in report.out


@pytest.mark.parametrize("job", ["queue", "queue requeue", "prune --older-than 9 --yes", "export 1", "erase 1 --yes"])
def test_the_jobs_of_the_six_tables_refuse_other_models(job: str) -> None:
    given = ("--models", "shop_tables", "--migrations", "shop")
    assert wch("new", "invoices", *given).code == wch("migrate", *given).code == 0
    assert wch("activate").code == 0
    failed(wch(*given, *job.split()), "Error: This command works on the six tables of wch; the models are of shop.")
