"""Replica lag: a run checks how far replicas are behind before each statement and each batch."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import peewee as pw

from ..database.connect import attempts, connected, describe
from ..database.failures import database_error
from ..database.query import failure_of
from ..errors import Busy, ConfigurationError, duration

#: The headings that name the seconds, of MySQL and of MariaDB; only headings tell, as the columns differ.
_HEADINGS = ("Seconds_Behind_Source", "Seconds_Behind_Master")

#: How often they are asked at most, in seconds.
_EVERY = 1.0


@dataclass(slots=True)
class ReplicaRule:
    """The lag allowed: ``max_lag`` seconds for every replica; ``patience`` is how many seconds a run waits.

    An INPLACE or COPY change of ten minutes keeps a replica busy for another ten; batches written faster than a
    replica applies them make it fall behind further and further.

        rule = ReplicaRule([open_database(parse_url("mysql://reader@replica/wordpress"))], max_lag=10)
        DatabaseManager(url, replicas=rule).install()
    """

    replicas: Sequence[pw.Database]
    max_lag: int = 10
    patience: float = 60.0
    _asked: float = field(default=-_EVERY, init=False)

    def hold(self) -> None:
        """Wait until all replicas are near enough.

        Raises Busy after ``patience`` seconds, or if one does not replicate; ConfigurationError if it is not a replica.
        """
        begun = time.monotonic()
        if begun - self._asked < _EVERY:
            return
        for replica in self.replicas:
            self._wait_for(replica, max(0.0, begun + self.patience - time.monotonic()))
        self._asked = time.monotonic()

    def _wait_for(self, replica: pw.Database, patience: float) -> None:
        lag = 0
        for _ in attempts(patience, lambda: f"The replica {describe(replica)} is {duration(lag)} behind"):
            if (lag := seconds_behind(replica)) <= self.max_lag:
                return
        raise Busy(
            f"the replica {describe(replica)} is {duration(lag)} behind, and {self.max_lag} are allowed; "
            "what has been done stays, run the same command again when it has caught up"
        )


def seconds_behind(replica: pw.Database) -> int:
    """Return how many seconds the replica is behind.

    Raises Busy if it has stopped, ConfigurationError if it is not a replica, MissingPrivileges, DatabaseUnavailable.
    """
    with connected(replica):
        try:
            cursor = _status(replica)
            row = cursor.fetchone()
        except pw.PeeweeException as error:
            # In words of ours, or the run would take it for an answer of its own server.
            raise database_error(describe(replica), failure_of(replica, error), error) from error
        headings = [column[0] for column in cursor.description or ()]
    if row is None:
        raise ConfigurationError(f"{describe(replica)} is not a replica; give a replica's URL, or omit it.")
    behind = next((row[headings.index(name)] for name in _HEADINGS if name in headings), None)
    if behind is None:
        raise Busy(f"the replica {describe(replica)} is not replicating; start replication, or omit it")
    return int(behind)


def _status(replica: pw.Database) -> Any:
    try:
        return replica.execute_sql("SHOW REPLICA STATUS")
    except pw.PeeweeException as error:
        if error.args and error.args[0] == 1064:  # before MySQL 8.0.22 and MariaDB 10.5.1
            return replica.execute_sql("SHOW SLAVE STATUS")
        raise
