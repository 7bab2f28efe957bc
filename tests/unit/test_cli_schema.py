"""``wch schema``: the declared schema in three formats."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.support.command import wch

NAMES = ["conversations", "messages", "carts", "customer_profiles", "broadcast_campaigns", "sync_queue"]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_sql_is_what_activate_makes() -> None:
    wch("activate")
    made, written = sqlite3.connect("wch.db"), sqlite3.connect(":memory:")
    written.executescript(wch("schema", "--quiet").out)
    query = "SELECT name, sql FROM sqlite_master WHERE sql LIKE ? ORDER BY name"
    for name in NAMES:
        pattern = f'CREATE % "wp_wch_{name}" (%'
        rows = written.execute(query, [pattern]).fetchall()
        assert rows
        assert rows == made.execute(query, [pattern]).fetchall()
    made.close()
    written.close()


@pytest.mark.parametrize(
    ("flavor", "words"), [("mysql", "ENGINE=InnoDB"), ("mariadb", "ENGINE=InnoDB"), ("sqlite", "json_valid")]
)
def test_an_engine_needs_no_server(flavor: str, words: str) -> None:
    result = wch("schema", "--engine", flavor, "--prefix", "x_", database="mysql://nobody@127.0.0.1:1/none")
    assert result.code == 0
    assert result.out.count("CREATE TABLE") == 6
    assert words in result.out
    assert "x_wch_carts" in result.out


def test_json_says_everything_that_is_declared() -> None:
    schema = wch("--format", "json", "schema").json
    assert [table["key"] for table in schema["tables"]] == NAMES
    messages = schema["tables"][1]
    assert messages["name"] == "wp_wch_messages"
    assert messages["columns"][2] == {
        "name": "direction",
        "type": "enum",
        "size": None,
        "scale": None,
        "unsigned": False,
        "values": ["inbound", "outbound"],
        "nullable": False,
        "default": None,
        "auto_increment": False,
    }
    assert messages["indexes"][0] == {"name": "wa_message_id", "columns": ["wa_message_id"], "unique": True}
    (key,) = messages["foreign_keys"]
    assert (key["referenced_table"], key["on_delete"]) == ("wp_wch_conversations", "CASCADE")


def test_mermaid_and_its_shorthand() -> None:
    result = wch("schema", "--format", "mermaid")
    assert result.out.startswith("erDiagram\n")
    assert wch("schema", "--format", "table").code == 64
