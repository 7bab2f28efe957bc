"""The command as a process of its own: pipes, terminals, signals, completion."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WCH = [sys.executable, "-m", "wch_peewee"]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WCH_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **more}


def start(*arguments: str, folder: Path, mortal: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    # A shell starts what it sends to the background deaf to Ctrl-C, and children inherit that.
    return subprocess.Popen(
        [*mortal, *WCH, *arguments], cwd=folder, text=True, env=environment(), preexec_fn=_heed_ctrl_c, **streams
    )


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in (err or "")
    assert "Exception ignored" not in (err or "")
    return process.returncode, out or "", err or ""


def test_results_go_to_stdout_and_the_target_to_stderr(tmp_path: Path) -> None:
    code, out, err = finish(start("activate", folder=tmp_path))
    assert code == 0
    assert out.endswith("Success: Installed version 1.0.0.\n")
    assert err.splitlines()[0] == "Database: sqlite:///wch.db (prefix wp_)"
    assert finish(start("activate", folder=tmp_path))[:2] == (
        0,
        "Success: Already up to date (version 1.0.0).\n",
    )


def test_version(tmp_path: Path) -> None:
    code, out, _ = finish(start("--version", folder=tmp_path))
    assert code == 0
    assert out.startswith("wch ")
    assert "(schema 1.0.0, migrations in " in out


@pytest.mark.parametrize("command", ["plan", "status", "schema"])
def test_a_reader_who_goes_away_changes_nothing(command: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(command, "--quiet", folder=tmp_path, stdout=writing)
    os.close(writing)
    assert finish(process) == (1 if command == "status" else 0, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_result_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        code, _, err = finish(start("status", "--format", "json", "--quiet", folder=tmp_path, stdout=full))
    assert code == 2
    assert err.startswith("Error: OSError: ")
    assert len(err.splitlines()) == 1


def test_completion_offers_commands_and_options(tmp_path: Path) -> None:
    def complete(words: str, position: int) -> list[str]:
        asked = {"_WCH_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        done = subprocess.run(WCH, cwd=tmp_path, env=environment(**asked), capture_output=True, text=True, check=False)
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert complete("wch un", 1) == ["uninstall"]
    assert "--timeout" in complete("wch activate --t", 2)
    assert complete("wch schema --format m", 3) == ["mermaid"]


def test_completion_of_paths_is_the_shells(tmp_path: Path) -> None:
    for words, position in (("wch --wordpress s", 2), ("wch plan --migrations m", 3), ("wch check --migrations m", 3)):
        asked = {"_WCH_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        done = subprocess.run(WCH, cwd=tmp_path, env=environment(**asked), capture_output=True, text=True, check=False)
        assert done.stdout.startswith("file,")


def test_help_is_a_word_as_well(tmp_path: Path) -> None:
    def said(*words: str) -> str:
        done = subprocess.run(
            [*WCH, *words], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert said("help", "status") == said("status", "--help")
    assert said("help") == said("--help")


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_while_it_waits_is_130_and_one_line(tmp_path: Path) -> None:
    finish(start("activate", folder=tmp_path))
    holder = sqlite3.connect(tmp_path / "wch.db", isolation_level=None)
    holder.execute("DROP TABLE wp_wch_carts")
    holder.execute("BEGIN IMMEDIATE")
    process = start("activate", folder=tmp_path)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("Database: ")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    # SQLite's own wait ends with the lock; the signal is heard then.
    holder.execute("ROLLBACK")
    holder.close()
    code, out, err = finish(process)
    assert (code, out) == (130, "")
    assert err.splitlines() == ["Error: Interrupted; wch status shows what is in place."]


def test_a_file_that_another_process_holds_is_busy(tmp_path: Path) -> None:
    finish(start("activate", folder=tmp_path))
    holder = sqlite3.connect(tmp_path / "wch.db", isolation_level=None)
    holder.execute("DROP TABLE wp_wch_carts")
    holder.execute("BEGIN IMMEDIATE")
    code, _, err = finish(start("activate", "--timeout", "0.2", folder=tmp_path))
    holder.close()
    assert code == 3
    assert "another process writes to the file" in err


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    finish(start("activate", folder=tmp_path))
    sqlite3.connect(tmp_path / "wch.db", isolation_level=None).execute("DROP TABLE wp_wch_carts").connection.close()
    mortal = as_mortal()
    (tmp_path / "wch.db").chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert finish(start("status", folder=tmp_path, mortal=mortal))[0] == 1
        code, out, err = finish(start("activate", folder=tmp_path, mortal=mortal))
        assert (code, out) == (2, "")
        assert "not writable" in err
        assert finish(start("doctor", folder=tmp_path, mortal=mortal))[0] == 2
        tmp_path.chmod(0o755)
        assert "is read-only; nothing was changed" in finish(start("activate", folder=tmp_path, mortal=mortal))[2]
    finally:
        tmp_path.chmod(0o755)


def as_mortal() -> list[str]:
    """Return a command prefix that drops root's right to ignore permissions, empty for other users."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root cannot give up its rights without setpriv")
    return ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]
