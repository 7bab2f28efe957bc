"""Another plugin's tables, and a seventh of our own, have every promise that the six tables have."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.databases import LiveDatabase
from tests.support.kit_subjects import installation
from tests.support.populate import populate
from tests.support.shop import MODELS, Invoice, Line, User, apart, fill_shop, make_wordpress, shop, shop_folder
from tests.support.snapshots import schema
from wch_peewee import (
    MODELS as OURS,
)
from wch_peewee import (
    BaseModel,
    Busy,
    ConfigurationError,
    DatabaseManager,
    Namespace,
    Plugin,
    SchemaConflict,
    db_delta,
)
from wch_peewee.database.query import Connection
from wch_peewee.execution.introspect import introspect_schema
from wch_peewee.execution.lock import lock_name
from wch_peewee.models.fields import IdField, ReferenceField, VarcharField
from wch_peewee.testing.bench import our_migrations
from wch_peewee.testing.examination import examine_at
from wch_peewee.testing.scenarios import SCENARIOS
from wch_peewee.testing.scratch import ScratchDatabase

ROOT = Path(__file__).resolve().parents[2]
OWNED = ["wp_shop_invoices", "wp_shop_lines", "wp_shop_migratehistory", "wp_shop_migrateledger"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shop_folder(tmp_path)


@pytest.fixture
def wordpress(database: LiveDatabase) -> LiveDatabase:
    """WordPress's users and posts, and the six tables with rows."""
    make_wordpress(database.database, "wp_")
    DatabaseManager(database.url).install()
    populate(database)
    return database


def plugin_of(database: LiveDatabase, folder: Path, **options: Any) -> Plugin:
    return Plugin(database.url, namespace=shop, models=MODELS, migrations=folder, **options)


def option(database: LiveDatabase, name: str, prefix: str = "wp_") -> list[tuple[Any, ...]]:
    return database.execute(f"SELECT option_value FROM {prefix}options WHERE option_name = %s", [name])


def foreign_keys_of(database: LiveDatabase, table: str) -> list[str]:
    """Return the tables that a table refers to, sorted."""
    (found,) = introspect_schema(Connection.detect(database.database), [table])
    return sorted(key.referenced_table for key in found.foreign_keys)


def test_it_lives_beside_ours(wordpress: LiveDatabase, folder: Path) -> None:
    before = schema(wordpress)
    plugin = plugin_of(wordpress, folder)
    report = plugin.activate()
    assert (report.outcome, report.refusals, report.extras) == ("installed", (), ())
    assert sorted(set(schema(wordpress)) - set(before)) == OWNED
    assert {name: text for name, text in schema(wordpress).items() if name in before} == before
    assert (option(wordpress, "shop_db_version"), option(wordpress, "wch_db_version")) == ([("1.1.0",)], [("1.0.0",)])
    assert foreign_keys_of(wordpress, "wp_shop_invoices") == ["wp_users", "wp_wch_conversations"]
    assert foreign_keys_of(wordpress, "wp_shop_lines") == ["wp_posts", "wp_shop_invoices"]
    with wordpress.statements() as seen:
        assert plugin_of(wordpress, folder).activate().outcome == "current"
        assert plugin.admin_init().outcome == "current"
        assert Plugin(wordpress.url).activate().outcome == "current"
    assert seen.ddl == []
    assert plugin.manager.get_table_name("invoices") == "wp_shop_invoices"
    assert DatabaseManager(wordpress.url, namespace=shop, models=MODELS, migrations=folder).repair().changed is False
    plugin.database.close()


def test_its_models_are_of_its_installation(wordpress: LiveDatabase, folder: Path) -> None:
    plugin = plugin_of(wordpress, folder)
    plugin.activate()
    invoices, lines = plugin.models
    assert (invoices, lines) == (plugin.model(Invoice), plugin.model(Line))
    assert (invoices._meta.table_name, Invoice._meta.table_name) == ("wp_shop_invoices", "wp_shop_invoices")
    with plugin.database.connection_context():
        invoice = invoices.create(number="A-1", user=1, conversation=1)
        lines.create(invoice=invoice, post=1, title="Tea")
        assert [line.title for line in invoice.lines] == ["Tea"]
        assert (invoice.user.id, invoice.conversation.id) == (1, 1)
        assert plugin.model(User).delete().where(plugin.model(User).id == 1).execute() == 1
        assert invoices.get().user_id is None
        with pytest.raises(peewee.IntegrityError):
            invoices.create(number="A-2", user=77)


