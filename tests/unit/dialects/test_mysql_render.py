"""Operations as statements of MySQL and MariaDB, and how they are grouped.

Algorithms and locks were measured on MariaDB 10.11 and 11.8 and MySQL 9.7; the cases have the names of the
measurements.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.builders import ID, column, costs, index, key, required, sql, table
from wch_peewee import MODELS
from wch_peewee.errors import SchemaConflict
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.declared import logical_tables, resolve
from wch_peewee.schema.mysql.algorithms import cost_of
from wch_peewee.schema.mysql.base import quote_name, quote_text
from wch_peewee.schema.mysql.dialect import MySQLDialect
from wch_peewee.schema.mysql.render import column_definition
from wch_peewee.schema.objects import (
    PARTITIONING,
    Column,
    ColumnType,
    Default,
    Table,
    bigint,
    boolean,
    datetime,
    enum,
    integer,
    json,
    text,
    varchar,
)
from wch_peewee.schema.operations import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    CreateTable,
    DropColumn,
    DropForeignKey,
    DropIndex,
    DropTable,
    ModifyColumn,
    Operation,
    RenameColumn,
)

MARIADB = MySQLDialect("mariadb", (10, 11, 19))
MYSQL = MySQLDialect("mysql", (9, 7, 4))
FLAVORS = pytest.mark.parametrize("dialect", [MARIADB, MYSQL], ids=["mariadb", "mysql"])
NOW = Default("current_timestamp", is_expression=True)


def add(name_: str = "c1", type_: ColumnType | None = None, after: str | None = "id", **more: object) -> AddColumn:
    return AddColumn("t", column(name_, type_, **more), after)


def modify(was: Column, **more: object) -> ModifyColumn:
    if isinstance(more.get("default"), str):
        more["default"] = Default(str(more["default"]))
    return ModifyColumn("t", was, replace(was, **more))


DEFINITIONS = {
    "`a` int NULL": column("a"),
    "`a` int NOT NULL": required("a"),
    "`a` int NOT NULL DEFAULT '0'": required("a", default="0"),
    "`a` bigint unsigned NOT NULL AUTO_INCREMENT": replace(ID, name="a"),
    "`a` varchar(20) NULL DEFAULT 'NULL'": column("a", varchar(20), default="NULL"),
    "`a` varchar(20) NOT NULL DEFAULT ''": required("a", varchar(20), default=""),
    "`a` varchar(20) NULL DEFAULT 'it''s \\\\ \"q\" 100%'": column("a", varchar(20), default='it\'s \\ "q" 100%'),
    "`a` varchar(9) CHARACTER SET latin1 COLLATE latin1_bin NULL": column("a", varchar(9), collation="latin1_bin"),
    "`a` int NULL COMMENT 'why; it''s'": column("a", comment="why; it's"),
    "`a` enum('x','it''s','a,b') NOT NULL DEFAULT 'x'": required("a", enum("x", "it's", "a,b"), default="x"),
    "`a` json NULL": column("a", json(), collation="utf8mb4_bin"),
    "`a` tinyint(1) NOT NULL DEFAULT '0'": required("a", boolean(), default="0"),
    "`a` text NULL": column("a", text()),
    "`a` datetime NOT NULL DEFAULT current_timestamp": required("a", datetime(), default=NOW),
    "`a` varchar(36) NULL DEFAULT (uuid())": column("a", varchar(36), default=Default("uuid()", is_expression=True)),
    "`we``ird` datetime(6) NULL": column("we`ird", ColumnType("datetime", size=6)),
}


@pytest.mark.parametrize(("expected", "given"), DEFINITIONS.items(), ids=DEFINITIONS)
def test_a_column_is_said_whole(expected: str, given: Column) -> None:
    assert column_definition(given) == expected


def test_names_and_literals_are_quoted() -> None:
    assert quote_name("a`b") == "`a``b`"
    assert quote_text("\\' ; --") == "'\\\\'' ; --'"


@FLAVORS
def test_a_percent_sign_survives_the_driver(dialect: MySQLDialect) -> None:
    statement = sql(dialect.render(table(), [add(default="100%")]))[0]
    assert dialect.escape(statement) % () == statement


CREATED = """CREATE TABLE `wp_wch_messages` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `conversation_id` bigint unsigned NOT NULL,
  `direction` enum('inbound','outbound') NOT NULL,
  `message_type` enum('text','interactive','image','document','template') NOT NULL,
  `wa_message_id` varchar(100) NOT NULL,
  `content` json NULL,
  `status` enum('sent','delivered','read','failed') NOT NULL DEFAULT 'sent',
  `created_at` datetime NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `wa_message_id` (`wa_message_id`),
  KEY `conversation_id` (`conversation_id`),
  KEY `created_at` (`created_at`),
  CONSTRAINT `wp_wch_messages_conversation_id_fk` FOREIGN KEY (`conversation_id`) \
