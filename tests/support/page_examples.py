"""Run the fenced blocks of a page in a copy of the checkout.

Kinds of blocks:
- ``console``: lines after ``$`` are run by bash, the lines below are their exact output; ``...`` stands for any lines.
  A command that fails is followed by ``$ echo $?``. ``export`` applies to the blocks that follow.
- ``python``: run in order in one process. The expected output follows ``#>``. A block that begins with a comment that
  names a file is written to that file instead; so is ``toml``.

    with Reader(checkout, typed={"mysql://shop@db.example.com/shop": database.url}) as reader:
        reader.run(block)
"""

from __future__ import annotations

import compileall
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_SOURCES = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md", "wch_peewee", "migrations")
_PROGRAMS = {
    "wch": "from wch_peewee.cli import main; main()",
    "pw_migrate": "from peewee_migrate.cli import cli; cli()",
    "pytest": "import sys, pytest; sys.exit(pytest.main())",
}
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w/]+\.(?:py|toml))\n")
_EXPORT = re.compile(r"export (\w+)=(\S+)")
_ENGINE = re.compile(r"SQLite \d+(\.\d+)+")

# One process for all Python blocks; a block comes as a line of JSON, and so does its answer.
_INTERPRETER = """
import contextlib, io, json, sys, traceback
scope = {"__name__": "__main__"}
for line in sys.stdin:
    printed, failure = io.StringIO(), ""
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(json.loads(line), "README.md", "exec"), scope)
        except BaseException:
            failure = traceback.format_exc()
    print(json.dumps([printed.getvalue(), failure]), flush=True)
"""


def copy_sources(folder: Path) -> Path:
    """Copy what the package is built from."""
    folder.mkdir(exist_ok=True)
    for name in _SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def installed_checkout(folder: Path) -> Path:
    """Make a checkout like after ``pip install -e .``: with metadata, and with the programs in .venv/bin."""
    checkout = copy_sources(folder)
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, program in _PROGRAMS.items():
        (programs / name).write_text(f"#!{sys.executable}\n{program}\n")
        (programs / name).chmod(0o755)
    build = "import setuptools; setuptools.setup(script_args=['--quiet', 'egg_info'])"
    subprocess.run([sys.executable, "-c", build], cwd=checkout, stderr=subprocess.DEVNULL, check=True)
    # Once, and not by the first command in each copy.
    compileall.compile_dir(checkout / "wch_peewee", quiet=1)
    return checkout


@dataclass(frozen=True)
class Block:
    """A fenced block: language, text, number of its first line, and heading of its section."""

    language: str
    text: str
    line: int
    section: str

    def __str__(self) -> str:
        return f"{self.language} block at line {self.line} ({self.section})"

    @property
    def file(self) -> str:
        """The file to write the block to, or an empty text."""
        named = _FILE.match(self.text)
        return named[1] if self.language in ("python", "toml") and named else ""


def blocks_of(page: str) -> list[Block]:
    found = []
    for fence in _FENCE.finditer(page):
        before = page[: fence.start()]
        headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", before), re.MULTILINE)
        found.append(Block(fence[1], fence[2], before.count("\n") + 2, headings[-1] if headings else ""))
    return found


class Reader:
    """A reader of a page: runs its blocks and compares their output.

    ``typed`` maps texts of the page to what is run instead, such as a URL to that of a test database; ``shown`` maps
    texts of the output back.
    """

    def __init__(self, checkout: Path, *, typed: dict[str, str], shown: dict[str, str] | None = None) -> None:
        self.checkout = checkout
        self.typed = typed
        self.shown = shown or {}
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("WCH_", "PYTHON"))
        }
        programs = checkout / ".venv" / "bin"
        self.environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(checkout), "PYTHONUTF8": "1"}
        self._code = 0
        self._interpreter: subprocess.Popen[str] | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._interpreter is not None:
            self._interpreter.communicate(timeout=60)

    def run(self, block: Block) -> None:
        """Run the block. Raises AssertionError if its output differs from the page."""
        if block.file:
            (self.checkout / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            self._python(block)
        elif block.language == "console":
            self._console(block)
        else:
            raise AssertionError(f"nobody knows how to run the {block}")

    def command(self, line: str) -> str:
        """Run one line in bash and return its stdout and stderr. ``$?`` is the exit code of the previous line."""
        export = _EXPORT.fullmatch(line)
        if export:
            self.environment[export[1]] = self._typed(export[2])
            return ""
        done = subprocess.run(
            ["bash", "-c", f"(exit {self._code}); {self._typed(line)}"],
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        self._code = done.returncode
        return done.stdout

    def _console(self, block: Block) -> None:
        parts = re.split(r"^\$ (.+)\n", block.text, flags=re.MULTILINE)
        assert parts[0] == "", f"{block} begins with output"
        for command, expected in zip(parts[1::2], parts[2::2], strict=True):
            assert self._code == 0 or command == "echo $?", f"{block}: exit code {self._code} before $ {command}"
            shown = self.command(command)
            assert _matches(self.shown_text(shown), expected), f"{block}\n$ {command}\n{shown}\nexpected\n{expected}"
        assert self._code == 0, f"{block} ends with exit code {self._code}"

    def _python(self, block: Block) -> None:
        if self._interpreter is None:
            self._interpreter = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", _INTERPRETER],
                cwd=self.checkout,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        assert self._interpreter.stdin is not None
        assert self._interpreter.stdout is not None
        # Empty lines in front give a traceback the page's own line numbers.
        source = "\n" * (block.line - 1) + self._typed(block.text)
        self._interpreter.stdin.write(json.dumps(source) + "\n")
        self._interpreter.stdin.flush()
        answer: list[Any] = json.loads(self._interpreter.stdout.readline())
        printed, failure = answer
        assert not failure, f"{block}\n{failure}"
        expected = "".join(f"{text}\n" for text in re.findall(r"^ *#> ?(.*)$", block.text, re.MULTILINE))
        assert self.shown_text(printed) == _without_version(expected), f"{block}\n{printed}\nexpected\n{expected}"

    def _typed(self, text: str) -> str:
        for on_the_page, there in self.typed.items():
            text = text.replace(on_the_page, there)
        return text

    def shown_text(self, text: str) -> str:
        for there, on_the_page in self.shown.items():
            text = text.replace(there, on_the_page)
        return _without_version(text)


def _without_version(text: str) -> str:
    """Remove the version of SQLite, which depends on the machine."""
    return _ENGINE.sub("SQLite", text)


def _matches(shown: str, expected: str) -> bool:
    lines = _without_version(expected).splitlines(keepends=True)
    pattern = "".join(r"(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in lines)
    return re.fullmatch(pattern, shown) is not None
