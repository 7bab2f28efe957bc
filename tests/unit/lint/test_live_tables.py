"""Steps that are dangerous on a live table are found, with their line, and the safe way has the author's names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.lint.folders import FIRST, file, folder, found, places


def step(name: str, *arguments: str, table: str = "messages") -> str:
    return f"migrator.run({name}, database, {', '.join([chr(34) + table + chr(34), *arguments])})"


#: The step, its rule, and a part of the advice that the author can paste.
DANGERS = {
    "a column without a value": (
        step("steps.add_column", 'Column("channel", varchar(10))'),
        "not-null",
        (
            'migrator.run(steps.add_column, database, "messages", Column("channel", varchar(10), nullable=True)), then '
            'migrator.run(batches.fill_column, database, "messages", "channel", "?", VALUE), then '
            'migrator.run(steps.alter_column, database, "messages", Column("channel", varchar(10)))'
        ),
    ),
    "NULLs that nobody has filled": (
        step("steps.alter_column", 'Column("coupon_code", varchar(50))', table="carts"),
        "not-null",
        'migrator.run(batches.fill_column, database, "carts", "coupon_code", "?", VALUE)',
    ),
    "a shorter varchar": (
        step("steps.alter_column", 'Column("coupon_code", varchar(20), nullable=True)', table="carts"),
        "narrowing",
        (
            'migrator.run(steps.add_column, database, "carts", Column("coupon_code_new", varchar(20), nullable=True), '
            'after="coupon_code")'
        ),
    ),
    "an enum value less": (
        step("steps.alter_column", 'Column("status", enum("sent", "read", "failed"), default=Default("sent"))'),
        "enum-values",
        (
            'migrator.run(batches.run_in_batches, database, "messages", '
            '"UPDATE {messages} SET status = ? WHERE status = ? AND {batch}", NEW, "delivered")'
        ),
    ),
    "an enum value renamed": (
        step("steps.alter_column", 'Column("direction", enum("in", "outbound"))'),
        "enum-values",
        'migrator.run(steps.alter_column, database, "messages", Column("direction", enum("inbound", "outbound", "in"',
    ),
    "enum values in another order": (
        step("steps.alter_column", 'Column("direction", enum("outbound", "inbound"))'),
        "enum-values",
        'Column("direction", enum("inbound", "outbound"))',
    ),
    "a wider integer": (
        step("steps.alter_column", 'Column("attempts", bigint(), default=Default("0"))', table="sync_queue"),
        "table-copy",
        'migrator.run(batches.copy_column, database, "sync_queue", "attempts", "attempts_new")',
    ),
    "a smaller integer": (
        step("steps.alter_column", 'Column("assigned_agent_id", integer(), nullable=True)', table="conversations"),
        "narrowing",
        "assigned_agent_id_new",
    ),
    "another sign": (
        step("steps.alter_column", 'Column("assigned_agent_id", bigint(), nullable=True)', table="conversations"),
        "narrowing",
        "assigned_agent_id_new",
    ),
    "varchar to text": (
        step("steps.alter_column", 'Column("name", text())', table="customer_profiles"),
        "table-copy",
        'Column("name_new", text(), nullable=True)',
    ),
    "text to varchar": (
        step("steps.alter_column", 'Column("error_message", varchar(500), nullable=True)', table="sync_queue"),
        "narrowing",
        "UPDATE {sync_queue} SET error_message_new = ... WHERE error_message_new IS NULL AND {batch}",
    ),
    "a varchar across 255 bytes": (
        step("steps.alter_column", 'Column("coupon_code", varchar(64), nullable=True)', table="carts"),
        "table-copy",
        'migrator.run(batches.copy_column, database, "carts", "coupon_code", "coupon_code_new")',
    ),
    "a drop that is not meant": (
        step("steps.drop_column", '"content"'),
        "allow-drop",
        'migrator.run(steps.drop_column, database, "messages", "content", allow_drop=True)',
    ),
    "tables that are not meant": (
        'migrator.run(steps.drop_tables, database, (Table("carts", ()),))',
        "allow-drop",
        "allow_drop=True",
    ),
    "a new name": (
        step("steps.rename_column", '"wa_message_id"', '"message_id"'),
        "rename-column",
        (
            'migrator.run(steps.add_column, database, "messages", Column("message_id", varchar(100), nullable=True), '
            'after="wa_message_id")'
        ),
    ),
    "a unique index": (
        step("steps.add_index", 'Index("phone", ("phone", "name"), unique=True)', table="customer_profiles"),
        "unique-index",
        "wch plan counts these rows; add # wch: allow unique-index because",
    ),
    "a foreign key": (
        step("steps.add_foreign_key", 'ForeignKey(("assigned_agent_id",), "agents")', table="conversations"),
        "foreign-key",
        "wch plan counts these rows; add # wch: allow foreign-key because",
    ),
    "an UPDATE of everything": (
        'migrator.run(steps.run_sql, database, "UPDATE {carts} SET coupon_code = NULL")',
        "whole-table",
        'run(batches.run_in_batches, database, "carts", "UPDATE {carts} SET coupon_code = NULL WHERE {batch}")',
    ),
    "a DELETE by another column": (
        "migrator.run(steps.run_sql, database, \"DELETE FROM {carts} WHERE expires_at < ? OR items = '[]'\", 1)",
        "whole-table",
        "\"DELETE FROM {carts} WHERE {batch} AND (expires_at < ? OR items = '[]')\"",
    ),
    "a key in a subquery": (
        'migrator.run(steps.run_sql, database, "UPDATE {carts} SET items = (SELECT 1 FROM {x} WHERE id = 7)")',
        "whole-table",
        '(SELECT 1 FROM {x} WHERE id = 7) WHERE {batch}"',
    ),
    "a key or something else": (
        'migrator.run(steps.run_sql, database, "UPDATE {carts} SET items = NULL WHERE id = 7 OR items IS NULL")',
        "whole-table",
        'WHERE {batch} AND (id = 7 OR items IS NULL)"',
    ),
    "another row's key": (
        'migrator.run(steps.run_sql, database, "UPDATE {carts} c SET items = NULL WHERE c.id = c.parent")',
        "whole-table",
        "WHERE {batch} AND (c.id = c.parent)",
    ),
    "a comment that begins it": (
        'migrator.run(steps.run_sql, database, "/* all */ DELETE FROM {carts} -- all of them")',
        "whole-table",
        '"DELETE FROM {carts} WHERE {batch}"',
    ),
    "an INSERT of what is selected": (
        'migrator.run(steps.run_sql, database, "INSERT INTO {bodies} (id) SELECT id FROM {messages}")',
        "whole-table",
        "{batch}",
    ),
    "a batch without its range": (
        step("batches.run_in_batches", '"UPDATE {carts} SET coupon_code = NULL"', table="carts"),
        "whole-table",
        "WHERE {batch}",
    ),
    "an ALTER of one's own": (
        'migrator.run(steps.run_sql, database, "ALTER TABLE {carts} ADD note TEXT")',
        "ddl",
        'migrator.run(steps.add_column, database, "carts", ...)',
    ),
    "an index of one's own": (
        'migrator.run(steps.run_sql, database, "create unique index x on {carts} (coupon_code)")',
        "ddl",
        'migrator.run(steps.add_index, database, "carts", ...)',
    ),
    "a time that the server writes": (
        'migrator.run(steps.run_sql, database, "ALTER TABLE {carts} MODIFY t DATETIME ON UPDATE CURRENT_TIMESTAMP")',
        "ddl",
        "no step makes ON UPDATE CURRENT_TIMESTAMP",
    ),
}


@pytest.mark.parametrize("danger", DANGERS)
def test_a_danger_is_found_at_its_line(danger: str, tmp_path: Path) -> None:
    text, rule, advice = DANGERS[danger]
    (finding,) = found(folder(tmp_path, _002_more=file("# a line above", text)))
    assert (finding.path.name, finding.line, finding.rule) == ("002_more.py", FIRST + 1, rule)
    assert advice in finding.advice
    assert "\n" not in str(finding)


@pytest.mark.parametrize(
    "steps",
    [
        (step("steps.add_column", 'Column("note", text(), nullable=True)'),),
        (step("steps.add_column", 'Column("channel", varchar(10), default=Default("whatsapp"))'),),
        (
            step("steps.add_column", 'Column("channel", varchar(10), nullable=True)'),
            step("batches.fill_column", '"channel"', '"?"', '"whatsapp"'),
            step("steps.alter_column", 'Column("channel", varchar(10))'),
        ),
        (step("steps.alter_column", 'Column("customer_phone", varchar(40))', table="carts"),),
        (step("steps.alter_column", 'Column("direction", enum("inbound", "outbound", "lost"))'),),
        (step("steps.drop_column", '"content"', "allow_drop=True"),),
        (step("steps.add_index", 'Index("items", ("coupon_code",))', table="carts"),),
        (step("batches.run_in_batches", '"UPDATE {carts} SET coupon_code = NULL WHERE {batch}"', table="carts"),),
        ('migrator.run(steps.run_sql, database, "UPDATE {carts} SET coupon_code = NULL WHERE id = ?", 7)',),
        ("migrator.run(steps.run_sql, database, \"UPDATE {carts} SET items = '#' WHERE id = 7 AND items = '--'\")",),
        ("migrator.run(steps.run_sql, database, \"INSERT INTO {carts} (note) VALUES ('DROP TABLE x')\")",),
        (
            'BODIES = Table("bodies", (Column("id", bigint(unsigned=True), auto_increment=True),))',
            "migrator.run(steps.create_tables, database, (BODIES,))",
            step("steps.add_column", 'Column("text", text())', table="bodies"),
            step("steps.add_index", 'Index("text", ("text",), unique=True)', table="bodies"),
            step("steps.rename_column", '"text"', '"words"', table="bodies"),
        ),
    ],
)
def test_what_is_safe_is_not_spoken_of(steps: tuple[str, ...], tmp_path: Path) -> None:
    assert places(folder(tmp_path, _002_more=file(*steps))) == []


def test_the_shape_before_comes_from_the_files_before(tmp_path: Path) -> None:
    first = file(step("steps.alter_column", 'Column("customer_phone", varchar(40))', table="carts"))
    second = first.replace("1.1.0", "1.2.0").replace('"1.0.0"', '"1.1.0"').replace("varchar(40)", "varchar(30)")
    assert places(folder(tmp_path, _002_more=first, _003_less=second)) == [("003_less.py", FIRST, "narrowing")]


def test_steps_of_a_loop_are_told_apart_by_what_they_do(tmp_path: Path) -> None:
    lines = ('for name in ("a", "b"):', '    migrator.run(steps.add_column, database, "carts", Column(name, text()))')
    findings = found(folder(tmp_path, _002_more=file(*lines)))
    assert [(finding.line, finding.found.split()[0]) for finding in findings] == [
        (FIRST + 1, "carts.a"),
        (FIRST + 1, "carts.b"),
    ]


@pytest.mark.parametrize(
    ("use", "drop"),
    [
        (step("batches.copy_column", '"content"', '"body"'), step("steps.drop_column", '"content"', "allow_drop=True")),
        (
            step("batches.run_in_batches", '"UPDATE {messages} SET body = content WHERE {batch}"'),
            step("steps.drop_column", '"content"', "allow_drop=True"),
        ),
        (
            step("batches.change_rows", '["content"]', "dict"),
            step("steps.drop_column", '"content"', "allow_drop=True"),
        ),
        (
            step("batches.run_in_batches", '"INSERT INTO {x} (id) SELECT c.id FROM {carts} c WHERE {batch:c}"'),
            'migrator.run(steps.drop_tables, database, (Table("carts", ()),), allow_drop=True)',
        ),
    ],
)
def test_what_a_migration_stops_using_it_does_not_drop(use: str, drop: str, tmp_path: Path) -> None:
    (finding,) = found(folder(tmp_path, _002_more=file(use, drop)))
    assert (finding.line, finding.rule) == (FIRST + 1, "drop-in-use")
    assert "a later release" in finding.advice


def test_the_way_back_is_looked_at_for_what_never_works_and_what_blocks(tmp_path: Path) -> None:
    back = (step("steps.drop_column", '"note"'), 'migrator.run(steps.run_sql, database, "DELETE FROM {carts}")')
    text = file(step("steps.add_column", 'Column("note", text(), nullable=True)'), back=back)
    assert places(folder(tmp_path, _002_more=text)) == [
        ("002_more.py", FIRST + 5, "allow-drop"),
        ("002_more.py", FIRST + 6, "whole-table"),
    ]
