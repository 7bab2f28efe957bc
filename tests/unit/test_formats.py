"""Output for programs: the same document as JSON, YAML and CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import wch
from wch_peewee.cli.output import RENDERERS

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
        {name: text for name, text in row.items() if text} for row in rows if any(row.values())
    ]


def test_csv_keeps_what_is_no_single_value_as_json() -> None:
    document = {"version": None, "applied": ("001",), "is_current": False, "rows": {"a": 1}}
    assert RENDERERS["csv"](document, [document]).splitlines() == [
        "version,applied,is_current,rows",
        ',"[""001""]",false,"{""a"": 1}"',
    ]


@pytest.mark.parametrize(
    "command", ["activate", "status", "check", "plan", "migrate", "rollback", "repair", "uninstall"]
)
def test_every_command_speaks_all_of_them(command: str, tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    wch("activate", database=url)
    options = ["--dry-run"] if command in ("rollback", "uninstall") else []
    document = json.loads(wch(command, *options, "--format=json", database=url).out)
    assert yaml.safe_load(wch(command, *options, "--format=yaml", database=url).out) == document
    (row,) = csv.DictReader(io.StringIO(wch(command, *options, "--format=csv", database=url).out))
    assert list(row) == list(document)
