"""What models declare with peewee's own fields, and what is refused because one engine or another does not keep it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import peewee as pw
import pytest

from tests.support.own_models import CASES, own_model
from wch_peewee import BaseModel, ConfigurationError, InvalidValue, Namespace, Plugin
from wch_peewee.models.fields import ColumnField, VarcharField
from wch_peewee.schema.declared import logical_tables
from wch_peewee.schema.objects import Default, Table


def table(**members: Any) -> Table:
    return logical_tables([own_model("things", **members)])[0]


@pytest.mark.parametrize("name", CASES)
def test_a_field_declares_what_peewee_would_create_on_mysql(name: str) -> None:
    column = table(value=CASES[name].make(null=True)).column("value")
    assert column is not None
    assert (str(column.type), column.nullable) == (CASES[name].type, True)


@pytest.mark.parametrize(
    ("constraint", "default"),
    [
        ("DEFAULT 5", Default("5")),
        ("default -1.50", Default("-1.50")),
        ("DEFAULT 'it''s'", Default("it's")),
        ("DEFAULT ''", Default("")),
        ("DEFAULT TRUE", Default("1")),
        ("DEFAULT NULL", None),
        ("DEFAULT CURRENT_TIMESTAMP", Default("current_timestamp", is_expression=True)),
        ("DEFAULT current_timestamp(6)", Default("current_timestamp", is_expression=True)),
    ],
)
def test_a_default_of_the_server(constraint: str, default: Default | None) -> None:
    column = table(value=pw.CharField(null=True, constraints=[pw.SQL(constraint)])).column("value")
    assert column is not None
    assert column.default == default


class Other(pw.Model):
    pass


def composite() -> Any:
    key = type("Meta", (), {"primary_key": pw.CompositeKey("a", "b")})
    return own_model("pairs", a=pw.IntegerField(), b=pw.IntegerField(), Meta=key)


def meta(**options: Any) -> type:
    return type("Meta", (), options)


class Several(pw.IntegerField):
    """A field whose type is put together, as that of an array of Postgres is."""

    def ddl_datatype(self, ctx: pw.Context) -> pw.Node:
        return pw.NodeList((pw.SQL("INT"), pw.SQL("[]")), glue="")


ALPHABET = "abcdefghijklmnopq"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no type": ({"v": pw.BareField()}, "Things.v is a BareField"),
    "any type": ({"v": pw.AnyField()}, "Things.v is a AnyField"),
    "a type of one engine": ({"v": type("Point", (pw.Field,), {"field_type": "POINT"})()}, "Things.v is a Point"),
    "a type of several parts": ({"v": Several()}, "Things.v is a Several"),
    "a type of Postgres": ({"id": pw.IdentityField()}, "Things.id is a IdentityField"),
    "text without a length": ({"v": pw.CharField(max_length=None)}, "Things.v is a CharField"),
    "a foreign key to come": ({"v": pw.DeferredForeignKey("Nowhere")}, "Things.v is a DeferredForeignKey"),
    "a check": ({"v": pw.IntegerField(constraints=[pw.Check("v > 0")])}, "has the constraint CHECK (v > 0)"),
    "an expression": ({"v": pw.CharField(constraints=[pw.SQL("DEFAULT (uuid())")])}, "the constraint DEFAULT (uuid())"),
    "a text's default": ({"v": pw.TextField(constraints=[pw.SQL("DEFAULT ''")])}, "has the constraint DEFAULT ''"),
    "bytes as default": ({"v": ColumnField("binary(2)", default=b"ab")}, "has a default of bytes"),
    "a collation": ({"v": pw.CharField(collation="utf8mb4_bin")}, "has collation='utf8mb4_bin'"),
    "a timestamp": ({"v": ColumnField("timestamp")}, "is a timestamp NOT NULL without a default"),
    "too long": ({"v": pw.CharField(20000)}, "is varchar(20000): 16383 is the most"),
    "too many digits": ({"v": pw.DecimalField(10, 11)}, "is decimal(10,11): at most 30 digits"),
    "a blank that is cut": ({"v": ColumnField("enum('a','b ')")}, "servers cut the blank at the end of 'b '"),
    "members in two cases": ({"v": ColumnField("enum('a','A')")}, "servers take 'A' for 'a'"),
    "members but for an accent": ({"v": ColumnField("enum('a','ä')")}, "servers take 'ä' for 'a'"),
    "an index of a text": ({"v": pw.TextField(index=True)}, "Things.v is too long for an index of MySQL (v)"),
    "a long index": (
        {"a": pw.IntegerField(), "v": pw.CharField(800), "Meta": meta(indexes=((("a", "v"), True),))},
        "Things.v is too long for an index of MySQL (a_v)",
    ),
    "a primary key of text": ({"v": pw.TextField(primary_key=True)}, "Things.v is too long for an index of MySQL"),
    "a constraint of the table": ({"Meta": meta(constraints=[pw.Check("1")])}, "has Meta.constraints"),
    "another schema": ({"Meta": meta(schema="other")}, "has Meta.schema = 'other'"),
    "an index with a condition": (
        {"v": pw.IntegerField(), "Meta": meta(indexes=[pw.SQL("CREATE INDEX x ON y (z) WHERE z > 1")])},
        "expected (('one', 'other'), unique)",
    ),
    "an index of nothing": ({"v": pw.IntegerField(), "Meta": meta(indexes=((("w",), True),))}, "has the index"),
    "two names in two cases": ({"v": pw.IntegerField(), "w": pw.IntegerField(column_name="V")}, "is that of v"),
    "a key to no table of ours": ({"v": pw.ForeignKeyField(Other)}, "is not one column"),
    "a key to two columns": ({"v": pw.ForeignKeyField(composite())}, "whose key is not one column"),
    "an action that is none": ({"v": pw.ForeignKeyField("self", on_delete="SET DEFAULT")}, "the action SET DEFAULT"),
    "NULL into NOT NULL": ({"v": pw.ForeignKeyField("self", on_delete="SET NULL")}, "and has the action SET NULL"),
    "too many columns": (
        {f"c{n}": ColumnField("tinyint") for n in range(1017)}, "Things has 1,018 columns; servers take at most 1,017."
    ),
    "a row that is too long": (
        {"v": pw.BigIntegerField(), **{f"c{n}": pw.CharField(4095) for n in range(4)}},
        "Things has 65,540 bytes in a row; servers take at most 65,535.",
    ),
    "a page of MariaDB": ({f"c{n}": pw.CharField(63) for n in range(33)}, "has 8,371 bytes that a row keeps in its pa"),
    "a page of MySQL": ({f"c{n}": pw.TextField() for n in range(198)}, "has 8,140 bytes that a row keeps in its page"),
    "too many indexes": ({f"c{n}": pw.IntegerField(index=True) for n in range(64)}, "has 65 keys, the primary one inc"),
    "an index of too many": (
        {**{n: pw.DateField() for n in ALPHABET}, "Meta": meta(indexes=(((*ALPHABET,), False),))},
        "has 17 columns in the index a_b_c_d_e_f_g_h_i_j_k_l_m_n_o_p_q; servers take at most 16.",
    ),
    "a long name": ({"v": pw.DateField(column_name="v" * 65)}, f"has the name {'v' * 65!r}; servers take 1 to 64 "),
    "a blank behind a name": ({"v": pw.DateField(column_name="v ")}, "has the name 'v '; servers take 1 to 64 charac"),
    "a name of MySQL's own": ({"primary": pw.DateField(index=True)}, "has an index called primary, which servers keep"),
    "a plain and a unique index": (
        {"v": pw.DateField(unique=True), "Meta": meta(indexes=((("v",), False),))}, "has the indexes v and v (v); expec"
    ),
    "a column twice in an index": (
        {"v": pw.DateField(), "Meta": meta(indexes=((("v", "v"), False),))}, "has the index v_v (v, v); expected each"
    ),
    "a key to what is not unique": (
        {"name": pw.IntegerField(), "v": pw.ForeignKeyField("self", field="name")}, "Things.name, which is not unique"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_kept_is_refused_when_the_plugin_is_made(what: str) -> None:
    members, words = REFUSED[what]
    model = own_model("things", **members)
    with pytest.raises(ConfigurationError) as refused:
        Plugin(pw.SqliteDatabase(":memory:"), models=[model])
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_default_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"Things.v: .* would be rounded"):
        table(v=pw.DecimalField(5, 1, default=0.25))


def test_two_models_of_one_table_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Two models have the Meta\.table_key 'things'"):
        Plugin(pw.SqliteDatabase(":memory:"), models=[own_model("things"), own_model("things")])


def test_a_key_to_a_table_that_is_named_as_one_of_ours_is_refused() -> None:
    """No migration could tell it from a table of ours."""
    made = {}
    for name, space in (("Thing", "shop_pro"), ("Other", "shop")):
        options = {"namespace": Namespace(space), "table_key": name.lower()}
        made[name] = type(name, (BaseModel,), {"Meta": type("Meta", (), options)})

    def line(space: str, parent: str) -> Any:
        options = {"namespace": Namespace(space), "table_key": "lines"}
        members = {"v": pw.ForeignKeyField(made[parent], backref="+"), "Meta": type("Meta", (), options)}
        return type("Line", (BaseModel,), members)

    with pytest.raises(
        ConfigurationError, match=r"Line\.v refers to shop_pro_thing, which by its name is a table of shop,"
    ):
        logical_tables([line("shop", "Thing")])
    (fine,) = logical_tables([line("shop_pro", "Other")])
    assert fine.foreign_keys[0].referenced_table == "{prefix}shop_other"


def test_a_type_that_is_none_is_refused_at_once() -> None:
    for type_ in ("point", "varchar", "enum", "set('a')", "decimal(a)"):
        with pytest.raises(ConfigurationError, match="expected a type that every engine can keep"):
            ColumnField(type_)


def test_patterns_and_arithmetic_are_no_values_of_the_column() -> None:
    model = own_model("things", name=pw.CharField(3), price=pw.DecimalField(4, 2), small=pw.SmallIntegerField())
    database = pw.SqliteDatabase(":memory:")
    model.bind(database)
    database.create_tables([model])
    with contextlib.closing(database):
        model.create(name="abc", price=1, small=5)
        assert model.select().where(model.name.contains("abc"), model.name % "*abc*").count() == 1
        assert model.select((model.name + "-long").alias("x")).get().x == "abc-long"
        assert model.select((model.small + 100000).alias("x")).get().x == 100005
        assert model.select((model.price * 1.005).alias("x")).scalar() == pytest.approx(1.005)


def test_fields_of_ours_stay_what_they_are() -> None:
    model = own_model("things", ours=VarcharField(5), plain=pw.CharField(5))
    assert type(model._meta.fields["ours"]) is VarcharField
    assert isinstance(model._meta.fields["plain"], pw.CharField)


PAGE = (Path(__file__).parents[2] / "docs" / "field-types.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `((?:pw\.|ColumnField).*?)` \| `(.+?)` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("field", "type_"), ROWS)
def test_the_page_says_which_column_a_field_has(field: str, type_: str) -> None:
    made = eval(field, {"pw": pw, "ColumnField": ColumnField})
    members = {"id" if isinstance(made, pw.AutoField) else "value": made}
    assert [str(c.type) for c in table(**members).columns if c.name in members] == [type_]


def test_the_page_has_every_type() -> None:
    assert {case.type.partition("(")[0].removesuffix(" unsigned") for case in CASES.values()} <= set(
        re.findall(r"[a-z]+", PAGE)
    )


@pytest.mark.parametrize("namespace", ["shop", None, 5])
def test_a_namespace_is_a_value_of_its_class(namespace: object) -> None:
    with pytest.raises(ConfigurationError, match=r"Things has Meta\.namespace = .*; expected a Namespace"):
        type("Things", (BaseModel,), {"Meta": meta(namespace=namespace, table_key="things")})


@pytest.mark.parametrize("field", [pw.UUIDField, pw.BinaryUUIDField, pw.IPField, pw.TimestampField])
def test_what_peewee_cannot_convert_is_a_wrong_value(field: type[pw.Field[object]]) -> None:
    model = own_model("things", v=field(null=True))
    with pytest.raises(InvalidValue, match=r"Things\.v: 'nonsense'"):
        model(v="nonsense")._meta.fields["v"].db_value("nonsense")
