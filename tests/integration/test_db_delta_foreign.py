"""Foreign objects on managed tables or in their place: db_delta reports them, keeps them, and repairs the rest."""

from __future__ import annotations

import pytest

from tests.support.damage import Damage
from tests.support.databases import LiveDatabase
from tests.support.repair import repair
from tests.support.snapshots import schema
from wch_peewee.schema.objects import varchar

T = "wp_wch_"


#: Things on our tables that are somebody else's: name: (statements, what is said of them)
Things = dict[str, tuple[list[str], str]]

ANYWHERE: Things = {
    "a column": (["ALTER TABLE {carts} ADD COLUMN crm_id bigint NULL"], "{carts} has a column crm_id"),
    "a generated column": (
        ["ALTER TABLE {carts} ADD COLUMN is_new int GENERATED ALWAYS AS (length(customer_phone)) VIRTUAL"],
        "{carts} has a column is_new",
    ),
    "an index": (["CREATE INDEX crm ON {carts} (created_at, customer_phone)"], "{carts} has an index crm"),
    "a view of it": (["CREATE VIEW crm AS SELECT customer_phone, coupon_code FROM {carts}"], ""),
}
ON_A_SERVER: Things = {
    "a column in the way": (
        ["ALTER TABLE {carts} ADD COLUMN crm_id bigint NOT NULL"],
        "{carts} has a column crm_id, which is NOT NULL without a default, so that inserts through the models fail",
    ),
    "a stored column": (
        ["ALTER TABLE {carts} ADD COLUMN phone2 varchar(40) GENERATED ALWAYS AS (concat(customer_phone, 'x')) STORED"],
        "{carts} has a column phone2",
    ),
    "an index on a prefix": (["CREATE INDEX crm ON {carts} (customer_phone(5))"], "{carts} has an index crm"),
    "a full-text index": (["CREATE FULLTEXT INDEX crm ON {carts} (customer_phone)"], "{carts} has an index crm"),
    "a trigger": (
        ["CREATE TRIGGER crm BEFORE INSERT ON {carts} FOR EACH ROW SET NEW.coupon_code = 'X'"],
        "{carts} has a trigger crm",
    ),
    "a check": (
        ["ALTER TABLE {carts} ADD CONSTRAINT crm CHECK (length(customer_phone) > 2)"],
        "{carts} has a check crm",
    ),
    "a foreign key of ours to theirs": (
        [
            "CREATE TABLE crm (id bigint unsigned PRIMARY KEY)",
            (
                "ALTER TABLE {carts} ADD COLUMN crm_id bigint unsigned NULL, "
                "ADD CONSTRAINT crm FOREIGN KEY (crm_id) REFERENCES crm (id)"
            ),
        ],
        "{carts} has a column crm_id\n{carts} has an index crm\n{carts} has a foreign key crm on (crm_id)",
    ),
    "a foreign key of theirs to ours": (
        [
            (
                "CREATE TABLE crm (phone varchar(20) COLLATE utf8mb4_unicode_520_ci, "
                "FOREIGN KEY (phone) REFERENCES {carts} (customer_phone))"
            )
        ],
        "",
    ),
    "what the server writes by itself": (
        ["ALTER TABLE {carts} MODIFY updated_at datetime NULL ON UPDATE current_timestamp"],
        "{carts}.updated_at has on update current_timestamp",
    ),
}
ON_MYSQL: Things = {
    "a functional index": (["CREATE INDEX crm ON {carts} ((lower(customer_phone)))"], "{carts} has an index crm"),
    "an invisible index": (["CREATE INDEX crm ON {carts} (created_at) INVISIBLE"], "{carts} has an index crm"),
}
ON_MARIADB: Things = {
    "an ignored index": (["CREATE INDEX crm ON {carts} (created_at) IGNORED"], "{carts} has an index crm"),
    "a check of a column": (
        ["ALTER TABLE {carts} MODIFY updated_at datetime NULL CHECK (updated_at > 0)"],
        "{carts}.updated_at has a check of its own (`updated_at` > 0)",
    ),
}
IN_SQLITE: Things = {
    "an index on an expression": (
        ["CREATE INDEX crm ON {carts} (lower(customer_phone))"],
        "{carts} has an index crm",
    ),
    "a part of an index": (["CREATE INDEX crm ON {carts} (created_at) WHERE id > 1"], "{carts} has an index crm"),
    "a trigger": (
        ["CREATE TRIGGER crm AFTER INSERT ON {carts} BEGIN DELETE FROM {sync_queue} WHERE id = 0; END"],
        "{carts} has a trigger crm",
    ),
    "a foreign key of theirs to ours": (
        ["CREATE TABLE crm (cart integer REFERENCES {carts} (id) ON DELETE CASCADE)", "INSERT INTO crm VALUES (1)"],
        "",
    ),
}


