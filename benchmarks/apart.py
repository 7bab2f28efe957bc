"""Work in a process of its own: for its memory, which only grows, or so that its Python does not wait for ours.

    done = run_apart("check", database.url)
    done["seconds"], done["peak"]

The work itself is in ``worker``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
#: The database's URL, where other users of the machine do not read it.
URL_VARIABLE = "WCH_BENCHMARK_DATABASE"


class WorkerFailed(Exception):
    """A process of the benchmarks did not do its work; one line."""


def start(work: str, url: str, *words: object) -> subprocess.Popen[str]:
    """Begin the work; it says a line when it is ready, and what came of it as JSON when it is done."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.worker", work, *map(str, words)],
        cwd=_ROOT,
        env={**os.environ, URL_VARIABLE: url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Any:
    """Let it come to its end, and return what it says."""
    try:
        said, _ = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode:
        raise WorkerFailed(f"a process of the benchmarks ended with status {process.returncode}; its error is above")
    return json.loads(said.splitlines()[-1])


def run_apart(work: str, url: str, *words: object) -> Any:
    """Do the work and wait for it."""
    return finish(start(work, url, *words))
