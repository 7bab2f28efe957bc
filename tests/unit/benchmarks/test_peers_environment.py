"""The peers' environment: when it is created, when again, and the errors if it cannot be; pip is mocked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.peers import environment
from benchmarks.peers.environment import REQUIREMENTS, PeersMissing, peers_python


class StandIn:
    """A substitute for venv and pip: creates what they would, and records the calls."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.fails = False

    def __call__(self, command: Sequence[str]) -> None:
        step = command[2]
        self.steps.append(step)
        if step == "venv":
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
            (python.parents[1] / "pyvenv.cfg").touch()
        elif self.fails:
            raise PeersMissing("The peers could not be installed: no network")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    tool = StandIn()
    monkeypatch.setattr(environment, "_run", tool)
    return tool


@pytest.fixture
def preconditions(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text("alembic>=1\n")
    return file


def test_it_is_made_once(stand_in: StandIn, preconditions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "peers"
    first = peers_python(folder, preconditions=preconditions)
    assert first == folder / "bin" / "python"
    assert peers_python(folder, preconditions=preconditions) == first
    assert stand_in.steps == ["venv", "pip"]


def test_changed_requirements_make_it_again(stand_in: StandIn, preconditions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "peers"
    peers_python(folder, preconditions=preconditions)
    (folder / "old").touch()
    preconditions.write_text("alembic>=2\n")
    peers_python(folder, preconditions=preconditions)
    assert stand_in.steps == ["venv", "pip"] * 2
    assert not (folder / "old").exists()


def test_one_that_was_left_halfway_is_made_again(stand_in: StandIn, preconditions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "peers"
    stand_in.fails = True
    for _ in range(2):
        with pytest.raises(PeersMissing, match="no network"):
            peers_python(folder, preconditions=preconditions)
    stand_in.fails = False
    assert peers_python(folder, preconditions=preconditions).exists()
    assert stand_in.steps == ["venv", "pip"] * 3


def test_a_lost_python_is_made_again(stand_in: StandIn, preconditions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "peers"
    peers_python(folder, preconditions=preconditions).unlink()
    assert peers_python(folder, preconditions=preconditions).exists()


def test_a_folder_of_something_else_is_left_alone(stand_in: StandIn, preconditions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "letter").write_text("dear")
    with pytest.raises(PeersMissing, match="is no environment of the peers"):
        peers_python(folder, preconditions=preconditions)
    assert (folder / "letter").read_text() == "dear"
    assert stand_in.steps == []


def test_an_empty_folder_will_do(stand_in: StandIn, preconditions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "peers"
    folder.mkdir()
    assert peers_python(folder, preconditions=preconditions).exists()


def test_the_reason_is_one_line() -> None:
    code = "import sys; sys.exit('trying\\nERROR: no such package\\n\\nhint: look elsewhere')"
    with pytest.raises(PeersMissing) as caught:
        environment._run([sys.executable, "-c", code])
    assert str(caught.value) == "The peers could not be installed: ERROR: no such package"


def test_a_missing_program_is_a_reason_too(tmp_path: Path) -> None:
    with pytest.raises(PeersMissing, match="could not be installed"):
        environment._run([str(tmp_path / "python")])


def test_the_requirements_name_no_place() -> None:
    lines = REQUIREMENTS.read_text().splitlines()
    assert all(line.startswith("#") or ">=" in line for line in lines)
    assert "://" not in REQUIREMENTS.read_text()
