"""Another plugin's tables, and a seventh of our own, have every promise that the six tables have."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.command import wch
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
    with pytest.raises(SchemaConflict, match="wp_shop_invoices has a foreign key to the tables of wch"):
        DatabaseManager(wordpress.url, remove_data=True).uninstall()
    assert "wp_wch_messages" in schema(wordpress)


def test_without_the_tables_that_it_refers_to(database: LiveDatabase, folder: Path) -> None:
    report = plugin_of(database, folder).activate()
    assert sorted(schema(database)) == ["wp_options", *OWNED]
    reasons = [str(refusal) for refusal in report.refusals]
    assert [
        one.endswith(
            (
                "table wp_users does not exist; create it or check --prefix, then run wch activate",
                "table wp_wch_conversations does not exist; create it or check --prefix, then run wch activate",
                "table wp_posts does not exist; create it or check --prefix, then run wch activate",
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


@pytest.fixture
def network(wordpress: LiveDatabase) -> LiveDatabase:
    """A network with the sites 1 and 2, and beside it another WordPress whose prefix looks like that of a site."""
    numbers = "blog_id BIGINT NOT NULL PRIMARY KEY, spam INT, deleted INT, archived INT"
    wordpress.execute(f"CREATE TABLE wp_blogs ({numbers}, domain VARCHAR(99), path VARCHAR(99))")
    for blog in (1, 2):
        wordpress.execute("INSERT INTO wp_blogs VALUES (%s, 0, 0, 0, 'example.com', %s)", [blog, f"/{blog}/"])
    make_wordpress(wordpress.database, "wp_9_")
    return wordpress


@pytest.mark.parametrize(("prefix", "users"), [("wp_2_", "wp_users"), ("wp_9_", "wp_9_users")])
def test_a_prefix_leads_to_the_users_of_its_network_or_to_its_own(
    network: LiveDatabase, folder: Path, prefix: str, users: str
) -> None:
    """However the site is named: the table of the network's sites decides, and not the prefix."""
    main = plugin_of(network, folder)
    by_prefix = plugin_of(network, folder, prefix=prefix)
    assert by_prefix.activate().outcome == "installed"
    assert foreign_keys_of(network, f"{prefix}shop_invoices") == [users]
    for plugin in (by_prefix, main.at(prefix)):
        assert plugin.model(User)._meta.table_name == plugin.model(Invoice).user.rel_model._meta.table_name == users
        assert plugin.activate().outcome == "current"
        assert (plugin.manager.orphans(), plugin.manager.repair().changed) == ((), False)
    assert not db_delta(MODELS, network.database, prefix=prefix, dry_run=True)
    given = ("--models", "tests.support.shop", "--migrations", str(folder), "--prefix", prefix)
    assert f"`{users}`" in wch("schema", *given, database=network.url).out.replace('"', "`")
    assert wch("plan", *given, database=network.url).code == 0


def test_users_of_a_prefix_that_no_network_lists_are_not_guessed(network: LiveDatabase, folder: Path) -> None:
    refusals = [str(one) for one in plugin_of(network, folder, prefix="wp_3_").activate().refusals]
    assert any("table wp_3_users does not exist" in one for one in refusals), refusals
    assert foreign_keys_of(network, "wp_3_shop_invoices") == []


def test_a_row_of_a_sites_user_is_unpickled_as_one_of_the_network(network: LiveDatabase, folder: Path) -> None:
    main = plugin_of(network, folder)
    with main.database.connection_context():
        row = pickle.dumps(main.site(2).model(User).get())
    del vars(main.site(2)._site)["network"]  # as in another process
    main.site(2)._site._models.clear()
    assert pickle.loads(row)._meta.table_name == "wp_users"


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


