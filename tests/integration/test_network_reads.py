"""``status`` and ``plan`` of a network read many sites at once, with the same result as for each site alone."""

from __future__ import annotations

import pytest

from tests.support.databases import LiveDatabase
from tests.support.snapshots import definition
from tests.support.wordpress_folders import make_options
from wch_peewee import DatabaseManager
from wch_peewee.execution.introspect import TableCache, introspect_schema
from wch_peewee.execution.session import read_session
from wch_peewee.install.network import AT_ONCE, Network
from wch_peewee.models.namespace import our_names

SITES = AT_ONCE + 4
PREFIXES = ["wp_", "wp_2_", "wp_3_", "wp_4_"]


def prefix_of(number: int) -> str:
    return "wp_" if number == 1 else f"wp_{number}_"


def make_blogs(database: LiveDatabase, count: int) -> None:
    database.execute(
        "CREATE TABLE wp_blogs (blog_id BIGINT NOT NULL PRIMARY KEY, domain VARCHAR(200) NOT NULL, "
        "path VARCHAR(100) NOT NULL, spam INT NOT NULL, deleted INT NOT NULL, archived INT NOT NULL)"
    )
    for number in range(1, count + 1):
        database.execute(
            "INSERT INTO wp_blogs (blog_id, domain, path, spam, deleted, archived) VALUES (%s, %s, %s, 0, 0, 0)",
            [number, "example.com", f"/s{number}/"],
        )


def copy_site(database: LiveDatabase, prefix: str) -> None:
    """Create another installed site as a copy of the first; installing each is much slower on a server."""
    if database.family == "sqlite":
        DatabaseManager(database.url, prefix=prefix).install()
        return
    database.execute("SET SESSION foreign_key_checks = 0")
    for name in (
        *DatabaseManager(database.url).names.tables,
        "wp_wch_migratehistory",
        "wp_wch_migrateledger",
        "wp_options",
    ):
        made = definition(database, name).replace("`wp_", f"`{prefix}")
        database.execute(made)
        database.execute(f"INSERT INTO {name.replace('wp_', prefix, 1)} SELECT * FROM {name}")
    database.execute("SET SESSION foreign_key_checks = 1")


@pytest.fixture
def network(database: LiveDatabase) -> LiveDatabase:
    """Four sites."""
    make_blogs(database, len(PREFIXES))
    make_options(database, *PREFIXES)
    return database


@pytest.fixture
def odd_network(database: LiveDatabase) -> LiveDatabase:
    """Sites of all kinds: upgraded, new, and damaged ones."""
    make_blogs(database, SITES)
    DatabaseManager(database.url).install()
    for number in range(2, SITES + 1):
        if number in (7, SITES - 1):
            make_options(database, prefix_of(number))
        else:
            copy_site(database, prefix_of(number))
    database.execute("DROP TABLE wp_2_wch_carts")
    database.execute("DROP TABLE wp_3_wch_migratehistory")
    database.execute("DROP TABLE wp_4_options")
    database.execute("UPDATE wp_5_options SET option_value = '0.9.0' WHERE option_name = 'wch_db_version'")
    database.execute("DELETE FROM wp_6_options WHERE option_name = 'wch_db_version'")
    database.execute("ALTER TABLE wp_8_wch_carts ADD COLUMN colour VARCHAR(7)")
    database.execute("UPDATE wp_9_options SET option_value = '2.4.0' WHERE option_name = 'wch_db_version'")
    database.execute("INSERT INTO wp_9_wch_migratehistory (name, migrated_at) VALUES ('009_x', '2030-01-01')")
    database.execute("UPDATE wp_10_options SET option_value = '2.4.0' WHERE option_name = 'wch_db_version'")
    database.execute("DROP TABLE wp_11_wch_messages")
    database.execute("CREATE TABLE wp_11_wch_messages (id BIGINT NOT NULL PRIMARY KEY)")
    database.execute("INSERT INTO wp_11_wch_messages (id) VALUES (1)")
    database.execute(
        "UPDATE wp_12_options SET option_value = 'vers\u00efon \U0001f600' WHERE option_name = 'wch_db_version'"
    )
    index = "wp_13_wch_carts_expires_at" if database.family == "sqlite" else "expires_at ON wp_13_wch_carts"
    database.execute(f"DROP INDEX {index}")
    database.execute("DROP TABLE wp_14_wch_carts")
    database.execute("CREATE VIEW wp_14_wch_carts AS SELECT 1 AS id")
    return database


def own(manager: DatabaseManager, number: int) -> DatabaseManager:
    return manager.at(prefix_of(number))


def test_a_network_says_of_each_site_what_the_site_says(odd_network: LiveDatabase) -> None:
    manager = DatabaseManager(odd_network.url)
    status, plan = Network(manager).status(), Network(manager).plan()
    assert len(status.results) == SITES
    for report in (status, plan):
        (failure,) = report.failures
        assert "table wp_4_options does not exist" in str(failure.error)
    for number, (looked, compared) in enumerate(zip(status.results, plan.results, strict=True), start=1):
        if number == 4:
            continue
        assert looked.report == own(manager, number).status(), number
        assert compared.report == own(manager, number).plan(), number
    told = {result.site.blog_id: result.report.dry_run.steps for result in plan.results if result.report}
    assert {number for number, words in told.items() if words} >= {2, 3, 7, 13, SITES - 1}
    assert not any(told[number] for number in range(15, SITES - 1))

    # An options table of another shape fails the query of all sites together; each is then read by itself.
    odd_network.execute("DROP TABLE wp_6_options")
    odd_network.execute("CREATE TABLE wp_6_options (id BIGINT)")
    for report in (Network(manager).status(), Network(manager).plan()):
        assert [failure.site.blog_id for failure in report.failures] == [4, 6]
        assert len(report.results) == SITES


def test_sites_alike_are_looked_at_in_full_once(network: LiveDatabase) -> None:
    manager = DatabaseManager(network.url)
    assert Network(manager).install().ok
    with network.statements() as seen:
        report = Network(manager).plan()
    assert [result.report.is_empty for result in report.results if result.report] == [True] * 4
    assert len([sql for sql in seen if "information_schema.COLUMNS" in sql]) == (network.family != "sqlite")


@pytest.mark.families("mysql", "mariadb")
def test_a_trigger_and_a_check_on_one_of_many_are_seen(network: LiveDatabase) -> None:
    """What a plan must not lose is found for the one site that has it."""
    manager = DatabaseManager(network.url)
    assert Network(manager).install().ok
    network.execute("CREATE TRIGGER heard BEFORE INSERT ON wp_2_wch_carts FOR EACH ROW SET NEW.coupon_code = 'x'")
    network.execute("ALTER TABLE wp_3_wch_carts ADD CONSTRAINT short CHECK (customer_phone <> '')")
    with read_session(manager.database, our_names("wp_")) as context:
        table_cache = TableCache(context.connection)
        for prefix in PREFIXES:
            names = manager.at(prefix).names.tables
            live = introspect_schema(context.connection, names)
            assert table_cache.read(our_names(prefix), names) == live
            carts = live.table(f"{prefix}wch_carts")
            assert carts is not None
            assert bool(carts.foreign) == (prefix in ("wp_2_", "wp_3_"))
