"""Opening databases: the application's own, read-only ones, and the dedicated connection of a run."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

import peewee as pw
import pymysql
from pymysql.constants import CLIENT, SERVER_STATUS

from ..errors import Busy, ConfigurationError, UnsupportedServer, WchError, duration, one_line
from .connection import is_crowded, is_lost
from .driver import DEFAULT_COLLATION, ServerDatabase, carried_over, is_connector, server_parameters
from .failures import STATEMENT, opening_error
from .session import LOCK_WAIT, SQL_MODE, altered_setting, run_settings
from .url import Target

logger = logging.getLogger("wch_peewee")


def collation_beside(site: str | None) -> str:
    """Return the collation for our tables beside a site's; None stands for a site that does not exist yet."""
    return site if site and site.startswith("utf8mb4_") else DEFAULT_COLLATION


#: How many seconds a run waits for another run, or for an open transaction on a table.
PATIENCE = 60.0

# By name, as to import one of playhouse's modules needs its driver.
_ASYNC = "playhouse.pwasyncio.AsyncDatabaseMixin"
_QUEUE = "playhouse.sqliteq.SqliteQueueDatabase"
_ENCRYPTED = "playhouse.sqlcipher_ext.SqlCipherDatabase"
#: Each brings a SQLite of its own.
_OWN_SQLITE = ("playhouse.apsw_ext.APSWDatabase", "playhouse.cysqlite_ext.CySqliteDatabase", _ENCRYPTED)

#: aiosqlite's own parameters. All others are passed to the class that opens the file.
_OF_AIOSQLITE = ("iter_chunk_size", "loop")

_IN_TRANSACTION = SERVER_STATUS.SERVER_STATUS_IN_TRANS
_AUTOCOMMIT = SERVER_STATUS.SERVER_STATUS_AUTOCOMMIT


class _RunDatabase:
    """A mixin that adds the failed statement to its error, without the parameters, which may be secret."""

    def execute_sql(self, sql: str, *arguments: Any, **options: Any) -> Any:
        try:
            return super().execute_sql(sql, *arguments, **options)  # type: ignore[misc]
        except pw.PeeweeException as error:
            setattr(error, STATEMENT, sql)
            raise


class _RunOnServer(_RunDatabase, ServerDatabase):
    #: Everything is read at once. No statement of ours has an answer near this.
    largest = 256 * 2**20
    #: How many seconds to wait for room for the connection, and for tables that are to be read.
    patience = 0.0


#: How often, in seconds, a SQLite file is looked at between two statements; in a transaction before each one. A look
#: costs as much as a fifth of a small SELECT.
LOOK_EVERY = 0.1


class _OpenFile:
    """A connection to a SQLite file; it lives as long as its thread knows it."""

    __slots__ = ("__weakref__", "connection")

    def __init__(self, connection: Any) -> None:
        self.connection = connection


class FileDatabase(pw.SqliteDatabase):
    """A SQLite database that notices before a statement if its file has been deleted or replaced.

    SQLite itself goes on with the file that it has opened, which no other process can see. The connection is closed and
    opened anew; in a transaction, which is undone with its file, the next statement raises OperationalError.
    """

    _state: Any

    def _connect(self) -> Any:
        _create_file(self)
        state, path = self._state, database_file(self)
        # Absolute, as the process may change its folder; asked before, so that no change is missed.
        state.file = None if path is None else path.absolute()
        state.identity, state.looked, state.lost = _identity(state.file), time.monotonic(), ""
        connection = super()._connect()  # type: ignore[misc]
        state.open_file = _OpenFile(connection)
        if path is not None:
            _open_files.add(state.open_file)
        return connection

    def _close(self, conn: Any) -> None:
        self._state.open_file = None
        super()._close(conn)  # type: ignore[misc]

    def cursor(self, named_cursor: str | None = None) -> Any:
        state = self._state
        if not state.closed and (why := self._lost()):
            in_transaction = self.in_transaction() or state.conn.in_transaction
            self._undo()
            if in_transaction or not self.autoconnect:
                raise pw.OperationalError(why)
            self.close()
        return super().cursor(named_cursor)  # type: ignore[no-untyped-call]

    def rollback(self) -> None:
        """Undo the transaction, in the file in which it was begun."""
        if not self.is_closed() and self._lost():
            self._undo()
        else:
            super().rollback()

    def _undo(self) -> None:
        with contextlib.suppress(Exception):  # of any driver; none is open
            self._state.conn.execute("ROLLBACK")

    def _lost(self) -> str:
        """Return why the connection is of no use any more, or an empty text."""
        state = self._state
        if not state.lost:
            now = time.monotonic()
            if now - state.looked < LOOK_EVERY and not state.conn.in_transaction:
                return ""
            state.looked = now
            if _identity(state.file) != state.identity:
                state.lost = "the file has been deleted or replaced while it was open"
        return str(state.lost)


