"""What a whole network costs: to install its sites, and to check them.

The floor is interleaved in the same database: servers get slower with the tables that they have.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.databases import LiveDatabase
from wch_peewee import Plugin
from wch_peewee.progress import SiteStarted

from ..bench import Bench
from ..places import Sent, bare, listening, send
from ..rows import Mark, Row
from ..samples import Sample, interleaved, timed

_BLOCKS = 20
#: Prefixes of the sites that the bare driver makes.
_ALL, _WRITES_ALONE = "all_", "few_"
_RECORDED_PREFIX = "wp_3_"
_WRITING = ("CREATE", "INSERT")


@dataclass(frozen=True, slots=True)
class _Site:
    """What is sent for one site, and what of it ends in an error: the first look at its history does."""

    database: str
    statements: Sequence[Sent]
    may_fail: Sequence[Sent]

    def at(self, database: str, prefix: str) -> _Site:
        """The same for another site in another database."""

        def told(text: object) -> object:
            if not isinstance(text, str):
                return text
            return text.replace(_RECORDED_PREFIX, prefix).replace(self.database, database)

        def moved(statements: Sequence[Sent]) -> list[Sent]:
            return [(str(told(sql)), tuple(map(told, parameters))) for sql, parameters in statements]

        return _Site(database, moved(self.statements), moved(self.may_fail))

    def writing(self) -> _Site:
        """What changes something, alone."""
        writes = [sent for sent in self.statements if sent[0].lstrip().split(None, 1)[0].upper() in _WRITING]
        return _Site(self.database, writes, ())

    def send(self, connection: Any, family: str) -> None:
        # Where DDL can be undone, ours is one transaction; peewee begins and ends it past what is listened to.
        begin, commit = ([("BEGIN IMMEDIATE", ())], [("COMMIT", ())]) if family == "sqlite" else ([], [])
        send(connection, [*begin, *self.statements, *commit], self.may_fail)


def measure(bench: Bench) -> Iterator[Row]:
    sites = bench.amounts.sites
    each = max(1, sites // (8 * _BLOCKS))
    recorded = _record(bench)
    with bench.fresh() as database:
        bench.say(f"making a network of {sites:,} sites")
        _make_network(database, sites)
        for number in range(each * _BLOCKS):
            for kind in (_ALL, _WRITES_ALONE):
                _make_options(database, f"{kind}{number}_")
        bench.say("installing them")
        ours, floor, writes = _install(database, sites, each, recorded)
        yield Row(
            f"activate() of a network of {sites:,} sites, for each",
            bench.name,
            "ms",
            ours,
            floor,
            Mark(1.2),
            note=f"floor: the same statements that ours sends, for {each * _BLOCKS} more sites in between",
        )
        yield Row(
            f"the same, {sites:,} sites, against the DDL and INSERTs alone",
            bench.name,
            "ms",
            ours,
            writes,
            note="floor: CREATE TABLE and INSERT, no query",
        )
        bench.say("checking them")
        yield _check(bench, database, sites)
        bench.say("dropping them")


def _record(bench: Bench) -> _Site:
    """Note what is sent for a site that is not the first one."""
    begins: list[int] = []
    with bench.fresh() as database:
        _make_network(database, 4)
        plugin = Plugin(database.url)
        with listening() as sent:
            plugin.network.install(lambda event: begins.append(len(sent)))
        plugin.database.close()
        return _Site(database.name, sent[begins[2] : begins[3]], sent.failed)


def _install(database: LiveDatabase, sites: int, each: int, recorded: _Site) -> tuple[Sample, Sample, Sample]:
    """Seconds a site, block by block: ours, all that ours sends, what ours writes; of the sites next to each other."""
    size = -(-sites // _BLOCKS)  # rounded up: no more blocks than there are sites for the floor
    values: tuple[list[float], list[float], list[float]] = ([], [], [])
    plugin = Plugin(database.url)
    with bare(database.url) as connection:
        begun: list[float] = []

        def on_site(event: SiteStarted) -> None:
            if event.number % size == 1 % size and event.number > 1:
                end_block()
            begun.append(time.perf_counter())

        def end_block() -> None:
            # As many sites as the floor's: a server's pauses, for its disk, fall into a long time and not into a short.
            values[0].append((time.perf_counter() - begun[-each]) / each)
            first = each * (len(values[0]) - 1)
            numbers = range(first, first + each)
            for place, kind in ((1, _ALL), (2, _WRITES_ALONE)):
                made = [recorded.at(database.name, f"{kind}{number}_") for number in numbers]
                made = made if kind == _ALL else [site.writing() for site in made]
                values[place].append(_send_all(connection, database.family, made) / each)

        report = plugin.network.install(on_site)
        end_block()
        assert report.ok, report.failures[:1]
    plugin.database.close()
    return Sample(tuple(values[0])), Sample(tuple(values[1])), Sample(tuple(values[2]))


def _send_all(connection: Any, family: str, sites: Sequence[_Site]) -> float:
    def work() -> None:
        for site in sites:
            site.send(connection, family)

    return timed(work)


def _check(bench: Bench, database: LiveDatabase, sites: int) -> Row:
    plugin = Plugin(database.url)
    with listening() as sent:
        assert plugin.network.plan().ok
    with bare(database.url) as connection:
        samples = interleaved(
            {
                "ours": lambda: timed(plugin.network.plan),
                "floor": lambda: timed(lambda: send(connection, sent, sent.failed)),
            },
            rounds=2,
            warm_up=0,
        )
    plugin.database.close()
    return Row(
        f"check of a network of {sites:,} sites",
        bench.name,
        "s",
        samples["ours"],
        samples["floor"],
        Mark(1.5),
        note=f"floor: its {len(sent):,} statements alone",
    )


def _make_network(database: LiveDatabase, sites: int) -> None:
    """The network's list, and each site's options, as WordPress makes them as far as it matters here."""
    database.execute(
        "CREATE TABLE wp_blogs (blog_id BIGINT NOT NULL PRIMARY KEY, site_id BIGINT NOT NULL DEFAULT 1, "
        "domain VARCHAR(200) NOT NULL, path VARCHAR(100) NOT NULL, "
        "spam INT NOT NULL, deleted INT NOT NULL, archived INT NOT NULL)"
    )
    if database.family == "sqlite":
        database.execute("BEGIN")
    for number in range(1, sites + 1):
        database.execute(
            "INSERT INTO wp_blogs (blog_id, domain, path, spam, deleted, archived) "
            "VALUES (%s, 'example.com', %s, 0, 0, 0)",
            [number, f"/{number}/"],
        )
        _make_options(database, "wp_" if number == 1 else f"wp_{number}_")
    if database.family == "sqlite":
        database.execute("COMMIT")


def _make_options(database: LiveDatabase, prefix: str) -> None:
    if database.family == "sqlite":
        database.execute(
            f"CREATE TABLE {prefix}options (option_id INTEGER PRIMARY KEY AUTOINCREMENT, "
            "option_name VARCHAR(191) NOT NULL UNIQUE, option_value TEXT NOT NULL, autoload VARCHAR(20) NOT NULL)"
        )
    else:
        database.execute(
            f"CREATE TABLE {prefix}options (option_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, "
            "option_name VARCHAR(191) NOT NULL DEFAULT '', option_value LONGTEXT NOT NULL, "
            "autoload VARCHAR(20) NOT NULL DEFAULT 'yes', UNIQUE KEY option_name (option_name), "
            "KEY autoload (autoload)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci"
        )
