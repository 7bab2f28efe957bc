"""Rows and their marks, and the table in its three forms."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.report import as_document, as_markdown, as_text, measured, number, shown, summary, titled
from benchmarks.rows import Mark, Row
from benchmarks.samples import Sample

FAST, SLOW = Sample((0.010, 0.011, 0.012)), Sample((0.020, 0.022, 0.030))
ROW = Row(
    "reading",
    "sqlite 3.40",
    "ms",
    SLOW,
    FAST,
    Mark(1.5),
    peers={"toy": Sample((0.5,)), "gone": "no | versions", "lost": "no | versions"},
    note="floor: the driver",
)
ROWS = [
    ROW,
    Row("starting", "sqlite 3.40", "ms", SLOW, FAST, Mark(0.030, above=True)),
    Row("reading", "mariadb 11.8", "ms", FAST, FAST, Mark(1.5), note="floor: the driver"),
    Row("memory", "mariadb 11.8", "MiB", Sample((3 * 2**20,)), Sample((2 * 2**20,))),
    Row("upgrade", "mariadb 11.8", "s", SLOW),
]


def test_a_mark_is_about_the_rounds() -> None:
    assert (ROW.measure, ROW.reached) == (Sample((2.0, 0.022 / 0.011, 2.5)), False)
    assert (ROWS[1].measure, ROWS[1].reached) == (Sample((0.010, 0.011, 0.018)), True)
    assert ROWS[2].reached
    assert (ROWS[3].measure, ROWS[3].reached) == (Sample((1.5,)), None)
    assert (ROWS[4].measure, ROWS[4].reached) == (None, None)
    assert [str(mark) for mark in (Mark(1.5), Mark(0.030, above=True))] == ["1.5 x", "+30 ms"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567.8, "1,234,568"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123"), (0, "0")],
)
def test_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_time_and_its_spread() -> None:
    assert shown(SLOW, "ms") == "22.0 ms (20.0 to 30.0)"
    assert shown(Sample((2.0,)), "s") == "2.00 s"
    assert measured(ROW) == "2.00 x (2.00 to 2.50)"
    assert measured(ROWS[1]) == "+11.0 ms (10.0 to 18.0)"
    assert measured(ROWS[4]) == ""


def test_text() -> None:
    assert as_text(ROWS) == (
        "reading\n"
        "  floor: the driver\n"
        "                ours                    floor                                          mark\n"
        "  sqlite 3.40   22.0 ms (20.0 to 30.0)  11.0 ms (10.0 to 12.0)  2.00 x (2.00 to 2.50)  1.5 x MISSED\n"
        "      toy: 500 ms\n"
        "      gone, lost: no | versions\n"
        "  mariadb 11.8  11.0 ms (10.0 to 12.0)  11.0 ms (10.0 to 12.0)  1.00 x (1.00 to 1.00)  1.5 x ok\n"
        "\n"
        "starting\n"
        "               ours                    floor                                            mark\n"
        "  sqlite 3.40  22.0 ms (20.0 to 30.0)  11.0 ms (10.0 to 12.0)  +11.0 ms (10.0 to 18.0)  +30 ms ok\n"
        "\n"
        "memory\n"
        "                ours      floor             mark\n"
        "  mariadb 11.8  3.00 MiB  2.00 MiB  1.50 x\n"
        "\n"
        "upgrade\n"
        "                ours                    floor    mark\n"
        "  mariadb 11.8  0.022 s (0.02 to 0.03)\n"
    )


def test_markdown() -> None:
    lines = as_markdown(ROWS).splitlines()
    assert lines[2] == (
        "| reading | sqlite 3.40 | 22.0 ms (20.0 to 30.0) | 11.0 ms (10.0 to 12.0) | 2.00 x (2.00 to 2.50) "
        "| 1.5 x MISSED | toy: 500 ms; gone, lost: no \\| versions |"
    )
    assert lines[3].startswith("|  | mariadb 11.8 | 11.0 ms")
    assert lines[-2:] == ["", "- reading: floor: the driver"]
    assert {line.replace("\\|", "").count("|") for line in lines if line.startswith("|")} == {8}


def test_notes_that_differ_say_whose_they_are() -> None:
    other = replace(ROWS[2], note="floor: something else")
    assert as_text([ROW, other]).splitlines()[1:3] == [
        "  sqlite 3.40: floor: the driver",
        "  mariadb 11.8: floor: something else",
    ]
    last = as_markdown([ROW, other]).splitlines()[-1]
    assert last == "- reading: sqlite 3.40: floor: the driver. mariadb 11.8: floor: something else"


def test_json_holds_every_value() -> None:
    document = json.loads(json.dumps(as_document(ROWS, machine={"cores": 2})))
    assert document["machine"] == {"cores": 2}
    first = document["rows"][0]
    assert first["ours"]["values"] == [0.020, 0.022, 0.030]
    assert (first["mark"], first["reached"], first["unit"]) == ("1.5 x", False, "seconds")
    assert first["peers"]["gone"] == "no | versions"
    assert first["peers"]["toy"]["median"] == 0.5
    assert document["rows"][3]["unit"] == "bytes"
    assert document["rows"][4]["floor"] is None


def test_how_many_marks() -> None:
    assert summary(ROWS) == "2 of 3 marks are reached."


def test_peers_as_people_call_them() -> None:
    assert list(titled(ROWS, {"toy": "Toy 1.2"})[0].peers) == ["Toy 1.2", "gone", "lost"]