class _RunOnFile(_RunDatabase, FileDatabase):
    pass


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from one that takes its place, or None if it cannot be seen."""
    if path is None:
        return None
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def open_database(target: Target) -> pw.Database:
    """Return the peewee database of an application. It connects when it is first used."""
    if target.scheme != "sqlite":
        return _left_by_forks(ServerDatabase(target.name, **server_parameters(target), sql_mode=SQL_MODE))
    database = FileDatabase(target.path, pragmas={"foreign_keys": 1})
    path = database_file(database)
    try:
        if path is not None and _is_missing(path) and not path.parent.is_dir():
            raise ConfigurationError(f"The SQLite file {path} is in a folder that does not exist: {path.parent}.")
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"The SQLite file's name is not valid ({said}): {one_line(target.path)}") from error
    return _left_by_forks(database)


def database_file(database: pw.Database) -> Path | None:
    """Return the file of a SQLite database; None for one in memory, and for a server."""
    if not isinstance(database, pw.SqliteDatabase) or is_private(database):
        return None
    name = str(database.database)
    if name.startswith("file:") and database.connect_params.get("uri"):
        name = unquote(urlsplit(name).path)
    return Path(name)


def _is_missing(path: Path) -> bool:
    """Return True if there is no such file. Raises OSError and ValueError for a name that is not possible."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False


def unwrap(database: object) -> pw.Database:
    """Return the database behind a peewee proxy.

    Raises UnsupportedServer for another engine, ConfigurationError for what is no database of peewee's or cannot work.
    """
    if isinstance(database, pw.Proxy):
        database = database.obj
    kind = type(database).__name__
    if not isinstance(database, pw.Database):
        raise ConfigurationError(f"expected a database URL or a peewee Database, got {kind}")
    if isinstance(database, pw.MySQLDatabase):
        carried_over(database)
    elif not isinstance(database, pw.SqliteDatabase):
        raise UnsupportedServer(f"{kind} is not supported; wch_peewee runs on SQLite, MySQL and MariaDB.")
    elif database.database is not None and is_private(database) and _is_any(database, _ASYNC, _QUEUE):
        raise ConfigurationError(
            f"{kind} cannot use an in-memory database, which only one thread would see; use a file, or SqliteDatabase."
        )
    return _left_by_forks(database)


def is_private(database: pw.Database) -> bool:
    """Return True if the database lives in its connection (SQLite in memory), so that no second one can reach it."""
    return isinstance(database, pw.SqliteDatabase) and (
        database.database in (":memory:", "", None) or "mode=memory" in str(database.database)
    )


def is_async(database: pw.Database) -> bool:
    """Return True for peewee's asyncio databases, which can be used in their event loop only."""
    return _is_any(database, _ASYNC)


def _sqlite_class(database: pw.SqliteDatabase) -> type[pw.SqliteDatabase]:
    """Return the class that opens the file with the same copy of SQLite as the application.

    Two copies in one process do not see each other's locks, and the first to close the file frees the other's.
    """
    return next((kind for kind in type(database).__mro__ if _name(kind) in _OWN_SQLITE), pw.SqliteDatabase)


def _pragmas_of(database: pw.SqliteDatabase) -> dict[str, Any]:
    """Return the pragmas without which an encrypted file cannot be read."""
    own: Any = database
    pragmas = dict(own._pragmas or ()) if _is_any(database, _ENCRYPTED) else {}
    return {name: value for name, value in pragmas.items() if name.lower().startswith(("cipher", "kdf", "hexkey"))}


