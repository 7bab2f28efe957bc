"""What a session on a server is set to: it is set and read back, never believed."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import peewee as pw

#: Strict, but without the zero-date modes: PHP's sessions leave zero dates behind, and on MySQL 9 a session with
#: those modes can no longer alter such a table.
SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

#: How long one statement waits for a lock, in seconds, and others behind it.
LOCK_WAIT = 1


def is_setting(found: object, wanted: object) -> bool:
    """Return True if a variable has the value that was set; servers have other words for some."""
    if isinstance(wanted, int):
        return isinstance(found, int | float | Decimal) and found == wanted
    return str(found).upper() == str(wanted).upper()


def session_settings(version: str) -> dict[str, object]:
    """Return what a connection relies on, by the name of the variable; ``version`` is what the server calls itself.

    A server's configuration can set each otherwise, and PyMySQL believes what the handshake says of autocommit.
    """
    mariadb = "mariadb" in version.lower()
    return {
        "autocommit": 1,
        "time_zone": "+00:00",  # the columns are UTC
        "foreign_key_checks": 1,
        "unique_checks": 1,
        "sql_select_limit": 2**64 - 1,
        "sql_big_selects": 1,
        "sql_safe_updates": 0,
        "sql_auto_is_null": 0,
        "completion_type": "NO_CHAIN",
        "tx_isolation" if mariadb else "transaction_isolation": "REPEATABLE-READ",
        "tx_read_only" if mariadb else "transaction_read_only": 0,
        # Milliseconds of a SELECT on MySQL, seconds of any statement on MariaDB: it would end an ALTER, and GET_LOCK.
        "max_statement_time" if mariadb else "max_execution_time": 0,
    }


def run_settings(lock_wait: int) -> dict[str, object]:
    """Return what a run's connection sets beyond ``session_settings``; ``lock_wait`` is in seconds."""
    return {
        # The server writes checks, expressions and SHOW CREATE in the quotes of the session that reads them.
        "sql_mode": SQL_MODE,
        "sql_quote_show_create": 1,
        "lock_wait_timeout": lock_wait,
        "innodb_lock_wait_timeout": lock_wait,
    }


@contextlib.contextmanager
def with_settings(database: pw.Database, settings: Mapping[str, object]) -> Iterator[None]:
    """Give an open connection to a server other settings for the block, and its own back afterwards."""
    if not isinstance(database, pw.MySQLDatabase):
        yield
        return
    own = _current(database, settings)
    change = "SET SESSION " + ", ".join(f"{name} = %s" for name in settings)
    database.execute_sql(change, tuple(settings.values()))
    try:
        yield
    finally:
        with contextlib.suppress(pw.PeeweeException):  # lost, and its settings with it
            database.execute_sql(change, own)


def altered_setting(database: pw.Database, settings: Mapping[str, object]) -> str:
    """Return in words the first of ``settings`` that the open connection does not have, or an empty text."""
    found = _current(database, settings) or (None,) * len(settings)
    for (name, value), there in zip(settings.items(), found, strict=True):
        if not is_setting(there, value):
            return f"{name} is {there}, expected {value}"
    return ""


def _current(database: pw.Database, names: Iterable[str]) -> tuple[object, ...]:
    row = database.execute_sql(f"SELECT {', '.join(f'@@SESSION.{name}' for name in names)}").fetchone()
    return tuple(row or ())
