"""The server's place among others: whether one server answers it all, and whether a run may write there."""

import contextlib
import operator
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import peewee as pw

from ..database.connect import PATIENCE, connected, dedicated, describe, in_transaction
from ..database.query import Connection, by_the_writer
from ..errors import DatabaseUnavailable, UnsupportedServer
from ..schema.base import Query, Rows
from ..schema.dialect import Topology

#: How often a run proves again that one server answers, in seconds.
PROVE_EVERY = 5.0

#: The attribute of a driver's connection that holds what has been found out over it.
_KNOWN = "_wch_peewee_topology"


class _Known(NamedTuple):
    since: float
    locking: bool
    topology: Topology


def read_topology(connection: Connection, *, locking: bool = False) -> Topology:
    """Return the server's place among others, as the server says itself that is written to; ``locking`` as below.

    What has just been found out over this very connection is not asked again.
    """
    with _outside_transaction(connection) as own:
        driver: Any = own.database.connection()
        known: _Known | None = getattr(driver, _KNOWN, None)
        if known is not None and time.monotonic() - known.since < PROVE_EVERY and known.locking >= locking:
            return known.topology
        trouble = splitter(own, locking=locking)
        topology = Topology(trouble=trouble, is_split=True) if trouble else _told(own)
        with contextlib.suppress(AttributeError):  # the connections of some drivers accept no attributes
            setattr(driver, _KNOWN, _Known(time.monotonic(), locking, topology))
        return topology


def _told(connection: Connection) -> Topology:
    dialogue = connection.dialect.topology()
    with by_the_writer(connection.database):
        query = next(dialogue)
        while True:
            try:
                query = dialogue.send(_ask(connection, query))
            except StopIteration as end:
                topology: Topology = end.value
                return topology


def refuse(connection: Connection, topology: Topology) -> None:
    """Raise the error for the topology's trouble, if it has one, before the first statement of a run.

    A node without quorum, for one, answers many queries as usual. It is UnsupportedServer on a cluster where a run is
    never safe, and DatabaseUnavailable for a server that is not to be written to, or if reads are answered by another.
    """
    if topology.trouble:
        error = DatabaseUnavailable if topology.supported else UnsupportedServer
        raise error(f"{describe(connection.database)}: {topology.trouble}. Nothing was changed.")


def require_one_server(connection: Connection) -> None:
    """Raise DatabaseUnavailable if reads are answered by another server than the one that is written to."""
    with _outside_transaction(connection) as own:
        if trouble := splitter(own, locking=True):
            raise DatabaseUnavailable(f"{describe(connection.database)}: {trouble}. Run the same again there.")


def splitter(connection: Connection, *, locking: bool) -> str:
    """Return what is wrong if a proxy spreads the session's statements, and what to do about it; empty if it does not.

    A splitter (ProxySQL, MaxScale) sends a SELECT outside a transaction to a replica, which answers with old data: a
    batch would end too early, and a lock that is held there excludes nobody. With ``locking`` a locking read and a lock
    function ask, too.
    """
    mark, *queries = connection.dialect.identity(secrets.token_hex(8), locking=locking)
    for _ in range(2):  # a connection that is lost in between is replaced, and then is another
        _ask(connection, mark)
        with by_the_writer(connection.database):
            writer = _identity(_ask(connection, queries[0]))
        answers = (_identity(_ask(connection, query)) for query in queries)
        other = next((answer for answer in answers if any(map(operator.ne, answer, writer))), None)
        if other is None:
            return ""
    assert other is not None
    if other[:3] == writer[:3]:
        return (
            f"a proxy spreads this session over several connections to {_name(writer)}, so that no lock or setting "
            "holds; use the server's own address, or let the proxy keep each session of this account on one connection"
        )
    return (
        f"{_name(other)} answers reads and {_name(writer)} is written to: a proxy splits them, and what a replica has "
        "may be old; use the address of the primary, or have the proxy send all of this account's statements there"
    )


@contextlib.contextmanager
def _outside_transaction(connection: Connection) -> Iterator[Connection]:
    """Yield the connection, or one like it while pw_migrate has a transaction open, in which nothing is split."""
    if not in_transaction(connection.database):
        yield replace(connection, by_writer=False)
        return
    with connected(dedicated(connection.database, patience=PATIENCE)) as own:
        yield Connection(own, connection.dialect)


def _ask(connection: Connection, query: Query) -> Rows | None:
    """Return the answer, or None if the account, or the cluster, does not allow to ask."""
    try:
        return connection.query(query)
    except pw.PeeweeException as error:
        if connection.dialect.failure(error.args) in ("denied", "unsupported", "not here", "other"):
            return None
        raise


def _identity(rows: Rows | None) -> tuple[str, ...]:
    return tuple(str(value) for row in rows or () for value in row)


def _name(identity: tuple[str, ...]) -> str:
    number, *place = identity[:3]
    return f"server {number}" + (f" ({':'.join(place)})" if place else "")