def left_alone(site: LiveDatabase, statements: list[str], said: str) -> None:
    """Run ``statements`` on a damaged table; the repair must keep their effect, or be refused because of it."""
    hurt = Damage(site)
    expected = hurt.said(said).splitlines()
    hurt.column("carts", "customer_phone", type=varchar(15))
    hurt.sql(*statements)
    others = schema(site, without=(f"{T}carts",))
    report, _ = repair(site)
    what = f"type of {T}carts.customer_phone from varchar(15) to varchar(20)"
    assert any(what in line for line in (*report.changes, *map(str, report.refusals)))
    assert [extra.removesuffix("()") for extra in report.extras] == expected

    hurt.sql("ALTER TABLE {carts} DROP COLUMN shipping_address")
    hurt.drop_index("carts", "expires_at")
    again, _ = repair(site)
    assert len(again.changes) == 2
    assert (again.refusals, again.extras) == (report.refusals, report.extras)
    assert schema(site, without=(f"{T}carts",)) == others


@pytest.mark.parametrize(("statements", "said"), ANYWHERE.values(), ids=ANYWHERE)
def test_what_is_somebody_else_s_is_left_alone(site: LiveDatabase, statements: list[str], said: str) -> None:
    left_alone(site, statements, said)


@pytest.mark.families("mariadb", "mysql")
@pytest.mark.parametrize(("statements", "said"), ON_A_SERVER.values(), ids=ON_A_SERVER)
def test_what_is_somebody_else_s_on_a_server(site: LiveDatabase, statements: list[str], said: str) -> None:
    left_alone(site, statements, said)


@pytest.mark.families("mysql")
@pytest.mark.parametrize(("statements", "said"), ON_MYSQL.values(), ids=ON_MYSQL)
def test_what_is_somebody_else_s_on_mysql(site: LiveDatabase, statements: list[str], said: str) -> None:
    left_alone(site, statements, said)


@pytest.mark.families("mariadb")
@pytest.mark.parametrize(("statements", "said"), ON_MARIADB.values(), ids=ON_MARIADB)
def test_what_is_somebody_else_s_on_mariadb(site: LiveDatabase, statements: list[str], said: str) -> None:
    left_alone(site, statements, said)


@pytest.mark.families("sqlite")
@pytest.mark.parametrize(("statements", "said"), IN_SQLITE.values(), ids=IN_SQLITE)
def test_what_is_somebody_else_s_in_sqlite(site: LiveDatabase, statements: list[str], said: str) -> None:
    left_alone(site, statements, said)


def test_a_view_in_a_table_s_place_is_not_touched(site: LiveDatabase) -> None:
    hurt = Damage(site)
    hurt.sql("ALTER TABLE {carts} RENAME TO kept", "CREATE VIEW {carts} AS SELECT * FROM kept")
    hurt.drop_column("broadcast_campaigns", "scheduled_at")
    before = schema(site, without=(f"{T}broadcast_campaigns",))
    report, _ = repair(site)
    assert len(report.changes) == 2
    assert any(refusal.blocking for refusal in report.refusals)
    assert any("view" in words for words in (*report.extras, *map(str, report.refusals)))
    assert schema(site, without=(f"{T}broadcast_campaigns",)) == before


def test_a_view_in_the_parent_s_place_leaves_the_child_without_its_key(site: LiveDatabase) -> None:
    hurt = Damage(site)
    hurt.sql(
        "DROP TABLE {messages}",
        "ALTER TABLE {conversations} RENAME TO kept",
        "CREATE VIEW {conversations} AS SELECT * FROM kept",
    )
    report, _ = repair(site)
    assert list(report.changes) == [f"Created table {T}messages"]
    assert any("cannot be referenced" in refusal.reason for refusal in report.refusals)
