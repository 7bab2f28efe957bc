"""The pure parts of ``wch new``: what differs, the order of the operations, and the source text."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import column, index, key, required, schema, table
from wch_peewee.authoring.order import arrange
from wch_peewee.authoring.recipes import Recipes
from wch_peewee.authoring.render import Draft, caution, summary
from wch_peewee.authoring.source import (
    Call,
    Items,
    Mark,
    Named,
    StepLine,
    Text,
    layout,
    quoted,
    source_of,
)
from wch_peewee.migrate.folder import next_version
from wch_peewee.schema.objects import (
    Column,
    Default,
    Index,
    Schema,
    Table,
    bigint,
    datetime,
    enum,
    integer,
    text,
    varchar,
)
from wch_peewee.schema.operations import AddColumn, DropColumn, Operation
from wch_peewee.schema.renames import Renames, operations_between, questions, rename_columns


def between(before: Schema, after: Schema, renames: Renames | None = None) -> tuple[Operation, ...]:
    renames = renames or Renames()
    return arrange(operations_between(before, after, renames), rename_columns(before, renames), after)


def steps(before: Schema, after: Schema, renames: Renames | None = None, *, back: bool = False) -> list[str]:
    """Return the steps, and the marks, of the migration."""
    lines = Recipes(before, after, back=back).lines(between(before, after, renames))
    return [line.function.partition(".")[2] if isinstance(line, StepLine) else "?" for line in lines]


def one(*parts: object) -> Schema:
    return schema(table(*parts))  # type: ignore[arg-type]


def test_equal_schemas_have_nothing_between_them() -> None:
    one_table = one(column("a"), index("a"))
    assert operations_between(one_table, one_table, Renames()) == ()
    odd = one(column("a", opaque=("a check of its own",)), index("a"), index("a", name="p", opaque=("on a prefix",)))
    generated = one(column("a"), column("g", opaque=("a generated value",)), index("a"))
    assert operations_between(odd, one_table, Renames()) == operations_between(one_table, odd, Renames()) == ()
    assert (
        operations_between(generated, one_table, Renames()) == operations_between(one_table, generated, Renames()) == ()
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (one(), one(column("a")), ["add_column"]),
        (one(), one(required("a")), ["add_column", "?", "fill_column", "alter_column"]),
        (one(), one(required("a", default="1")), ["add_column"]),
        (one(column("a")), one(), ["?", "drop_column"]),
        (one(column("a"), index("a")), one(), ["drop_index", "?", "drop_column"]),
        (one(column("a", integer())), one(column("a", bigint())), ["alter_column"]),
        (one(column("a", bigint())), one(column("a", integer())), ["?", "alter_column"]),
        (one(column("a", varchar(9))), one(column("a", varchar(8))), ["?", "alter_column"]),
        (one(column("a", text())), one(column("a", datetime())), ["?", "alter_column"]),
        (one(column("a")), one(required("a")), ["?", "fill_column", "alter_column"]),
        (one(column("a")), one(required("a", default="0")), ["fill_column", "alter_column"]),
        (one(required("a")), one(column("a")), ["alter_column"]),
        (one(column("a", enum("a", "b"))), one(column("a", enum("a", "b", "c"))), ["alter_column"]),
        (one(column("a", enum("a", "b"))), one(column("a", enum("a"))), ["?", "run_in_batches", "alter_column"]),
        (
            one(column("a", enum("a", "b"))),
            one(column("a", enum("a", "c"))),
            ["alter_column", "?", "run_in_batches", "alter_column"],
        ),
        (one(column("a"), index("a")), one(column("a"), index("a", name="b")), ["rename_index"]),
        (one(column("a"), index("a")), one(column("a"), index("a", unique=True)), ["drop_index", "add_index"]),
    ],
)
def test_what_each_change_becomes(before: Schema, after: Schema, expected: list[str]) -> None:
    assert steps(before, after) == expected
    assert "?" not in steps(after, before, back=True)


def test_a_retyped_column_frees_itself_of_its_foreign_keys() -> None:
    def pair(type_: object) -> Schema:
        code = required("code", type_)  # type: ignore[arg-type]
        parent = table(code, index("code", unique=True), name="p")
        return schema(parent, table(code, index("code"), replace(key("code", name=""), referenced_columns=("code",))))

    assert steps(pair(varchar(10)), pair(varchar(20))) == [
        "drop_foreign_key",
        "alter_column",
        "alter_column",
        "add_foreign_key",
    ]


def test_the_last_index_of_a_foreign_key_goes_without_it() -> None:
    def child(*indexes: object) -> Schema:
        return schema(table(name="p"), table(column("p_id"), key(name=""), *indexes))  # type: ignore[arg-type]

    # Another one that it can use is there before the first is gone.
    both = index("p_id", "id", name="both")
    assert steps(child(index("p_id")), child(both)) == ["add_index", "drop_index"]
    again = index("p_id", "id", name="p_id")
    assert steps(child(index("p_id")), child(again)) == [
        "drop_foreign_key",
        "drop_index",
        "add_index",
        "add_foreign_key",
    ]


def test_tables_come_parents_first_and_go_children_first() -> None:
    family = schema(table(name="p"), table(column("p_id"), key(name=""), name="c"))
    (made,) = Recipes(Schema(()), family).lines(between(Schema(()), family))
    assert isinstance(made, StepLine)
    assert [table.name for table in made.tables] == ["p", "c"]
    assert steps(family, Schema(())) == ["?", "drop_tables", "?", "drop_tables"]
    assert steps(family, Schema(()), back=True) == ["drop_tables"]


def test_a_new_table_refers_to_what_is_there_by_then() -> None:
    code = Index("code", ("code",), unique=True)
    narrow, wide = (
        Table("parents", (Column("id", type_), Column("code", varchar(9)))) for type_ in (integer(), bigint())
    )
    child = Table(
        "children",
        (Column("id", integer()), Column("parent_id", bigint()), Column("code", varchar(9))),
        foreign_keys=(key("parent_id", "parents"), key("code", "parents", referenced_columns=("code",))),
    )
    before, after = schema(narrow), schema(replace(wide, indexes=(code,)), child)
    assert steps(before, after) == ["alter_column", "add_index", "create_tables"]
    assert steps(after, before, back=True) == [
        *("drop_foreign_key", "drop_foreign_key", "alter_column", "drop_index", "drop_tables"),
    ]


def test_a_renamed_column_takes_indexes_and_foreign_keys_along() -> None:
    before = schema(table(name="p"), table(column("p_id"), index("p_id"), key(name="")))
    after = schema(table(name="p"), table(column("q_id"), index("q_id"), key("q_id", name="")))
    assert steps(before, after, Renames({("t", "p_id"): "q_id"})) == ["rename_column", "rename_index"]
    assert questions(before, after, Renames(), ["t.p_id"]) == ()
    (question,) = questions(before, after, Renames(), [])
    assert (question.gone, question.candidates) == ("p_id", ("q_id",))


def test_what_cannot_be_the_same_column_is_not_asked() -> None:
    assert questions(one(column("a", datetime())), one(column("b", varchar(9))), Renames(), []) == ()
    assert len(questions(one(column("a", text())), one(column("b", varchar(9))), Renames(), [])) == 1


def test_values_that_are_gone_and_were_unique_do_not_come_back() -> None:
    unique = one(required("a", varchar(9)), index("a", unique=True))
    assert steps(one(), unique, back=True) == ["irreversible"]
    assert caution([DropColumn("t", "a")]) == "Restore the tables, but not the values of t.a, which are lost."


def test_another_primary_key_is_a_question() -> None:
    before: Table = table(column("a"))
    (line,) = Recipes(schema(before), schema(before)).lines(
        between(schema(before), schema(replace(before, primary_key=("id", "a"))))
    )
    assert isinstance(line, Mark)
    assert "from (id) to (id, a)" in line.question


def test_the_words() -> None:
    before = one(column("a", enum("x")), column("gone"))
    after = one(required("a", enum("x", "y"), default="x"), column("b"), column("c"), index("b", "c", unique=True))
    assert summary(between(before, after)) == (
        "Add column t.b",
        "Add column t.c",
        "Change type of t.a from enum('x') to enum('x','y')",
        "Change t.a from NULL to NOT NULL",
        "Change default value of t.a from none to 'x'",
        "Add index t UNIQUE KEY `b_c` (`b`,`c`)",
        "Drop column t.gone",
    )


@pytest.mark.parametrize(
    ("version", "part", "expected"),
    [(None, "minor", "1.0.0"), ("1.2.3", "major", "2.0.0"), ("1.2.3", "minor", "1.3.0"), ("1.9.9", "patch", "1.9.10")],
)
def test_versions(version: str | None, part: str, expected: str) -> None:
    assert next_version(version, part) == expected  # type: ignore[arg-type]


def test_the_layout() -> None:
    short = Call("f", (Text("a"), Items((Text("b"),)), Named("c", "1")))
    assert layout(short) == 'f("a", ("b",), c=1)'
    assert layout(short, used=115) == 'f(\n    "a",\n    ("b",),\n    c=1,\n)'
    items = Items(tuple(Text("x" * 30) for _ in range(4)))
    assert layout(items).splitlines()[1] == f'    "{"x" * 30}",'
    assert layout(Call("f", (Text("word " * 30),))).splitlines()[0] == "f("
    assert quoted("it's") == '"it\'s"'
    assert quoted('say "so"') == "'say \"so\"'"
    assert quoted("a\\b\n☃") == '"a\\\\b\\n☃"'


@given(st.text(min_size=1), st.text(min_size=1), st.lists(st.text(), min_size=1, max_size=3))
def test_any_names_and_values_make_a_file_that_says_them(name: str, question: str, values: list[str]) -> None:
    shape = Column(name, enum(*values), default=Default(f"'{values[0]}'"))
    adding = AddColumn("carts", shape, None)
    lines = (
        StepLine("steps.add_column", (Text("carts"), source_of(shape))),
        StepLine("steps.create_tables", tables=(Table("notes", (shape,)),)),
        Mark(question),
    )
    draft = Draft("1.1.0", "1.0.0", summary([adding, DropColumn("carts", name)]), lines, (), caution=f"{name}.")
    text = draft.source()
    assert text.encode("utf-8", "strict")
    assert all(character.isprintable() or character == "\n" for character in text)
    tree = ast.parse(text)
    said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert {name, *values, f"'{values[0]}'", f"{question}; then remove this line"} <= said
    compile(text, "002_x.py", "exec")
