"""The diagram follows Mermaid's grammar, for every prefix; see erDiagram.jison in mermaid's sources."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wch_peewee.models.namespace import our_names
from wch_peewee.models.tables import MODELS
from wch_peewee.schema.declared import logical_tables, physical_schema
from wch_peewee.schema.mermaid import draw
from wch_peewee.schema.objects import Column, Default, ForeignKey, Index, Schema, Table, bigint, enum, varchar

ENTITY = r'(?:[A-Za-z_]\w*|"[^"%\\\r\n\v\b]+")'
WORD = r"[A-Za-z_*][A-Za-z0-9\-_\[\]()]*"
HEAD = re.compile(rf"    {ENTITY} \{{", re.ASCII)
ATTRIBUTE = re.compile(rf'        {WORD} {WORD}( (PK|FK|UK)(, (PK|FK|UK))*)?( "[^"]*")?', re.ASCII)
RELATIONSHIP = re.compile(rf'    {ENTITY} (\|\||\|o)--(o\{{|o\|) {ENTITY} : "[^"]+"', re.ASCII)


def check_grammar(diagram: str) -> None:
    first, *lines = diagram.splitlines()
    assert first == "erDiagram"
    inside = False
    for line in lines:
        if inside and line == "    }":
            inside = False
        elif inside:
            assert ATTRIBUTE.fullmatch(line), line
        elif HEAD.fullmatch(line):
            inside = True
        else:
            assert RELATIONSHIP.fullmatch(line), line
    assert not inside


@pytest.mark.parametrize("prefix", ["wp_", "", "1_", "_", "wp_2_", "style", "END_"])
def test_the_models_make_a_valid_diagram(prefix: str) -> None:
    diagram = draw(physical_schema(logical_tables(MODELS), our_names(prefix)))
    check_grammar(diagram)
    assert diagram.count("{\n") == len(MODELS)
    assert f"{prefix}wch_sync_queue" in diagram


def test_an_entity_that_begins_with_a_digit_is_quoted() -> None:
    assert '    "1_wch_carts" {' in draw(physical_schema(logical_tables(MODELS), our_names("1_")))


def test_the_foreign_key_is_drawn_from_parent_to_child() -> None:
    line = 'wp_wch_conversations ||--o{ wp_wch_messages : "conversation_id"'
    assert draw(physical_schema(logical_tables(MODELS), our_names("wp_"))).splitlines()[-1].strip() == line


def test_what_does_not_fit_the_grammar_goes_into_the_comment() -> None:
    table = Table(
        "odd",
        columns=(
            Column("id", bigint(unsigned=True)),
            Column("size", enum("small", 'very "big"'), default=Default('very "big"')),
            Column("parent", bigint(unsigned=True), nullable=True),
            Column("code", varchar(7)),
        ),
        indexes=(Index("parent", ("parent",), unique=True),),
        foreign_keys=(ForeignKey(("parent",), "odd"),),
    )
    diagram = draw(physical_schema([table], our_names("")))
    check_grammar(diagram)
    assert [line.strip() for line in diagram.splitlines()[2:6]] == [
        "bigint_unsigned id PK",
        "enum size \"small, very #34;big#34;; default 'very #34;big#34;'\"",
        'bigint_unsigned parent FK, UK "NULL"',
        "varchar(7) code",
    ]
    assert diagram.splitlines()[-1].strip() == 'wch_odd |o--o| wch_odd : "parent"'


def decoded(text: str) -> str:
    """Read Mermaid's entity codes, as it does when it draws."""
    return re.sub(r"#(\d+);", lambda match: chr(int(match[1])), text)


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1))
def test_any_name_stays_in_its_quotes_and_can_be_read_back(
    name: str, column: str, parent: str, values: list[str]
) -> None:
    table = Table(
        name,
        columns=(Column("id", bigint()), Column(column, enum(*values), default=Default(values[0]))),
        indexes=(Index(name, (column,)),),
        foreign_keys=(ForeignKey((column,), parent, name="key"),),
    )
    diagram = draw(Schema((table,)), {(name, table.indexes[0]): "not declared"})
    lines = [line for line in diagram.split("\n") if not line.startswith("    %% ")]
    assert all(character.isprintable() for line in lines for character in line)
    check_grammar("\n".join(lines))
    assert not re.search(r"%%|\\", "".join(lines))
    assert decoded(lines[1]).strip().removesuffix(" {").strip('"') == name.strip('"') or '"' in name
    comment = decoded(lines[3].partition(' "')[2].rpartition('"')[0])
    assert all(value in comment for value in values)
    assert column in comment or f" {column}" in lines[3]
    assert f'"{"".join(decoded(lines[-2]).partition(" : ")[2])}"'.count(column) >= 1
    remark = next(line for line in diagram.split("\n") if line.startswith("    %% "))
    assert "%%{" not in remark