def _is_any(database: pw.Database, *names: str) -> bool:
    kind: Any = type(database)
    return not _names(kind).isdisjoint(names)


@functools.cache
def _names(kind: type) -> frozenset[str]:
    return frozenset(map(_name, kind.__mro__))


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"


def for_reading(database: pw.Database) -> pw.Database:
    """Return an empty database in memory in place of a SQLite file that does not exist: reading creates no file."""
    path = database_file(database)
    if path is None or in_transaction(database):
        return database
    with contextlib.suppress(OSError, ValueError):  # connecting says what is wrong with it
        return pw.SqliteDatabase(":memory:") if _is_missing(path) else database
    return database


def dedicated(database: pw.Database, *, patience: float, lock_wait: int = LOCK_WAIT) -> pw.Database:
    """Return a new, unopened connection to the same database for one run.

    ``patience`` is how many seconds SQLite waits for another writer, and a server's connecting and reading for others
    to make room; ``lock_wait`` is how many a server's statement waits for a lock. It never reconnects by itself: a lock
    held on a lost connection is gone, and continuing without it would let two runs meet.
    """
    if isinstance(database, pw.SqliteDatabase):
        # Enforced keys would make a rebuild's DROP TABLE delete the children; the run checks them at its end.
        pragmas = {**_pragmas_of(database), "foreign_keys": 0}
        return _open_file(_RunOnFile, database, pragmas=pragmas, timeout=patience, autoconnect=False)
    parameters = carried_over(database)
    # Whatever the application's own text is encoded in, ours is sent as it is.
    collation = str(parameters.get("collation") or "")
    parameters |= {
        "charset": "utf8mb4",
        "collation": collation if collation.startswith("utf8mb4") else DEFAULT_COLLATION,
    }
    # Without FOUND_ROWS an UPDATE that changes nothing counts 0 rows, as if the row were not there.
    own = _RunOnServer(
        database.database,
        **parameters,
        client_flag=CLIENT.FOUND_ROWS,
        sql_mode=SQL_MODE,
        session=run_settings(lock_wait),
        autoconnect=False,
    )
    own.patience = patience
    return _left_by_forks(own)


def _open_file(base: type[FileDatabase], database: pw.SqliteDatabase, **options: Any) -> pw.Database:
    parameters = {key: value for key, value in database.connect_params.items() if key not in _OF_AIOSQLITE}
    kind: Any = _sqlite_class(database)
    opened = base if kind is pw.SqliteDatabase else type(f"{base.__name__}{kind.__name__}", (base, kind), {})
    return _left_by_forks(opened(database.database, **{**parameters, **options}))


def synchronous(database: pw.Database) -> pw.Database:
    """Return another database for what is asked outside of an event loop; only an asyncio database needs one."""
    if not is_async(database):
        return database
    if isinstance(database, pw.SqliteDatabase):
        return _open_file(FileDatabase, database)
    return _left_by_forks(ServerDatabase(database.database, **carried_over(database), sql_mode=SQL_MODE))


def patience_of(database: pw.Database) -> float:
    """Return how many seconds a connection of ``dedicated`` to a server waits for others; 0 for any other database."""
    return database.patience if isinstance(database, _RunOnServer) else 0.0


def is_dedicated(database: pw.Database) -> bool:
    """Return True for a connection that ``dedicated`` has made."""
    return isinstance(database, _RunDatabase)


def address(database: pw.Database) -> str:
    """Return what names the database in each process of this machine, whatever its account.

    One that is private, or that ``init()`` has not named yet, is named in this process only.
    """
    if is_private(database) or database.deferred:
        return f"{describe(database)} of process {os.getpid()}, {id(database):x}"
    with contextlib.suppress(OSError, ValueError):  # connecting says what is wrong with the file's name
        if (path := database_file(database)) is not None:
            return f"sqlite:///{path.resolve()}"
    return describe(database, account=False)