def test_only_its_own_is_removed(wordpress: LiveDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin_of(wordpress, folder).activate()
    for decoy in ("wp_shop_invoices_old", "wp_shopinvoices", "wp_shop", "shop_invoices", "wp_2_shop_invoices"):
        wordpress.execute(f"CREATE TABLE {decoy} (id INT)")
    before = set(schema(wordpress))
    monkeypatch.setenv("WCH_REMOVE_DATA", "true")
    manager = plugin_of(wordpress, folder).manager
    refused = manager.uninstall()
    assert (refused.removed, refused.reason) == (False, "SHOP_REMOVE_DATA is not true; nothing was removed")
    monkeypatch.setenv("SHOP_REMOVE_DATA", "true")
    assert sorted(manager.uninstall().tables) == OWNED
    assert before - set(schema(wordpress)) == set(OWNED)
    assert (option(wordpress, "shop_db_version"), option(wordpress, "wch_db_version")) == ([], [("1.0.0",)])
    assert Plugin(wordpress.url).activate().outcome == "current"


def test_ours_is_not_removed_under_its_keys(wordpress: LiveDatabase, folder: Path) -> None:
    plugin_of(wordpress, folder).activate()
    with pytest.raises(SchemaConflict, match="wp_shop_invoices has a foreign key to our tables"):
        DatabaseManager(wordpress.url, remove_data=True).uninstall()
    assert "wp_wch_messages" in schema(wordpress)


def test_without_the_tables_that_it_refers_to(database: LiveDatabase, folder: Path) -> None:
    report = plugin_of(database, folder).activate()
    assert sorted(schema(database)) == ["wp_options", *OWNED]
    reasons = [str(refusal) for refusal in report.refusals]
    assert [
        one.endswith(
            (
                "table wp_users does not exist",
                "table wp_wch_conversations does not exist",
                "table wp_posts does not exist",
            )
        )
        for one in reasons
    ]
    make_wordpress(database.database, "wp_")
    Plugin(database.url).activate()
    assert plugin_of(database, folder).activate().refusals == ()


def test_orphans_of_anothers_table_are_counted_and_deleted(wordpress: LiveDatabase, folder: Path) -> None:
    manager = plugin_of(wordpress, folder).manager
    manager.install()
    fill_shop(wordpress.database, "wp_")
    if wordpress.family == "sqlite":
        wordpress.execute("PRAGMA foreign_keys = 0")
    else:
        wordpress.execute("ALTER TABLE wp_shop_invoices DROP FOREIGN KEY wp_shop_invoices_user_id_fk")
    wordpress.execute("UPDATE wp_shop_invoices SET user_id = 99 WHERE id = 2")
    assert [str(one) for one in manager.orphans()] == [
        "1 row of wp_shop_invoices with user_id 99, which is not in wp_users"
    ]
    with pytest.raises(SchemaConflict, match=r"Cannot create rows in wp_users: its model has no stand_in\(\)"):
        manager.repair("reattach")
    report = manager.repair("delete")
    assert (report.deleted, report.nulled, manager.orphans()) == (0, 1, ())
    assert wordpress.execute("SELECT COUNT(*) FROM wp_shop_lines") == [(3,)]
    assert foreign_keys_of(wordpress, "wp_shop_invoices") == ["wp_users", "wp_wch_conversations"]


def test_each_site_of_a_network_has_its_own(wordpress: LiveDatabase, folder: Path) -> None:
    number = "BIGINT NOT NULL PRIMARY KEY"
    wordpress.execute(
        f"CREATE TABLE wp_blogs (blog_id {number}, domain VARCHAR(99), path VARCHAR(99), "
        "spam INT, deleted INT, archived INT)"
    )
    for blog in (1, 2):
        wordpress.execute("INSERT INTO wp_blogs VALUES (%s, 'example.com', %s, 0, 0, 0)", [blog, f"/{blog}/"])
    posts = "INTEGER PRIMARY KEY" if wordpress.family == "sqlite" else "bigint unsigned NOT NULL PRIMARY KEY"
    wordpress.execute(f"CREATE TABLE wp_2_posts (ID {posts})")
    DatabaseManager(wordpress.url, prefix="wp_2_").install()
    plugin = plugin_of(wordpress, folder)
    assert plugin.activate(network_wide=True).ok
    assert foreign_keys_of(wordpress, "wp_2_shop_invoices") == ["wp_2_wch_conversations", "wp_users"]
    assert foreign_keys_of(wordpress, "wp_2_shop_lines") == ["wp_2_posts", "wp_2_shop_invoices"]
    assert option(wordpress, "shop_db_version", "wp_2_") == [("1.1.0",)]
    assert {result.report.outcome for result in plugin.activate(network_wide=True).results} == {"current"}
    site = plugin.site(2)
    assert (site.model(User)._meta.table_name, site.model(Line)._meta.table_name) == ("wp_users", "wp_2_shop_lines")
    assert site.activate().outcome == "current"
    with plugin.database.connection_context():
        assert list(site.model(Invoice).select().join(site.model(User))) == []
    assert Plugin(wordpress.url).activate().outcome == "current"


def test_runs_of_both_at_once(wordpress: LiveDatabase, folder: Path) -> None:
    def of_shop() -> str:
        return plugin_of(wordpress, folder).activate().outcome

    def of_ours() -> str:
        return DatabaseManager(wordpress.url).install().outcome

    wordpress.execute("DROP TABLE wp_wch_carts")
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(run) for run in (of_shop, of_ours, of_shop, of_ours)]
    assert sorted(run.result() for run in runs) == ["current", "current", "installed", "upgraded"]


