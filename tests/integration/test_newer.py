"""Tables that WCH's PHP plugin has upgraded beyond version 1.0.0: nothing of them is changed, and looking says more."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.support.bound import bound
from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.php_tables import PhpPlugin
from tests.support.php_versions import UPGRADES, upgrades_to
from tests.support.snapshots import snapshot
from wch_peewee import (
    MODELS,
    DatabaseManager,
    Plugin,
    SchemaConflict,
    SchemaTooNew,
    db_delta,
)
from wch_peewee.models.base import BaseModel

pytestmark = pytest.mark.families("mysql", "mariadb")


def upgrade(php: PhpPlugin, version: str) -> None:
    php.run(*upgrades_to(version))
    php.write_version(version)


def nothing_is_changed(database: LiveDatabase, version: str) -> None:
    """Assert that no run changes anything, and that each says who has upgraded the tables."""
    before = snapshot(database)
    words = f"the PHP plugin has upgraded the tables to version {version}"
    plugin = Plugin(database.database)
    with database.statements() as seen:
        for report in (
            plugin.activate(),
            plugin.admin_init(),
            plugin.manager.install(),
            Plugin(database.database).admin_init(),
        ):
            assert (report.outcome, report.version_before, report.version) == ("newer", version, version)
            assert not report.changed
            assert words in report.reason
        assert plugin.manager.run_migrations() == ()
        with pytest.raises(SchemaTooNew, match=words):
            plugin.manager.rollback()
        with pytest.raises(SchemaTooNew, match=words):
            db_delta(MODELS, database.database)
    with database.statements() as asked:
        assert plugin.admin_init().outcome == "newer"
    assert len(asked.selects) == 1
    for command in ("activate", "migrate", "status", "check", "plan"):
        ended = wch(command, database=database.url)
        assert (ended.code, words in ended.out.replace("The PHP", "the PHP")) == (4, True), command
        assert "upgrade wch-peewee" not in ended.out
        assert "Success" not in ended.out
    assert (seen.ddl, seen.writes) == ([], [])
    assert snapshot(database) == before
    plugin.database.close()


@pytest.mark.parametrize(("version", "ours_first"), [*((one, False) for one in UPGRADES), ("2.6.0", True)])
def test_what_php_has_upgraded_is_never_changed(
    database: LiveDatabase, php: PhpPlugin, version: str, ours_first: bool
) -> None:
    if ours_first:
        Plugin(database.url).activate()
    upgrade(php, version)
    nothing_is_changed(database, version)


def test_a_column_that_may_be_null_now_stays_so(installed: LiveDatabase) -> None:
    """PHP's next upgrade would undo a change, and so on for ever."""
    installed.execute("ALTER TABLE wp_wch_conversations MODIFY last_message_at DATETIME NULL")
    installed.execute("UPDATE wp_options SET option_value = '2.6.0' WHERE option_name = 'wch_db_version'")
    installed.execute("DROP TABLE wp_wch_migratehistory")
    nothing_is_changed(installed, "2.6.0")


def access(database: LiveDatabase, command: str = "status") -> dict[str, tuple[bool, bool, list[str]]]:
    document = json.loads(wch(command, "--format", "json", database=database.url).out)
    return {one["model"]: (one["readable"], one["writable"], one["reasons"]) for one in document["models"]}


def works(call: Any) -> bool:
    try:
        call()
    except Exception:  # of the driver, or of a value that cannot be read
        return False
    return True


@pytest.mark.parametrize("version", UPGRADES)
def test_what_is_said_of_the_models_is_so(database: LiveDatabase, php: PhpPlugin, version: str) -> None:
    upgrade(php, version)
    said = access(database)
    assert access(database, "check") == said
    assert {name for name, (readable, _, _) in said.items() if not readable} == {
        *(["Message"] if version >= "2.5.0" else []),
        *(["BroadcastCampaign"] if version >= "2.6.0" else []),
    }
    plugin = Plugin(database.url)
    with bound(plugin.database, plugin.prefix):
        for model in MODELS:
            readable, writable, reasons = said[model.__name__]
            assert (readable, writable) == (works(model.select().execute), works(partial(written, model))), model
            assert bool(reasons) == (not writable)
    plugin.database.close()


def written(model: type[BaseModel]) -> None:
    values = {
        "Conversation": {"customer_phone": "+1", "wa_conversation_id": "w"},
        "Message": {"conversation": 1, "direction": "inbound", "message_type": "text", "wa_message_id": "new"},
        "Cart": {"customer_phone": "+99", "expires_at": "2030-01-01"},
        "CustomerProfile": {"phone": "+99", "name": "n"},
        "BroadcastCampaign": {"name": "n", "template_name": "t"},
        "SyncQueueItem": {"entity_type": "product", "entity_id": 1, "action": "create"},
    }[model.__name__]
    model.create(**values)


