"""The environment of the peers: made once, apart from ours, so that neither side's versions bind the other.

python = peers_python()
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
FOLDER = Path(__file__).resolve().parents[2] / ".bench" / "peers"

#: Inside the environment: the requirements that it was made from.
_STAMP = "requirements-installed.txt"


class PeersMissing(Exception):
    """The peers could not be installed; the text says why in one line."""


def peers_python(folder: Path = FOLDER, *, preconditions: Path = REQUIREMENTS) -> Path:
    """The python that has the peers; the environment is made first when it is not there or the requirements changed."""
    folder = folder.absolute()
    # Not resolved: the link's target is a python without the peers.
    python = folder / "bin" / "python"
    stamp = folder / _STAMP
    # With this python's version: an environment is bound to the one that made it.
    wanted = f"# Python {sys.version_info.major}.{sys.version_info.minor}\n{preconditions.read_text()}"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    _clear(folder)
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(preconditions)])
    # Last: an environment that was left halfway is made again.
    stamp.write_text(wanted)
    return python


def _clear(folder: Path) -> None:
    """Remove an earlier environment, and nothing else."""
    if not folder.exists():
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / "pyvenv.cfg").exists()):
        raise PeersMissing(f"{folder} is there and is no environment of the peers; remove it, or name another folder.")
    shutil.rmtree(folder)


def _run(command: Sequence[str]) -> None:
    """Run a step of the making; its last line is the reason when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise PeersMissing(f"The peers could not be installed: {error}") from error
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        reasons = [line for line in lines if line.startswith("ERROR")] or lines
        reason = reasons[-1] if reasons else f"{command[0]} ended with status {done.returncode}"
        raise PeersMissing(f"The peers could not be installed: {reason}")