REFERENCES `wp_wch_conversations` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci"""


@FLAVORS
def test_a_table_is_one_statement_with_its_keys_inside(dialect: MySQLDialect) -> None:
    desired = resolve(
        logical_tables(MODELS), names=our_names("wp_"), dialect=dialect, collation="utf8mb4_unicode_520_ci"
    )
    messages = desired.table("wp_wch_messages")
    assert messages is not None
    (step,) = dialect.render(None, [CreateTable(messages.name, messages)])
    assert [statement.sql for statement in step.statements] == [CREATED]
    assert (step.cost, step.cleanup, step.recheck) == ("CREATE", (), None)


@FLAVORS
def test_every_statement_names_the_table_it_changes(dialect: MySQLDialect) -> None:
    live = table(column("a"), index("a"), key("a"))
    operations = [
        *(add(), AddIndex("t", index("b")), AddForeignKey("t", key("b"))),
        *(DropIndex("t", "a"), DropForeignKey("t", key("a")), DropColumn("t", "a"), RenameColumn("t", "a", "b")),
    ]
    for operation in operations:
        for step in dialect.render(live, [operation]):
            changing = [each for each in (*step.statements, *step.undo) if not each.sql.startswith("SET SESSION")]
            assert changing
            assert {each.table for each in changing} == {"t"}
    (step,) = dialect.render(live, [DropTable("t")])
    assert [(each.sql, each.table) for each in step.statements] == [("DROP TABLE `t`", "t")]


#: One operation: (operation, clause)
CLAUSES = [
    (add(), "ADD COLUMN `c1` int NULL AFTER `id`"),
    (add(after=None), "ADD COLUMN `c1` int NULL FIRST"),
    (modify(required("a"), default="5"), "MODIFY COLUMN `a` int NOT NULL DEFAULT '5'"),
    (RenameColumn("t", "a", "b"), "RENAME COLUMN `a` TO `b`"),
    (DropColumn("t", "a"), "DROP COLUMN `a`"),
    (AddIndex("t", index("a", "b")), "ADD KEY `a_b` (`a`, `b`)"),
    (AddIndex("t", index("a", unique=True)), "ADD UNIQUE KEY `a` (`a`)"),
    (DropIndex("t", "a"), "DROP INDEX `a`"),
    (DropForeignKey("t", key()), "DROP FOREIGN KEY `p_id_fk`"),
]


@FLAVORS
@pytest.mark.parametrize(("operation", "clause"), CLAUSES, ids=[clause for _, clause in CLAUSES])
def test_one_operation_is_one_clause(dialect: MySQLDialect, operation: Operation, clause: str) -> None:
    assert sql(dialect.render(table(column("a")), [operation])) == [f"ALTER TABLE `t` {clause}"]


@FLAVORS
def test_a_foreign_key_is_added_unchecked_and_then_counted(dialect: MySQLDialect) -> None:
    """With checks it copies the table and blocks every writer meanwhile."""
    (step,) = dialect.render(table(), [AddForeignKey("t", key(on_delete="CASCADE", on_update="SET NULL"))])
    assert sql([step]) == [
        "SET SESSION foreign_key_checks = 0",
        (
            "ALTER TABLE `t` ADD CONSTRAINT `p_id_fk` FOREIGN KEY (`p_id`) REFERENCES `p` (`id`) "
            "ON DELETE CASCADE ON UPDATE SET NULL"
        ),
        "SET SESSION foreign_key_checks = 1",
    ]
    assert step.recheck is not None
    assert step.recheck.kind == "no_orphans"
    assert [statement.sql for statement in step.undo] == ["ALTER TABLE `t` DROP FOREIGN KEY `p_id_fk`"]


@FLAVORS
def test_counting_is_given_back_to_a_column_that_a_foreign_key_refers_to(dialect: MySQLDialect) -> None:
    """On MySQL it is error 1833 otherwise."""
    (step,) = dialect.render(table(), [modify(replace(ID, auto_increment=False), auto_increment=True)])
    switched = ["SET SESSION foreign_key_checks = 0", "SET SESSION foreign_key_checks = 1"]
    assert [each for each in sql([step]) if each.startswith("SET")] == (switched if dialect is MYSQL else [])
    assert [statement.sql for statement in step.cleanup] == (switched[1:] if dialect is MYSQL else [])


# As in the measured matrix: one live table, one change each.
LIVE = table(
    required("a", varchar(20), default=""),
    column("tail", varchar(30)),
    column("short60", varchar(60)),
    column("title", varchar(200)),
    column("l1", varchar(200), collation="latin1_swedish_ci"),
    required("direction", enum("in", "out"), default="in"),
    required("status", enum("q", "s"), default="q"),
    required("retries", default="0"),
    column("flag", boolean()),
    column("updated_at", datetime()),
    column("payload", json()),
    column("body", text()),
    index("status"),
    collation="utf8mb4_unicode_ci",
)


def live(name_: str) -> Column:
    found = LIVE.column(name_)
    assert found is not None
    return found


MATRIX: dict[str, tuple[Operation, str, str]] = {
    "add_last_null": (add(), "INSTANT", "INSTANT"),
    "add_first_null": (add(after=None), "INSTANT", "INSTANT"),
    "add_last_nn_def": (add(nullable=False, default="7"), "INSTANT", "INSTANT"),
    "add_json_null": (add(type_=json()), "INSTANT", "INSTANT"),
    "add_json_def_expr": (add(type_=json(), default=Default("'{}'", True)), "INSTANT", "COPY"),
    "add_enum_nn_def": (add(type_=enum("a", "b"), nullable=False, default="a"), "INSTANT", "INSTANT"),
    "add_datetime_nn_now": (add(type_=datetime(), nullable=False, default=NOW), "INSTANT", "INSTANT"),
    "drop_mid": (DropColumn("t", "title"), "INSTANT", "INSTANT"),
    "drop_indexed": (DropColumn("t", "status"), "NOCOPY", "INPLACE"),
    "widen_20_30": (modify(live("a"), type=varchar(30)), "INSTANT", "METADATA"),
    "widen_60_63": (modify(live("short60"), type=varchar(63)), "INSTANT", "METADATA"),
    "widen_60_70_cross255_utf8mb4": (modify(live("short60"), type=varchar(70)), "COPY", "COPY"),
    "widen_200_300_utf8mb4": (modify(live("title"), type=varchar(300)), "INSTANT", "METADATA"),
    "widen_200_300_latin1_cross255": (modify(live("l1"), type=varchar(300)), "COPY", "COPY"),
    "widen_200_255_latin1": (modify(live("l1"), type=varchar(255)), "INSTANT", "METADATA"),
    "narrow_30_20": (modify(live("tail"), type=varchar(20)), "COPY", "COPY"),
    "enum_append": (modify(live("direction"), type=enum("in", "out", "sys")), "INSTANT", "INSTANT"),
    "enum_insert_mid": (modify(live("direction"), type=enum("in", "sys", "out")), "COPY", "COPY"),
    "enum_remove_last": (modify(live("status"), type=enum("q")), "COPY", "COPY"),
    "enum_rename_value": (modify(live("direction"), type=enum("in", "outbound")), "COPY", "COPY"),
    "enum_append_cross255": (
        modify(live("direction"), type=enum("in", "out", *(f"v{n}" for n in range(300)))),
        "COPY",
        "COPY",
    ),
    "enum_to_varchar": (modify(live("direction"), type=varchar(20)), "COPY", "COPY"),
    "int_to_bigint": (modify(live("retries"), type=bigint()), "COPY", "COPY"),
    "tinyint_to_int": (modify(live("flag"), type=integer()), "COPY", "COPY"),
    "tinyint1_to_tinyint4": (modify(live("flag"), type=ColumnType("tinyint")), "INSTANT", "INSTANT"),
    "int_signed_unsigned": (modify(live("retries"), type=ColumnType("int", unsigned=True)), "COPY", "COPY"),
    "null_to_notnull": (modify(live("updated_at"), nullable=False), "INPLACE", "INPLACE"),
    "notnull_to_null": (modify(live("retries"), nullable=True), "INPLACE", "INPLACE"),
    "modify_default": (modify(live("retries"), default="5"), "INSTANT", "INSTANT"),
    "default_to_now": (modify(live("updated_at"), default=NOW), "INSTANT", "INSTANT"),
    "comment_col": (modify(live("retries"), comment="x"), "INSTANT", "INSTANT"),
    "rename_col": (RenameColumn("t", "retries", "attempts"), "INSTANT", "INSTANT"),
    "add_index": (AddIndex("t", index("updated_at")), "NOCOPY", "INPLACE"),
    "add_unique": (AddIndex("t", index("a", unique=True)), "NOCOPY", "INPLACE"),
    "drop_index": (DropIndex("t", "status"), "NOCOPY", "METADATA"),
    "drop_fk": (DropForeignKey("t", key()), "INSTANT", "METADATA"),
    "varchar_to_text": (modify(live("title"), type=text()), "COPY", "COPY"),
    "text_to_longtext": (modify(live("body"), type=ColumnType("longtext")), "COPY", "COPY"),
    "datetime_to_datetime6": (modify(live("updated_at"), type=ColumnType("datetime", size=6)), "COPY", "COPY"),
}


@pytest.mark.parametrize(("operation", "mariadb", "mysql"), MATRIX.values(), ids=MATRIX)
def test_what_a_change_costs(operation: Operation, mariadb: str, mysql: str) -> None:
    assert (cost_of("mariadb", LIVE, operation), cost_of("mysql", LIVE, operation)) == (mariadb, mysql)


ENUM = modify(live("direction"), type=enum("in", "out", "sys"))
WIDER = modify(live("a"), type=varchar(30))
NOT_NULL = modify(live("updated_at"), nullable=False)
BIGGER = modify(live("retries"), type=bigint())
INDEX, OTHER_INDEX = AddIndex("t", index("updated_at")), AddIndex("t", index("c1", unique=True))
KEY = AddForeignKey("t", key("retries"))

#: operations: [(cost, operations)] on MariaDB, the same on MySQL
GROUPS: dict[str, tuple[list[Operation], list[tuple[str, int]], list[tuple[str, int]]]] = {
    "all instant": ([add(), add("c2"), ENUM], [("INSTANT", 3)], [("INSTANT", 3)]),
    "a wider varchar": ([add(), WIDER], [("INSTANT", 2)], [("INSTANT", 1), ("INPLACE", 1)]),
    "an index": ([INDEX, add(), OTHER_INDEX], [("INSTANT", 1), ("NOCOPY", 2)], [("INSTANT", 1), ("INPLACE", 2)]),
    "rebuilds": ([NOT_NULL, add(), BIGGER], [("INSTANT", 1), ("COPY", 2)], [("INSTANT", 1), ("COPY", 2)]),
    "a foreign key": ([KEY, add()], [("INSTANT", 1), ("INSTANT", 1)], [("INSTANT", 1), ("INPLACE", 1)]),
    "one of each": (
        [KEY, INDEX, NOT_NULL, WIDER, ENUM, add()],
        [("INSTANT", 3), ("INPLACE", 1), ("NOCOPY", 1), ("INSTANT", 1)],
        [("INSTANT", 2), ("INPLACE", 1), ("INPLACE", 1), ("INPLACE", 1), ("INPLACE", 1)],
    ),
    "drops first": (
        [DropIndex("t", "status"), DropColumn("t", "body"), DropForeignKey("t", key())],
        [("INSTANT", 1), ("NOCOPY", 1), ("INSTANT", 1)],
        [("INPLACE", 1), ("INPLACE", 1), ("INSTANT", 1)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("operations", "mariadb", "mysql"), GROUPS.values(), ids=GROUPS)
def test_as_few_alters_as_keep_each_cheap(
    operations: list[Operation], mariadb: list[tuple[str, int]], mysql: list[tuple[str, int]]
) -> None:
    for dialect, expected in ((MARIADB, mariadb), (MYSQL, mysql)):
        steps = dialect.render(LIVE, operations)
        assert [(step.cost, len(step.operations)) for step in steps] == expected
        assert sum(statement.startswith("ALTER TABLE") for statement in sql(steps)) == len(steps)
        done = [operation for step in steps for operation in step.operations]
        assert sorted(map(repr, done)) == sorted(map(repr, operations))


@FLAVORS
def test_a_copy_changes_no_null_in_a_column_with_a_foreign_key(dialect: MySQLDialect) -> None:
    parent, number = column("p_id", bigint(unsigned=True)), column("n", integer())
    operations = [
        ModifyColumn("t", number, replace(number, type=bigint())),
        ModifyColumn("t", parent, replace(parent, nullable=False)),
    ]
    steps = dialect.render(table(parent, number, index("p_id"), key()), operations)
    assert [(step.cost, len(step.operations)) for step in steps] == [("INPLACE", 1), ("COPY", 1)]


def test_a_column_never_follows_one_that_comes_later() -> None:
    """On MySQL an expression as a default needs a COPY, and the next column would be added before it."""
    first = add("x", varchar(36), default=Default("uuid()", is_expression=True))
    steps = MYSQL.render(LIVE, [first, add("y", after="x"), AddIndex("t", index("y"))])
    there = {each.name for each in LIVE.columns}
    for step in steps:
        for operation in step.operations:
            if isinstance(operation, AddColumn):
                assert operation.after in there
                there.add(operation.column.name)
    assert costs(steps) == ["COPY", "INPLACE"]


def test_nothing_to_do_is_no_statement() -> None:
    assert MARIADB.render(table(), []) == ()
    assert MARIADB.render(None, []) == ()


@FLAVORS
def test_the_order_of_operations_within_a_kind_is_kept(dialect: MySQLDialect) -> None:
    (step,) = dialect.render(LIVE, [add("c1"), add("c2", after="c1"), add("c3", after="c2")])
    assert [each.column.name for each in step.operations] == ["c1", "c2", "c3"]


@FLAVORS
def test_a_timestamp_never_begins_to_rewrite_itself(dialect: MySQLDialect) -> None:
    """Without explicit_defaults_for_timestamp the server adds ON UPDATE to a NOT NULL one without a default."""
    was = required("c1", ColumnType("timestamp"))
    for operation in (AddColumn("t", was, "id"), modify(replace(was, nullable=True), nullable=False)):
        (reason,) = dialect.obstacles(table(), [operation])
        assert "explicit_defaults_for_timestamp" in reason
    kept = (modify(was, nullable=True), modify(was, default=NOW), modify(replace(was, nullable=True), comment="x"))
    assert dialect.obstacles(table(), kept) == ()


@FLAVORS
def test_what_a_partitioned_table_cannot_have_is_refused(dialect: MySQLDialect) -> None:
    live = table(column("a"), foreign=(PARTITIONING,))
    refused = {
        "no foreign keys": [AddForeignKey("t", key("a", "p"))],
        "has to contain id": [AddIndex("t", index("a", unique=True))],
        "is partitioned by id": [DropColumn("t", "id"), RenameColumn("t", "id", "key"), modify(ID, type=integer())],
    }
    for words, operations in refused.items():
        for operation in operations:
            (reason,) = dialect.obstacles(live, [operation])
            assert words in reason
    both = replace(index("a", unique=True), columns=("a", "ID"))
    done = [add("x"), DropColumn("t", "a"), AddIndex("t", index("a")), AddIndex("t", both), DropIndex("t", "a")]
    assert dialect.obstacles(live, done) == ()


def test_a_table_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(SchemaConflict, match="t does not exist"):
        MARIADB.render(None, [add()])


def test_a_new_table_can_be_changed_at_once() -> None:
    steps = MARIADB.render(None, [CreateTable("t", table()), add(), AddForeignKey("t", key("c1"))])
    assert costs(steps) == ["CREATE", "INSTANT", "INSTANT"]


def test_what_speaks_of_a_renamed_column_comes_in_an_alter_of_its_own() -> None:
    renamed = RenameColumn("t", "a", "b")
    retyped = ModifyColumn("t", replace(live("a"), name="b"), replace(live("a"), name="b", type=varchar(30)))
    for dialect in (MARIADB, MYSQL):
        statements = sql(dialect.render(LIVE, [renamed, retyped]))
        assert "RENAME COLUMN `a` TO `b`" in statements[0]
        assert "MODIFY COLUMN `b`" in statements[-1]
        assert len(statements) == 2
        assert len(sql(dialect.render(LIVE, [renamed, RenameColumn("t", "tail", "a")]))) == 2
        assert len(sql(dialect.render(LIVE, [renamed, add("c1", after="tail"), DropColumn("t", "body")]))) == 2


def test_a_table_without_engine_or_collation_says_neither() -> None:
    (statement,) = sql(MYSQL.render(None, [CreateTable("x", Table("x", (ID,)))]))
    assert statement.endswith("\n)")
