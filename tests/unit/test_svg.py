"""The picture: valid XML, deterministic, complete, with the differences of a database marked."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import wch
from wch_peewee.models.namespace import our_names
from wch_peewee.models.tables import MODELS
from wch_peewee.schema.declared import logical_tables, physical_schema
from wch_peewee.schema.mermaid import draw, mark_differences
from wch_peewee.schema.objects import Column, Default, ForeignKey, Index, Schema, Table, bigint, enum, text, varchar
from wch_peewee.schema.svg import CHARACTER, place_boxes, svg_diagram

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "schema.svg"
OURS = physical_schema(logical_tables(MODELS), our_names("wp_"))
SVG = "{http://www.w3.org/2000/svg}"
ID = Column("id", bigint(unsigned=True), auto_increment=True)


def words(svg: str, style: str | None = None) -> list[str]:
    """Return the lines of a picture, or those of one class, with one blank between their words."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}text")
    return [
        " ".join("".join(n.itertext()).split()) for n in found if style is None or style in n.get("class", "").split()
    ]


def test_the_picture_in_the_documentation_is_what_the_command_prints() -> None:
    shown = wch("schema", "--format", "svg", "--quiet", database="sqlite:///nowhere.db").out
    assert PICTURE.read_text(encoding="utf-8") == shown, "wch schema --format svg --quiet > docs/schema.svg"
    assert not Path("nowhere.db").exists()
    assert "![The six tables](docs/schema.svg)" in (PICTURE.parents[1] / "README.md").read_text(encoding="utf-8")


def test_everything_is_in_it() -> None:
    svg = svg_diagram(OURS)
    shown = words(svg)
    for table in OURS:
        assert table.name in shown
        for column in table.columns:
            assert any(column.name in line.split() for line in shown)
    assert {"PK id bigint unsigned", "FK conversation_id bigint unsigned", "created_at datetime"} <= set(shown)
    assert "IX entity_type_id (entity_type, entity_id)" in shown
    assert "messages (conversation_id) refers to wp_wch_conversations" in svg.replace("wp_wch_messages", "messages")
    assert "prefers-color-scheme: dark" in svg
    assert words(svg, "missing") == words(svg, "extra") == []


def test_boxes_lie_apart_and_hold_their_texts() -> None:
    boxes = place_boxes(OURS)
    assert [box.table for box in boxes] == list(OURS)
    for box in boxes:
        for line in box.lines:
            assert (8 + box.names + len(line.words)) * CHARACTER <= box.width
            assert len(line.name) <= box.names or not line.words
        for other in boxes:
            apart_x = box.x + box.width < other.x or other.x + other.width < box.x
            apart_y = box.y + box.height < other.y or other.y + other.height < box.y
            assert box is other or apart_x or apart_y


NAMES = st.text(min_size=1, max_size=20)


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True), st.data())
def test_any_name_and_any_relation_makes_valid_xml(tables: list[str], data: st.DataObject) -> None:
    """Cycles, a table that refers to itself, a foreign table; names that XML cannot contain."""

    def drawn(name: str) -> Table:
        parents = data.draw(st.lists(st.sampled_from([*tables, "theirs"]), max_size=3, unique=True))
        own = Column(data.draw(NAMES), enum(data.draw(NAMES)), nullable=True, default=Default(data.draw(NAMES)))
        keys = tuple(ForeignKey((own.name,), parent) for parent in parents)
        return Table(name, (ID, own), indexes=(Index(own.name, ("id", own.name)),), foreign_keys=keys)

    schema = Schema(tuple(drawn(name) for name in tables))
    svg = svg_diagram(schema)
    assert svg == svg_diagram(schema)
    root = ElementTree.fromstring(svg)
    assert len(root.findall(f"{SVG}rect")) == len(tables)
    for live in (Schema(()), schema):
        ElementTree.fromstring(svg_diagram(*mark_differences(schema, live)))
        draw(*mark_differences(schema, live))


def test_drift_is_marked() -> None:
    key = ForeignKey(("owner",), "people")
    desired = Schema(
        (
            Table(
                "people", (ID, Column("name", varchar(40)), Column("gone", text())), indexes=(Index("n", ("name",)),)
            ),
            Table("pets", (ID, Column("owner", bigint(unsigned=True))), foreign_keys=(key,)),
            Table("plants", (ID,)),
        )
    )
    actual = Schema(
        (
            Table("people", (ID, Column("name", varchar(20), nullable=True), Column("theirs", text()))),
            Table("pets", (ID, Column("owner", bigint(unsigned=True))), indexes=(Index("mine", ("owner",)),)),
        )
    )
    svg, mermaid = svg_diagram(*mark_differences(desired, actual)), draw(*mark_differences(desired, actual))
    assert words(svg, "missing") == ["gone text", "missing", "IX n (name) missing", "plants (missing)"]
    assert words(svg, "differs") == ["IX name varchar(40)", "is varchar(20); is NULL"]
    assert words(svg, "extra") == ["theirs text", "not declared", "IX mine (owner) not declared"]
    assert re.search(r'<path class="missing" .*><title>pets \(owner\) refers to people \(missing\)', svg)
    assert 'varchar(40) name "is varchar(20); is NULL"' in mermaid
    assert 'text gone "missing"' in mermaid
    assert 'text theirs "not declared"' in mermaid
    assert 'plants["plants (missing)"] {' in mermaid
    assert 'people ||..o{ pets : "owner (missing)"' in mermaid
    assert "%% index n of people: missing" in mermaid
    assert "%% index mine of pets: not declared" in mermaid


def test_nothing_is_marked_where_all_is_as_declared() -> None:
    tables, marks = mark_differences(OURS, OURS)
    assert tables == OURS
    assert marks == {}
    assert draw(tables, marks) == draw(OURS)


def test_live_is_a_look_at_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    missing = words(wch("schema", "--format", "svg", "--live").out, "title")
    assert len([title for title in missing if title.endswith("(missing)")]) == 6
    wch("activate")
    clean = wch("schema", "--format", "svg", "--live").out
    assert [words(clean, style) for style in ("missing", "differs", "extra")] == [[], [], []]
    with sqlite3.connect("wch.db") as connection:
        connection.execute("ALTER TABLE wp_wch_carts DROP COLUMN items")
    connection.close()
    assert words(wch("schema", "--format", "svg", "--live").out, "missing")[0].startswith("items ")
    assert 'items "NULL; missing"' in wch("schema", "--format", "mermaid", "--live").out
    result = wch("schema", "--live")
    assert (result.code, "--format mermaid or svg" in result.err) == (64, True)
