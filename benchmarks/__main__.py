"""Measure, print the table and write it down: ``python -m benchmarks --engines sqlite,mariadb --figures bulk``"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import peewee
import pymysql

from tests.support.addresses import ServerError
from tests.support.engines import Engine, EngineError, choose_engines
from wch_peewee import WchError

from .apart import WorkerFailed
from .bench import FULL, QUICK, Amounts, Bench
from .machine import describe_engine, describe_machine, machine_lines
from .peers.environment import PeersMissing, peers_python
from .peers.peer import PEERS, PeerFailed, titles
from .report import as_document, as_markdown, as_text, summary, titled
from .rows import Row

#: In this order: who makes a large database comes before those who use it.
FIGURES = (
    "admin_init",
    "cold",
    "activate",
    "verification",
    "large_tables",
    "backfill",
    "network",
    "bulk",
    "jobs",
    "memory",
)
_ERRORS = (
    *(EngineError, ServerError, WorkerFailed, PeerFailed, WchError),
    *(peewee.PeeweeException, pymysql.Error, sqlite3.Error, OSError),
)
_DEFAULT_JSON = Path(".bench") / "latest.json"


@dataclass
class Measured:
    """What has been measured so far."""

    rows: list[Row] = field(default_factory=list)
    engines: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: seconds that each figure took, by engine
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    engines: list[Engine] = []
    try:
        engines, left_out = choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), options.engines)
        for line in left_out:
            print(line, file=sys.stderr)
        _run(options, engines)
        return 0
    except _ERRORS as error:
        print(f"Error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; the databases are dropped.", file=sys.stderr)
        return 130
    finally:
        for engine in engines:
            engine.close()


def _run(options: argparse.Namespace, engines: Sequence[Engine]) -> None:
    amounts = QUICK if options.quick else FULL if options.full else Amounts()
    if options.sites is not None:
        amounts = replace(amounts, sites=options.sites)
    python, called, no_peers = _peers(options)
    measured = Measured()
    begun = time.perf_counter()
    try:
        for engine in engines:
            with tempfile.TemporaryDirectory(prefix="wch-bench-") as folder:
                bench = Bench(engine, Path(folder), amounts, PEERS, python, no_peers)
                with closing(bench):
                    measured.engines[engine.name] = describe_engine(engine)
                    for figure in options.figures:
                        _measure(figure, bench, measured)
                    bench.say("dropping what was made")
    finally:
        # What was measured before an error, or Ctrl-C, is not lost.
        if measured.rows:
            _write(options, titled(measured.rows, called), measured, amounts, time.perf_counter() - begun)


def _measure(figure: str, bench: Bench, measured: Measured) -> None:
    begun = time.perf_counter()
    bench.say(figure)
    rows: Iterator[Row] = import_module(f".figures.{figure}", __package__).measure(bench)
    for row in rows:
        measured.rows.append(row)
    measured.seconds.setdefault(bench.engine.name, {})[figure] = round(time.perf_counter() - begun, 1)


def _peers(options: argparse.Namespace) -> tuple[Path | None, dict[str, str], str]:
    """The peers' python, what they are called, and why there are none."""
    if options.no_peers:
        return None, {}, "not asked for"
    try:
        python = peers_python()
        return python, titles(python), ""
    except (PeersMissing, PeerFailed) as error:
        print(f"Without peers: {error}", file=sys.stderr)
        return None, {}, str(error)


def _write(
    options: argparse.Namespace, rows: Sequence[Row], measured: Measured, amounts: Amounts, seconds: float
) -> None:
    machine = describe_machine()
    below = machine_lines(machine, measured.engines)
    document = as_document(
        rows,
        machine=machine,
        engines=measured.engines,
        amounts={name: getattr(amounts, name) for name in amounts.__slots__},
        seconds=measured.seconds,
    )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if options.markdown:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        text = as_markdown(rows) + "\n" + "".join(f"- {line}\n" for line in below)
        options.markdown.write_text(text, encoding="utf-8")
    print(as_text(rows))
    for line in below:
        print(line)
    print(f"{summary(rows)} {seconds / 60:.1f} minutes; written to {options.json}.")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--engines", default=os.environ.get("WCH_TEST_ENGINES", ""), help="by name or family: sqlite,mariadb"
    )
    parser.add_argument("--figures", type=_figures, default=FIGURES, help=", ".join(FIGURES))
    parser.add_argument("--json", type=Path, default=_DEFAULT_JSON, metavar="FILE", help=f"default: {_DEFAULT_JSON}")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown, too")
    parser.add_argument("--sites", type=_at_least_one, metavar="N", help="sites of the network")
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--full", action="store_true", help="the amounts of the published table; half an hour")
    how_much.add_argument("--quick", action="store_true", help="small amounts, to try whether everything runs")
    parser.add_argument("--no-peers", action="store_true", help="leave out the other tools")
    return parser.parse_args(arguments)


def _figures(text: str) -> tuple[str, ...]:
    wanted = text.replace(",", " ").split()
    unknown = [name for name in wanted if name not in FIGURES]
    if unknown or not wanted:
        raise argparse.ArgumentTypeError(f"no figure is called {' or '.join(unknown)}; there are {', '.join(FIGURES)}")
    return tuple(name for name in FIGURES if name in wanted)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of sites; expected 1 or more")
    return int(text)


if __name__ == "__main__":
    # Ended from outside the databases are dropped, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