def describe(database: pw.Database, *, account: bool = True) -> str:
    """Return the name of the database for people, without its password."""
    if isinstance(database, pw.SqliteDatabase):
        return f"sqlite:///{database.database}"
    parameters = carried_over(database)
    options = (("unix_socket", str(parameters["unix_socket"])),) if parameters.get("unix_socket") else ()
    return str(
        Target(
            "mysql",
            host=str(parameters.get("host") or "localhost"),
            port=int(parameters.get("port") or 3306),
            user=str(parameters.get("user") or "") if account else "",
            name=str(database.database),
            options=options,
        )
    )


def _driver_connection(database: pw.Database) -> Any:
    connection: Any = database.connection()
    return connection.conn if is_async(database) else connection


def in_transaction(database: pw.Database) -> bool:
    """Return True if this thread's connection is in a transaction, even one that peewee does not know of."""
    if database.is_closed():
        return False
    connection = _driver_connection(database)
    if isinstance(database, pw.SqliteDatabase):
        return bool(connection.in_transaction)
    # In PyMySQL's words, and in those of the MySQL connector.
    begun = getattr(connection, "server_status", 0) & _IN_TRANSACTION or getattr(connection, "in_transaction", False)
    return bool(database.in_transaction() or begun)


def is_autocommitted(database: pw.Database) -> bool:
    """Return True if a statement on this thread's connection is known to be a transaction of its own.

    False if the driver does not tell. With autocommit off a transaction can have begun unnoticed: PyMySQL reads the
    server's status only from answers without a result, and not after a SELECT FOR UPDATE.
    """
    if database.is_closed() or in_transaction(database):
        return False
    if isinstance(database, pw.SqliteDatabase):
        return True
    return bool(getattr(_driver_connection(database), "server_status", 0) & _AUTOCOMMIT)


def may_be_open(database: pw.Database) -> bool:
    """Return True if this thread's connection may be in a transaction that peewee does not know of, and does not end.

    With autocommit off also a SELECT begins one.
    """
    if database.is_closed() or database.in_transaction():
        return False
    connection = _driver_connection(database)
    status = getattr(connection, "server_status", _AUTOCOMMIT)
    begun = getattr(connection, "in_transaction", False) or status & _IN_TRANSACTION
    return bool(begun or not status & _AUTOCOMMIT)


def release_lost(database: pw.Database) -> None:
    """Close a server's connection that has ended, so that the next statement opens another; not in a transaction.

    ``ServerDatabase`` does this by itself, peewee's own databases and pools do not. Other drivers than PyMySQL have to
    ask the server.
    """
    if not isinstance(database, pw.MySQLDatabase) or database.is_closed() or in_transaction(database):
        return
    own: Any = database
    if not own.is_connection_usable() if is_connector(database) else is_lost(own.connection()):
        database.close()


@contextlib.contextmanager
def connected(database: pw.Database) -> Iterator[pw.Database]:
    """Open the database for the block, in this thread; a connection that was open before stays open."""
    opened = False
    if database.is_closed():
        connect(database)
        opened = True
    try:
        yield database
    finally:
        if opened:
            with contextlib.suppress(pw.PeeweeException):
                database.close()


def _create_file(database: pw.Database) -> None:
    """Create a SQLite file that does not exist yet, for its owner alone: it will hold customers' data.

    SQLite would create it as the umask says. Its journals take the file's mode.
    """
    path = database_file(database)
    if path is not None and not re.search(r"[?&]mode=r[ow](&|\Z)", str(database.database)):
        with contextlib.suppress(OSError, ValueError):  # it exists, or SQLite says why it cannot be made
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def attempts(patience: float, reason: Callable[[], str], every: float | None = None) -> Iterator[None]:
    """Yield for each attempt: at once, and again until ``patience`` seconds are over.

    The attempts are about ``every`` seconds apart, by default further each time. The first wait is logged as a warning
    that begins with ``reason()``.
    """
    deadline = time.monotonic() + patience
    for attempt in itertools.count(1):
        yield
        if (left := deadline - time.monotonic()) <= 0:
            return
        if attempt == 1:
            logger.warning("%s; waiting up to %s", reason(), duration(round(patience, 1)))
        rest = min(5.0, 0.1 * 2.0 ** min(attempt, 5)) if every is None else every
        time.sleep(min(rest * random.uniform(0.5, 1.5), left))


