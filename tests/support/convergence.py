"""Do everything to everything, everywhere, and print the tables of docs/upgrades.md.

    python -m tests.support.convergence                     every kill point on every engine: half an hour
    python -m tests.support.convergence --stock             the same chain for stock peewee-migrate, with its own Router
    python -m tests.support.convergence --every 29          a part of the points, spread over the whole run
    python -m tests.support.convergence --engines sqlite    engines by name or family

Engines are those of the tests (WCH_TEST_SERVERS, else private servers). What is being tried goes to stderr. Exits with
0 when every run ended as an undisturbed one, with 1 when not; a comparison always with 0.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support import kit_cases as cases
from tests.support.addresses import ServerError
from tests.support.engines import Engine, EngineError, choose_engines
from tests.support.migration_chain import chain_folder
from tests.support.server_kills import server_killed
from tests.support.servers import PrivateServer
from wch_peewee.testing.__main__ import tick
from wch_peewee.testing.examination import NOTHING, Verdict
from wch_peewee.testing.scenarios import SCENARIOS

#: A line of the table: what runs, and its verdicts on all engines.
Line = tuple[str, Verdict]


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        engines, left_out = choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), options.engines)
    except (EngineError, ServerError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    for line in left_out:
        sys.stderr.write(f"{line}\n")
    verdicts: dict[str, Verdict] = {}
    try:
        for engine in engines:
            for name, verdict in _stock(engine, options.every) if options.stock else _ours(engine, options.every):
                verdicts[name] = verdicts.get(name, Verdict(())) + verdict
    finally:
        for engine in engines:
            engine.close()
    sys.stdout.write(table(verdicts))
    findings = [finding for verdict in verdicts.values() for finding in verdict.findings]
    for finding in findings:
        sys.stderr.write(f"\n{finding}\n")
    return 1 if findings and not options.stock else 0


def table(verdicts: dict[str, Verdict]) -> str:
    """A page's table: what runs, what happens to it, and how many points of each engine converged."""
    rows: list[list[str]] = []
    for name, verdict in verdicts.items():
        head, *lines = verdict.table()
        if not rows:
            rows += [["what runs", "what happens to it", *head[1:]], ["---"] * (len(head) + 1)]
        rows += [[name, *line] for line in lines if set(line[1:]) != {NOTHING}]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.convergence", description="Print the tables of convergence."
    )
    parser.add_argument("--engines", default="", metavar="NAME,...", help="engines by name or family (all)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try every Nth point only (1: all)")
    parser.add_argument("--stock", action="store_true", help="examine peewee-migrate's own Router, to compare")
    return parser


def _ours(engine: Engine, every: int) -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="wch-convergence-") as parent:
        folder = chain_folder(Path(parent))
        everything = (cases.install(), cases.shipped(), cases.chain(folder), cases.upgrade(folder), cases.repair())
        for case in everything:
            yield _examined(engine, case, every)
        program = engine.program()
        if program is not None:
            with PrivateServer(program) as server:
                own = Engine(engine.name, engine.family, engine.version, address=server.address)
                for case in everything:
                    yield _examined(own, case, every, server)


def _stock(engine: Engine, every: int) -> Iterator[Line]:
    yield _examined(engine, cases.stock(), every)


def _examined(engine: Engine, case: cases.Case, every: int, server: PrivateServer | None = None) -> Line:
    scenarios = SCENARIOS if server is None else (server_killed(server),)
    with tempfile.TemporaryDirectory(prefix="wch-convergence-") as folder, engine.fresh(Path(folder)) as database:
        verdict = case.examine(database, scenarios=scenarios, every=every, to_the_end=True, progress=tick)
    tick("")
    return case.name, verdict


if __name__ == "__main__":
    raise SystemExit(main())
