"""The benchmarks run, with small amounts; their figures are not checked here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.__main__ import FIGURES, main
from tests.support.databases import LiveDatabase
from wch_peewee import DatabaseManager

ROOT = Path(__file__).resolve().parents[2]

#: What each figure is called, or begins with.
NAMES = {
    "admin_init": ["admin_init, nothing to do"],
    "cold": ["import wch_peewee", "first admin_init"],
    "activate": ["activate() on an empty database"],
    "verification": ["activate() when everything is there", "the same beside"],
    "large_tables": ["add_column", "a longer enum", "a wider varchar", "a whole upgrade"],
    "backfill": ["fill_column over", "the readers' p99", "a reader's longest wait"],
    "network": ["activate() of a network", "check of a network"],
    "bulk": ["insert_many", "reading"],
    "jobs": ["Message.ingest", "SyncQueueItem.claim(10), complete"],
    "memory": ["peak memory of a check", "peak memory of fill_column", "peak memory of change_rows"],
}


def test_every_figure_in_small_amounts(tmp_path: Path) -> None:
    document, table = tmp_path / "out" / "latest.json", tmp_path / "table.md"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--quick", "--engines", "sqlite", "--no-peers"),
            *("--json", str(document), "--markdown", str(table)),
        ],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "WCH_TEST_SERVERS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(document.read_text())
    figures = [row["figure"] for row in found["rows"]]
    assert NAMES.keys() == set(FIGURES) == found["seconds"]["sqlite"].keys()
    for names in NAMES.values():
        for name in names:
            assert any(figure.startswith(name) for figure in figures), name
    for row in found["rows"]:
        assert row["ours"]["values"], row
        assert row["figure"] in done.stdout
        assert row["figure"] in table.read_text()
    assert found["machine"]["cores"] >= 1
    assert found["engines"]["sqlite"]["version"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "table.md"], "something was left behind"


@pytest.mark.parametrize("sites", [1, 7, 30, 50])
def test_a_network_of_any_size_is_measured(sites: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the floor's sites do not divide it evenly."""
    monkeypatch.setenv("WCH_TEST_SERVERS", "")
    document = tmp_path / "latest.json"
    arguments = f"--figures network --sites {sites} --engines sqlite --no-peers --json {document}"
    assert main(arguments.split()) == 0
    found = json.loads(document.read_text())
    assert found["rows"][0]["figure"] == f"activate() of a network of {sites} sites, for each"


def test_errors_in_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WCH_TEST_SERVERS", "gone=mysql://root@127.0.0.1:1")
    assert main(["--engines", "gone", "--no-peers"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    for arguments, words in (
        (["--figures", "bulk,speed"], "no figure is called speed"),
        (["--sites", "0"], "'0' is no number of sites; expected 1 or more"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert words in capsys.readouterr().err


@pytest.mark.families("mysql", "mariadb")
def test_figures_of_a_large_table_in_small(database: LiveDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    scale.main([database.url, "--rows", "2000"])
    out = capsys.readouterr().out
    assert {line.split()[0] for line in out.splitlines()} == scale.FIGURES.keys()
    assert DatabaseManager(database.url).plan().is_empty
