"""What a new process pays: to import the library, and until the first admin_init has answered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from ..bench import Bench
from ..rows import Mark, Row
from ..samples import Sample, interleaved, timed
from .asking import cold_peers, compared

_IMPORTS = "import peewee, pymysql"
_ADMIN_INIT = """
from wch_peewee import Plugin
plugin = Plugin(sys.argv[1])
assert plugin.admin_init().outcome == "current"
plugin.database.close()
"""
_SERVER = f"""
{_IMPORTS}
from urllib.parse import urlsplit
url = urlsplit(sys.argv[1])
connection = pymysql.connect(host=url.hostname, port=url.port, user=url.username, password=url.password or "",
    database=url.path[1:], charset="utf8mb4", collation="utf8mb4_unicode_520_ci", autocommit=True)
cursor = connection.cursor()
cursor.execute("SELECT option_value FROM `wp_options` WHERE option_name = 'wch_db_version'")
assert cursor.fetchone()
connection.close()
"""
_FILE = f"""
{_IMPORTS}, sqlite3
connection = sqlite3.connect(sys.argv[1].removeprefix("sqlite:///"))
assert connection.execute("SELECT option_value FROM wp_options WHERE option_name = 'wch_db_version'").fetchone()
connection.close()
"""


def measure(bench: Bench) -> Iterator[Row]:
    rounds = bench.amounts.rounds
    if bench.family == "sqlite":
        samples = _processes({"ours": "import wch_peewee, wch_peewee.install.plugin", "floor": _IMPORTS}, "", rounds)
        yield Row(
            "import wch_peewee and its Plugin, new process",
            "any",
            "ms",
            samples["ours"],
            samples["floor"],
            Mark(0.030, above=True),
            note="floor: import peewee, pymysql",
        )
    with bench.installed() as database:
        floor = _FILE if bench.family == "sqlite" else _SERVER
        samples = _processes({"ours": _ADMIN_INIT, "floor": floor}, database.url, rounds)
    peers = cold_peers(bench, rounds=3)
    yield Row(
        "first admin_init, new process",
        bench.name,
        "ms",
        samples["ours"],
        samples["floor"],
        Mark(0.030, above=True),
        peers=peers,
        note=f"floor: import peewee, pymysql; connect; SELECT{compared(samples['ours'], peers)}",
    )


def _processes(programs: dict[str, str], url: str, rounds: int) -> dict[str, Sample]:
    def turn(program: str) -> float:
        words = [sys.executable, "-c", f"import sys\n{program}", url]
        return timed(lambda: subprocess.run(words, check=True, stdin=subprocess.DEVNULL))

    return interleaved({name: partial(turn, program) for name, program in programs.items()}, rounds=rounds)