@pytest.mark.parametrize(
    ("change", "model", "readable", "words"),
    [
        (
            "messages CHANGE message_type type enum('text') NOT NULL",
            "Message",
            False,
            "message_type does not exist (type may be",
        ),
        ("carts DROP COLUMN coupon_code", "Cart", False, "column coupon_code does not exist"),
        ("sync_queue RENAME {p}wch_queue", "SyncQueueItem", False, "the table does not exist"),
        ("carts ADD COLUMN total int NOT NULL", "Cart", True, "total, which is not in the model, is NOT NULL"),
        (
            "sync_queue MODIFY action enum('create','delete') NOT NULL",
            "SyncQueueItem",
            True,
            "does not accept 'update'",
        ),
        ("carts MODIFY coupon_code varchar(9) NULL", "Cart", True, "coupon_code is varchar(9)"),
        ("carts MODIFY coupon_code varchar(50) NOT NULL", "Cart", True, "coupon_code is NOT NULL without"),
        ("carts MODIFY id bigint unsigned NOT NULL", "Cart", True, "id is not AUTO_INCREMENT"),
        ("customer_profiles MODIFY name varchar(255) NULL", "CustomerProfile", True, ""),
        ("customer_profiles ADD COLUMN n int AS (1) STORED", "CustomerProfile", True, ""),
    ],
)
def test_why_a_model_cannot_be_used(
    database: LiveDatabase, php: PhpPlugin, change: str, model: str, readable: bool, words: str
) -> None:
    php.run("UPDATE {p}wch_carts SET coupon_code = 'x'", f"ALTER TABLE {{p}}wch_{change}")
    php.write_version("1.0.1")
    said = access(database)
    assert said.pop(model)[:2] == (readable, not words)
    assert {found[:2] for found in said.values()} == {(True, True)}
    if words:
        assert words in " ".join(access(database)[model][2])


def test_repair_only_adds_indexes_and_the_foreign_key(database: LiveDatabase, php: PhpPlugin) -> None:
    upgrade(php, "2.6.0")
    php.run(
        "ALTER TABLE {p}wch_messages DROP KEY created_at, MODIFY wa_message_id varchar(80) NOT NULL",
        "ALTER TABLE {p}wch_carts DROP COLUMN coupon_code, DROP KEY expires_at",
    )
    before = snapshot(database)
    expected = [
        "Add index wp_wch_messages KEY `created_at` (`created_at`)",
        "Add foreign key wp_wch_messages (`conversation_id`) REFERENCES `wp_wch_conversations` (`id`)",
        "Add index wp_wch_carts KEY `expires_at` (`expires_at`)",
    ]
    found = json.loads(wch("check", "--format", "json", database=database.url).out)
    assert [one["repaired_by"] for one in found["differences"]] == ["wch repair"] * 3
    preview = wch("repair", "--dry-run", database=database.url)
    assert preview.code == 1
    for words in expected:
        assert words.partition(" (")[0] in preview.out
    assert snapshot(database) == before
    done = wch("repair", database=database.url)
    assert (done.code, len(done.out.splitlines())) == (0, 4)
    for name, (definition, rows) in before.items():
        now, kept = snapshot(database)[name]
        assert {line.strip(" ,") for line in definition.splitlines()} <= {line.strip(" ,") for line in now.splitlines()}
        assert kept == rows
    again = wch("repair", database=database.url)
    assert (again.code, again.out) == (0, "Success: Nothing to do.\n")
    nothing_is_changed(database, "2.6.0")


def test_orphans_keep_the_foreign_key_out_and_can_be_reattached(database: LiveDatabase, php: PhpPlugin) -> None:
    upgrade(php, "2.4.0")
    php.lose_conversations()
    first = DatabaseManager(database.url).repair()
    assert (first.orphans, len(first.refusals), first.changed) == (3, 1, False)
    second = DatabaseManager(database.url).repair("reattach")
    assert (second.reattached, second.refusals) == (3, ())
    assert second.changes


def test_nothing_is_reattached_to_conversations_that_take_none(database: LiveDatabase, php: PhpPlugin) -> None:
    php.lose_conversations()
    php.run("ALTER TABLE {p}wch_conversations ADD COLUMN channel varchar(9) NOT NULL")
    php.write_version("3.0.0")
    before = snapshot(database)
    with pytest.raises(SchemaConflict, match="does not accept new rows: channel"):
        DatabaseManager(database.url).repair("reattach")
    assert snapshot(database) == before
