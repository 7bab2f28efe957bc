"""What ``--format json`` prints is what docs/output.schema.json defines: every command, in its main states."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.integration.test_network import network  # noqa: F401
from tests.support.command import commands_of, wch
from tests.support.damage import Damage
from tests.support.databases import LiveDatabase
from wch_peewee import errors
from wch_peewee.cli.app import wch as group

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "output.schema.json").read_text(encoding="utf-8"))
DEFINITIONS: dict[str, Any] = SCHEMA["$defs"]
#: The definitions of whole documents; the others are parts of these.
DOCUMENTS = {name for name, one in DEFINITIONS.items() if one["title"].startswith("wch ")} | {"error"}

#: A definition, the exit code, and the words of the command line.
Case = tuple[str, int, str]
EMPTY: tuple[Case, ...] = (
    ("status", 1, "status"),
    ("check", 1, "check"),
    ("plan", 0, "plan"),
    ("plan", 0, "activate --dry-run"),
    ("migrate_dry_run", 0, "migrate --dry-run"),
    ("uninstall_dry_run", 0, "uninstall --dry-run"),
    ("uninstall", 2, "uninstall"),
    ("rollback", 0, "rollback --yes"),
    ("doctor", 0, "doctor"),
    ("schema", 0, "schema"),
    ("plan_applied", 0, "plan --applied 001_initial_schema"),
    ("activate", 0, "activate"),
    ("activate", 0, "activate"),
    ("status", 0, "status"),
    ("check", 0, "check"),
    ("plan", 0, "plan"),
    ("migrate", 0, "migrate"),
    ("repair_dry_run", 0, "repair --dry-run"),
    ("repair", 0, "repair"),
    ("queue", 0, "queue"),
    ("queue", 0, "queue requeue --failed"),
    ("prune", 0, "prune --older-than 9 --dry-run"),
    ("prune", 0, "prune --older-than 9 --conversations --yes"),
    ("erase", 0, "erase 1 --dry-run"),
    ("export", 0, "export 1"),
    ("erase", 0, "erase 1 --yes"),
    ("uninstall_dry_run", 0, "uninstall --dry-run"),
    ("error", 64, "status --no-such-option"),
)
PENDING: tuple[Case, ...] = (
    ("status", 1, "status"),
    ("check", 1, "check --verbose"),
    ("plan", 0, "plan"),
    ("migrate_mark", 0, "migrate --mark 002_notes --dry-run"),
    ("error", 2, "migrate --mark 002_notes --yes"),
    ("migrate", 0, "migrate"),
    ("plan_rollback", 0, "plan --rollback 002_notes"),
    ("plan_rollback", 0, "rollback 002_notes --dry-run"),
    ("plan_applied", 0, "plan --applied 003_renamed --backwards"),
    ("rollback", 0, "rollback 003_renamed --yes"),
    ("error", 64, "plan --applied 009_none"),
    ("rollback", 0, "rollback 002_notes --allow-loss"),
)
DAMAGED: tuple[Case, ...] = (
    ("check", 1, "check"),
    ("plan", 0, "plan"),
    ("repair_dry_run", 1, "repair --dry-run"),
    ("activate", 1, "activate"),
    ("repair", 1, "repair"),
    ("repair", 0, "repair --orphans=reattach"),
)
NEWER: tuple[Case, ...] = (
    ("status", 4, "status"),
    ("check", 4, "check"),
    ("plan", 4, "plan"),
    ("activate", 4, "activate"),
    ("migrate", 4, "migrate"),
    ("migrate_dry_run", 4, "migrate --dry-run"),
    ("error", 4, "rollback --yes"),
)
NETWORK: tuple[Case, ...] = (
    ("status_network", 1, "status --network"),
    ("check_network", 1, "check --network"),
    ("check_network", 0, "activate --network --dry-run"),
    ("activate_network", 2, "activate --network"),
    ("status_network", 1, "status --network"),
    ("uninstall_network", 2, "uninstall --network"),
)
AUTHORS: tuple[Case, ...] = (
    ("check_migrations", 1, "check --migrations"),
    ("check_models", 1, "check --models"),
    ("new", 0, "new back --drop messages.note --rename conversations.state:status --dry-run"),
    ("new", 0, "new back --drop messages.note --rename conversations.state:status"),
    ("new", 0, "new rows --empty --dry-run"),
    ("error", 2, "check --models"),  # the file has a question to its author
)
AGREED: tuple[Case, ...] = (
    ("check_migrations", 0, "check --migrations"),
    ("check_migrations", 0, "check --migrations --record"),
    ("check_models", 0, "check --models"),
    ("new_nothing", 1, "new nothing"),
)
FAILING = '''
"""Version 1.3.0: a statement that fails."""
from wch_peewee.migrate import steps
VERSION = "1.3.0"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.run_sql, database, "UPDATE {messages} SET no_such_column = 1")
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.unstamp, database, "1.2.0")
'''
ALL = (*EMPTY, *PENDING, *DAMAGED, *NEWER, *NETWORK, *AUTHORS, *AGREED)


def run(cases: Iterable[Case], database: str, *more: str, **environment: str) -> None:
    for definition, code, words in cases:
        result = wch(*words.split(), *more, "--format", "json", database=database, **environment)
        assert result.code == code, (words, result.text)
        validate(definition, result.json)


def validate(definition: str, document: Any) -> None:
    Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{definition}"}).validate(document)


def test_a_new_installation(database: LiveDatabase) -> None:
    run(EMPTY, database.url)
    run([("uninstall", 0, "uninstall --yes")], database.url, WCH_REMOVE_DATA="true")


def test_pending_migrations(site: LiveDatabase, notes: Path) -> None:
    run(PENDING, site.url)
    (notes / "004_failing.py").write_text(FAILING, encoding="utf-8")
    result = wch("migrate", "--format", "json", database=site.url)
    assert (result.code, result.json["error"]["type"]) == (2, "MigrationFailed")
    validate("error", result.json)


def test_damaged_tables_with_orphans(site: LiveDatabase) -> None:
    damage = Damage(site)
    damage.drop_key()
    damage.drop_index("carts", "expires_at")
    site.execute("DELETE FROM wp_wch_conversations WHERE id = 1")
    run(DAMAGED, site.url)


def test_a_newer_database(site: LiveDatabase) -> None:
    site.execute("UPDATE wp_options SET option_value = '9.0.0' WHERE option_name = 'wch_db_version'")
    run(NEWER, site.url)


def test_a_network(network: LiveDatabase) -> None:  # noqa: F811
    network.execute("CREATE TABLE wp_2_wch_carts (id VARCHAR(5))")
    run(NETWORK, network.url)


def test_the_author_s_commands(notes: Path, database: LiveDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(notes.parent)
    run(AUTHORS, database.url, "--migrations", str(notes))
    (agreed := notes.parent / "agreed").mkdir()
    shutil.copy(notes / "001_initial_schema.py", agreed)
    run(AGREED, database.url, "--migrations", str(agreed))


def test_every_command_and_definition_has_a_case() -> None:
    assert {definition for definition, _, _ in ALL} == DOCUMENTS
    assert {words.split()[0] for _, _, words in ALL} == set(commands_of(group))


def test_every_field_has_a_meaning_and_no_other_is_allowed() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for definition in (*DEFINITIONS.values(), DEFINITIONS["error"]["properties"]["error"]):
        assert definition["additionalProperties"] is False
        for name, value in definition["properties"].items():
            assert value.get("description") or value.get("enum"), (definition.get("title"), name)


@pytest.mark.parametrize(
    "error",
    [
        errors.MissingPrivileges("no"),
        errors.SchemaConflict("no"),
        errors.CopyRefused("no"),
        errors.MigrationFailed("no", migration="002_notes", step=1, steps=2),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_facts_of_an_error_are_defined(error: errors.WchError) -> None:
    facts = {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code, **vars(error)}
    validate("error", json.loads(json.dumps({"error": facts})))
