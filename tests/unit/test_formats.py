"""Output for programs: the same document as JSON, YAML and CSV."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import wch
from wch_peewee.cli.output import RENDERERS

texts_everywhere = st.dictionaries(st.text(), st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
scalars = st.none() | st.booleans() | st.integers() | st.integers(-1000, 1000).map(lambda n: n / 4) | st.text()
keys = st.text(min_size=1, max_size=8)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


@given(st.dictionaries(keys, values, min_size=1, max_size=5))
def test_yaml_says_what_json_says(document: dict[str, Any]) -> None:
    expected = json.loads(RENDERERS["json"](document, [document]))
    assert yaml.safe_load(RENDERERS["yaml"](document, [document])) == expected


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from("abc"),
            st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"])),
            min_size=1,
        ),
        min_size=1,
    )
)
def test_csv_has_a_line_for_each_row(rows: list[dict[str, str]]) -> None:
    read = list(csv.DictReader(io.StringIO(RENDERERS["csv"]({}, rows) + "\n")))
    assert [{name: text for name, text in row.items() if text} for row in read if any(row.values())] == [
        {name: harmless(text) for name, text in row.items() if text} for row in rows if any(row.values())
    ]


def harmless(text: str) -> str:
    """Return the text as CSV holds it: what a spreadsheet would take for a formula begins with an apostrophe."""
    is_number = re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text)
    return f"'{text}" if text[:1] in tuple("=+-@＝＋－＠") and not is_number else text


@given(texts_everywhere, st.sampled_from(sorted(RENDERERS)))
def test_no_format_holds_a_character_that_a_terminal_obeys(document: dict[str, Any], name: str) -> None:
    out = RENDERERS[name](document, [document])
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+49 170", "'+49 170"),
        ("-x", "'-x"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "\\r=1"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("-12.5", "-12.5"),
        ("+49170", "+49170"),
        (-5, "-5"),
        (-0.25, "-0.25"),
        ("a=b", "a=b"),
    ],
)
def test_a_cell_is_no_formula_and_a_number_stays_one(value: object, cell: str) -> None:
    ((read,),) = csv.reader(io.StringIO(RENDERERS["csv"]({}, [{"a": value}]).partition("\n")[2] + "\n"))
    assert read == cell


HOSTILE = "x\x1b[2J\x07\r\u2028=1"


def test_nothing_in_a_database_reaches_the_terminal_as_it_is(tmp_path: Path) -> None:
    """The version, a history, names of columns, triggers and of the file, in each command and format."""
    path = tmp_path / f"{HOSTILE}.db"
    url = f"sqlite:///{quote(str(path))}"
    wch("activate", database=url)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f'ALTER TABLE wp_wch_carts ADD COLUMN "{HOSTILE}" INT')
        connection.execute(f'CREATE TRIGGER "{HOSTILE}" AFTER DELETE ON wp_wch_carts BEGIN SELECT 1; END')
        connection.execute("DROP INDEX wp_wch_messages_created_at")
        connection.execute("UPDATE wp_options SET option_value = ?", (HOSTILE,))
        connection.execute("INSERT INTO wp_wch_migratehistory (name, migrated_at) VALUES (?, '')", (f"999_{HOSTILE}",))
    before = path.read_bytes()
    for command in ("status", "check", "plan", "doctor", "activate", "repair", "rollback", "schema"):
        formats = ("sql", "mermaid", "svg", "json") if command == "schema" else ("table", "json", "csv", "yaml")
        for name in formats:
            live = ["--live"] if name in ("mermaid", "svg") else []
            result = wch(command, "--format", name, *live, database=url, answer="no\n")
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", result.text), (command, name)
            path.write_bytes(before)


def test_csv_joins_texts_and_keeps_other_values_as_json() -> None:
    document = {"version": None, "applied": ("001", "002"), "is_current": False, "rows": {"a": 1}, "sizes": [1]}
    assert RENDERERS["csv"](document, [document], ()).splitlines() == [
        "version,applied,is_current,rows,sizes",
        ',001; 002,false,"{""a"": 1}",[1]',
    ]


@pytest.mark.parametrize(
    "command", ["activate", "status", "check", "plan", "migrate", "rollback", "repair", "uninstall"]
)
def test_every_command_speaks_all_of_them(command: str, tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    wch("activate", database=url)
    # Nothing is newer than that, so that each has one row.
    options = {"rollback": ["--dry-run", "--to", "1.0.0"], "uninstall": ["--dry-run"]}.get(command, [])
    document = json.loads(wch(command, *options, "--format=json", database=url).out)
    assert yaml.safe_load(wch(command, *options, "--format=yaml", database=url).out) == document
    rows = csv.DictReader(io.StringIO(wch(command, *options, "--format=csv", database=url).out))
    if command in ("check", "plan", "rollback"):  # lists, which are empty here
        assert (list(rows), "table" in (rows.fieldnames or ())) == ([], True)
    else:
        assert [list(row) for row in rows] == [list(document)]


def test_the_formats_and_fields_of_a_list(tmp_path: Path) -> None:
    """As wp-cli has them; a value of CSV is one cell, and an empty list has the names of its columns."""
    url = f"sqlite:///{tmp_path}/x.db"
    wch("activate", database=url)
    assert wch("check", "--format=count", database=url).out == "0\n"
    assert wch("check", "--format=ids", database=url).out == "\n"
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("DROP INDEX wp_wch_messages_created_at")
        connection.execute("DROP INDEX wp_wch_carts_expires_at")
        connection.execute("DROP INDEX wp_wch_carts_customer_phone")
    assert wch("check", "--format=count", database=url).out == "3\n"
    assert sorted(wch("check", "--format=ids", database=url).out.split()) == ["wp_wch_carts", "wp_wch_messages"]
    found = wch("check", "--format=json", database=url).json["differences"]
    chosen = wch("check", "--format=json", "--fields=kind,what", database=url)
    assert (chosen.code, chosen.json) == (1, [{"kind": one["kind"], "what": one["what"]} for one in found])
    assert yaml.safe_load(wch("check", "--format=yaml", "--fields=kind,what", database=url).out) == chosen.json
    lines = wch("check", "--fields=table", database=url).out.split()
    assert lines == ["table", *(one["table"] for one in found)]
    rows = list(csv.DictReader(io.StringIO(wch("check", "--format=csv", database=url).out)))
    assert [row["statements"] for row in rows] == ["; ".join(one["statements"]) for one in found]
    assert wch("plan", "--format=ids", "--fields=table", database=url).out.split() == [*dict.fromkeys(lines[1:])]
    assert wch("status", "--history", "--format=ids", "--fields=name", database=url).out == "001_initial_schema\n"


def test_a_field_that_a_list_does_not_have(tmp_path: Path) -> None:
    result = wch("doctor", "--fields=name,stat", database=f"sqlite:///{tmp_path}/x.db")
    assert (result.code, result.out) == (64, "")
    assert "--fields: 'stat' is not a field of this list; choose from name, state, found, advice." in result.err
    for option in ("--fields=a", "--format=ids"):
        assert wch("activate", option, database=f"sqlite:///{tmp_path}/x.db").code == 64