@pytest.mark.families("mysql", "mariadb")
def test_each_has_a_lock_of_its_own(wordpress: LiveDatabase, folder: Path) -> None:
    other, take = wordpress.connect(), "SELECT GET_LOCK(%s, 0)"
    assert other.execute_sql(take, (lock_name(wordpress.name, "wp_"),)).fetchone() == (1,)
    assert plugin_of(wordpress, folder).activate().outcome == "installed"
    assert other.execute_sql(take, (lock_name(wordpress.name, "wp_", shop),)).fetchone() == (1,)
    wordpress.execute("DROP TABLE wp_shop_lines")
    with pytest.raises(Busy, match=r"is upgrading wp_shop_\*; waited 0 seconds"):
        plugin_of(wordpress, folder, patience=0).activate()


def test_pw_migrate_leaves_the_same(wordpress: LiveDatabase, folder: Path) -> None:
    configured = 'from wch_peewee.migrate.pw_migrate import configuration\nglobals().update(configuration("{}"))\n'
    (folder / "conf.py").write_text(configured.format("tests.support.shop"), encoding="utf-8")
    command = [sys.executable, "-m", "peewee_migrate", "migrate", "--directory", str(folder), "--database"]
    ended = subprocess.run([*command, wordpress.url], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert plugin_of(wordpress, folder).activate().outcome == "current"
    assert [run.program.split()[0] for run in plugin_of(wordpress, folder).manager.history()] == ["pw_migrate"] * 2


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_run_that_is_killed_and_repeated(
    database: LiveDatabase, folder: Path, scenario: Any, pytestconfig: pytest.Config
) -> None:
    database.close()
    verdict = examine_at(
        ScratchDatabase(database.engine, database.url),
        our_migrations(folder, "wp_", MODELS),
        populate=fill_shop,
        scenarios=[scenario],
        every=1 if pytestconfig.getoption("--slow") else 17,
    )
    assert verdict.ok, str(verdict)


def test_an_install_that_is_killed(wordpress: LiveDatabase, folder: Path, pytestconfig: pytest.Config) -> None:
    wordpress.close()
    verdict = examine_at(
        ScratchDatabase(wordpress.engine, wordpress.url),
        installation("wp_", models=MODELS, migrations=folder),
        scenarios=SCENARIOS[:3],
        every=1 if pytestconfig.getoption("--slow") else 17,
    )
    assert verdict.ok, str(verdict)


def test_db_delta_takes_its_models(wordpress: LiveDatabase) -> None:
    report = db_delta(MODELS, wordpress.database)
    assert report.refusals == ()
    assert set(OWNED[:2]) < set(schema(wordpress))
    assert not db_delta(MODELS, wordpress.database)


class Tag(BaseModel):
    id = IdField()
    conversation = ReferenceField(OURS[0], backref="+", on_delete="CASCADE")
    word = VarcharField(40, index=True)

    class Meta:
        table_key = "tags"


apart(Tag)


def test_a_seventh_table_is_a_model_and_a_place_in_the_list(wordpress: LiveDatabase, tmp_path: Path) -> None:
    """Only ``wch new`` is to follow, which tests/unit/test_cli_own_tables.py runs."""
    plugin = Plugin(wordpress.url, models=(*OURS, Tag))
    assert plugin.admin_init().outcome == "upgraded"
    assert plugin.manager.get_table_name("wch_tags") == plugin.model(Tag)._meta.table_name == "wp_wch_tags"
    assert foreign_keys_of(wordpress, "wp_wch_tags") == ["wp_wch_conversations"]
    assert [model.__name__ for model in plugin.models][5:] == ["SyncQueueItem", "Tag"]
    assert plugin.admin_init().outcome == "current"
    plugin.manager.options = DatabaseManager(wordpress.url, remove_data=True).options
    assert "wp_wch_tags" in plugin.uninstall().tables


def test_what_does_not_go_together_is_refused_when_it_is_made(folder: Path) -> None:
    url = "sqlite:///never.db"
    with pytest.raises(ConfigurationError, match=r"of the namespace shop, and blog was given"):
        Plugin(url, namespace=Namespace("blog"), models=MODELS, migrations=folder)
    with pytest.raises(ConfigurationError, match=r"of the namespace wch, and shop was given"):
        Plugin(url, namespace=shop)
    with pytest.raises(ConfigurationError, match=r"of the namespaces shop and wch; expected models of one"):
        Plugin(url, models=(Invoice, OURS[0]))
    with pytest.raises(ConfigurationError, match=r"WordPress's tables are WordPress's own"):
        Plugin(url, models=(User,))
    with pytest.raises(ConfigurationError, match=r"The namespace shop has no migrations; use --migrations"):
        Plugin(url, models=MODELS)
    assert not Path("never.db").exists()


def test_an_action_of_a_foreign_key_may_be_written_in_any_case(database: LiveDatabase) -> None:
    space = Namespace("acts")
    parent: Any = type("Parent", (BaseModel,), {"id": IdField(), "Meta": _meta(space, "parents")})
    children = [
        type(
            f"Child{number}",
            (BaseModel,),
            {
                "id": IdField(),
                "parent": peewee.ForeignKeyField(parent, null=True, on_delete=action, on_update=action),
                "Meta": _meta(space, f"children_{number}"),
            },
        )
        for number, action in enumerate(("cascade", "RESTRICT", "no action"))
    ]
    models: Any = (parent, *children)
    report = db_delta(models, database.database)
    assert (report.refusals, bool(db_delta(models, database.database, dry_run=True))) == ((), False)


def _meta(space: Namespace, key: str) -> type:
    return type("Meta", (), {"namespace": space, "table_key": key})


def test_models_may_be_listed_in_any_order(database: LiveDatabase, tmp_path: Path) -> None:
    space = Namespace("order")
    parent: Any = type("Parent", (BaseModel,), {"id": IdField(), "Meta": _meta(space, "things")})
    child: Any = type(
        "Child",
        (BaseModel,),
        {"id": IdField(), "parent": ReferenceField(parent), "Meta": _meta(space, "others")},
    )
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_first.py").write_text(
        "from wch_peewee.migrate import steps\n\nVERSION = '1.0.0'\n\n\n"
        "def migrate(migrator, database, *, fake=False):\n    migrator.run(steps.stamp, database, VERSION)\n"
        "\n\ndef rollback(migrator, database, *, fake=False):\n    migrator.run(steps.unstamp, database, None)\n"
    )
    plugin = Plugin(database.url, namespace=space, models=(child, parent), migrations=folder, remove_data=True)
    assert plugin.activate().refusals == ()
    assert plugin.uninstall().removed
    assert [name for name in schema(database) if name.startswith("wp_order_")] == []


def test_models_that_refer_to_each_other_are_refused() -> None:
    space = Namespace("circle")
    first: Any = type(
        "First",
        (BaseModel,),
        {"id": IdField(), "other": peewee.DeferredForeignKey("Second", null=True), "Meta": _meta(space, "firsts")},
    )
    second: Any = type(
        "Second", (BaseModel,), {"id": IdField(), "first": ReferenceField(first), "Meta": _meta(space, "seconds")}
    )
    with pytest.raises(ConfigurationError, match="First and Second refer to each other"):
        Plugin("sqlite:///nowhere.db", namespace=space, models=(first, second), migrations="nowhere")