def _connect(database: pw.Database) -> None:
    for _ in attempts(patience_of(database), lambda: f"{describe(database)} has too many connections", every=0.6):
        try:
            database.connect(reuse_if_open=True)
            return
        except pw.PeeweeException as error:
            if not is_crowded(error):
                raise
            crowded = error
    raise crowded


def connect(database: pw.Database) -> None:
    """Connect, in one line that says what to do if that fails.

    Raises DatabaseUnavailable. Raises Busy if another process holds a SQLite file, or if a server has no room for
    another connection, for which a run waits as long as its patience lasts.
    """
    _create_file(database)
    try:
        _connect(database)
        if isinstance(database, pw.SqliteDatabase):
            database.execute_sql("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        elif isinstance(database, _RunOnServer) and (altered := altered_setting(database, database.settings())):
            raise UnsupportedServer(
                f"{describe(database)}: the connection loses its session settings: {altered}. "
                "If there is a proxy, connect to the server directly. Nothing was changed."
            )
    except WchError:
        database.close()
        raise
    except Exception as error:  # a driver may raise anything
        with contextlib.suppress(Exception):
            database.close()
        if isinstance(database, _RunOnServer) and is_crowded(error):
            waited = f"waited {duration(database.patience)} ({error.args[-1]})"
            raise Busy(f"{describe(database)}: the server has too many connections; {waited}.") from error
        raise opening_error(describe(database), database, database_file(database), error) from error


# A fork inherits its parent's connections. It must not use them, and must not end them.

_databases: WeakSet[pw.Database] = WeakSet()
_open_files: WeakSet[_OpenFile] = WeakSet()

#: The connections to SQLite files, of all threads, during a fork.
_inherited: list[Any] = []


_LEFT = "this connection was opened before the fork and belongs to the parent process"


class _LeftConnection:
    """In a child, a connection with a transaction of the parent. It ends in silence; all else is an error."""

    def close(self) -> None:
        pass

    rollback = close

    def __getattr__(self, name: str) -> Any:
        raise pw.OperationalError(_LEFT)


def _left_by_forks(database: pw.Database) -> pw.Database:
    """Let children of this process begin without the connection of ``database``."""
    _databases.add(database)
    return database


def _before_fork() -> None:
    _inherited.extend(one.connection for one in _open_files)


def _begin_child() -> None:
    kept = list(_inherited)
    _inherited.clear()
    for database in list(_databases):
        if _is_any(database, _ASYNC, _QUEUE):
            continue  # their connections belong to an event loop or a thread, which are the parent's
        own: Any = database
        own._lock = threading.RLock()  # another thread of the parent may have held it
        if is_private(own):
            continue  # what is in memory is a copy
        for connection in _leave_to_parent(own):
            if isinstance(connection, pymysql.connections.Connection):
                own_connection: Any = connection
                own_connection._force_close()  # closes the socket here, and says nothing to the server
            else:
                kept.append(connection)
    if kept:
        import ctypes  # some milliseconds, which few processes need

        # To close one would end it on the server, or undo the parent's transaction in the file. So it is kept, at the
        # end of the child as well.
        for connection in kept:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _leave_to_parent(own: Any) -> list[Any]:
    """Let the database begin anew, and return the parent's connections: this thread's, and those of a pool."""
    left, state = [], own._state
    if hasattr(own, "_pool_lock"):  # playhouse.pool
        left += [connection for *_, connection in own._connections]
        left += [one.connection for one in own._in_use.values()]
        own._connections, own._in_use, own._pool_lock = [], {}, threading.RLock()
        own._pool_available = threading.Condition(own._pool_lock)
    if own.is_closed():
        return left
    left.append(state.conn)
    # A transaction belongs to the parent. Inside its block here every statement is an error.
    if not state.transactions:
        state.reset()
    elif not isinstance(state.conn, pymysql.connections.Connection):
        state.conn, state.lost = _LeftConnection(), _LEFT
    return left


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_inherited.clear, after_in_child=_begin_child)