def test_pw_migrate_of_another_namespace_does_nothing(database: LiveDatabase, folder: Path) -> None:
    (folder / "conf.py").write_text((ROOT / "migrations" / "conf.py").read_text(encoding="utf-8"), encoding="utf-8")
    command = [sys.executable, "-m", "peewee_migrate", "migrate", "--directory", str(folder), "--database"]
    ended = subprocess.run([*command, database.url], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert '002_paid.py has NAMESPACE = "shop", but the models belong to wch' in ended.stderr.splitlines()[-1]
    assert schema(database) == {}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_run_that_is_killed_and_repeated(
    database: LiveDatabase, folder: Path, scenario: Any, pytestconfig: pytest.Config
) -> None:
    database.close()
    verdict = examine_at(
        ScratchDatabase(database.engine, database.url),
        our_migrations(folder, MODELS),
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
    plain_plugin(database.url, space, tmp_path / "migrations", "things")
    plugin = Plugin(
        database.url, namespace=space, models=(child, parent), migrations=tmp_path / "migrations", remove_data=True
    )
    assert plugin.activate().refusals == ()
    assert plugin.uninstall().removed
    assert [name for name in schema(database) if name.startswith("wp_order_")] == []


def plain_plugin(database: Any, space: Namespace, folder: Path, *keys: str) -> Plugin:
    """Return the plugin of a namespace with tables that have an id alone, and with a migration that makes nothing."""
    folder.mkdir(exist_ok=True)
    (folder / "001_first.py").write_text(
        f"from wch_peewee.migrate import steps\n\nVERSION = '1.0.0'\nNAMESPACE = '{space.name}'\n\n\n"
        "def migrate(migrator, database, *, fake=False):\n    migrator.run(steps.stamp, database, VERSION)\n"
        "\n\ndef rollback(migrator, database, *, fake=False):\n    migrator.run(steps.unstamp, database, None)\n"
    )
    models: Any = [type(key, (BaseModel,), {"id": IdField(), "Meta": _meta(space, key)}) for key in keys]
    return Plugin(database, namespace=space, models=models, migrations=folder, remove_data=True)


@pytest.mark.parametrize("first", ["shop", "shop_pro"])
def test_a_table_that_two_namespaces_name_alike_stays_with_the_first(
    database: LiveDatabase, tmp_path: Path, first: str
) -> None:
    keys = {"shop": ("lines", "pro_things"), "shop_pro": ("things",)}
    (second,) = keys.keys() - {first}
    owner = plain_plugin(database.url, Namespace(first), tmp_path / first, *keys[first])
    other = plain_plugin(database.url, Namespace(second), tmp_path / second, *keys[second])
    assert owner.activate().outcome == "installed"
    before = schema(database)
    words = rf"wp_shop_pro_things may be a table of the namespace {first}, which is installed here \(wp_{first}_migra"
    for run in (other.activate, other.admin_init, other.uninstall, other.manager.run_migrations, other.manager.repair):
        with pytest.raises((SchemaConflict, ConfigurationError), match=rf"{words}|001_first is pending"):
            run()
    stopped = other.manager.plan().dry_run.stopped
    assert stopped is not None
    assert "wp_shop_pro_things may be" in stopped.reason
    assert schema(database) == before
    assert owner.activate().outcome == "current"
    assert "wp_shop_pro_things" in owner.uninstall().tables


def test_namespaces_whose_names_begin_alike_are_beside_each_other(database: LiveDatabase, tmp_path: Path) -> None:
    plugins = [
        plain_plugin(database.url, Namespace(name), tmp_path / name, "things") for name in ("shop", "shop_pro", "shop2")
    ]
    assert [plugin.activate().outcome for plugin in plugins] == ["installed"] * 3
    assert [len(plugin.uninstall().tables) for plugin in plugins] == [3] * 3


def test_two_owners_of_a_table_are_refused_when_the_plugin_is_made(tmp_path: Path) -> None:
    database = peewee.SqliteDatabase(":memory:")
    plain_plugin(database, Namespace("shop"), tmp_path / "shop", "pro_things")
    with pytest.raises(ConfigurationError, match="wp_shop_pro_things is a table of both namespaces shop and shop_pro"):
        plain_plugin(database, Namespace("shop_pro"), tmp_path / "pro", "things")
    with pytest.raises(
        ConfigurationError, match=r"things has Namespace\(name='wch'.*the name of WhatsApp Commerce Hub"
    ):
        plain_plugin(database, Namespace("wch"), tmp_path / "wch", "things")


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
