"""MySQL and MariaDB through PyMySQL, without work that PyMySQL does needlessly."""

import contextlib
import functools
import select
import ssl
from datetime import datetime
from typing import Any

import peewee as pw
import pymysql
from pymysql import converters
from pymysql.charset import charset_by_name
from pymysql.constants import CR, FIELD_TYPE, SERVER_STATUS

from .fork import watch_for_forks
from .session import session_settings

_IN_TRANSACTION = SERVER_STATUS.SERVER_STATUS_IN_TRANS


@functools.cache
def _unverified_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Connection(pymysql.connections.Connection):
    """PyMySQL's, which loads the machine's certificate authorities (some 25 ms) even where it verifies nothing.

    Connecting ends in time, and in an error of PyMySQL's, whatever answers at that address.
    """

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """Note the encoding alone: the server is told with all other settings, and after ``init_command``."""
        own: Any = self
        own.charset, own.encoding, own.collation = charset, charset_by_name(charset).encoding, collation

    def connect(self, sock: Any = None) -> None:
        own: Any = self
        timeout = own._read_timeout
        # A server that waits for its client to speak first would be waited for without end.
        own._read_timeout = timeout or own.connect_timeout
        try:
            super().connect(sock)
        except pymysql.MySQLError as error:
            if isinstance(error, pymysql.InternalError):
                raise pymysql.OperationalError(CR.CR_SERVER_HANDSHAKE_ERR, str(error.args[-1])) from error
            raise
        except Exception as error:  # garbage is read as if it were a packet
            raise pymysql.OperationalError(CR.CR_SERVER_HANDSHAKE_ERR, f"{type(error).__name__}: {error}") from error
        finally:
            own._read_timeout = timeout

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        if isinstance(sslp, ssl.SSLContext) or set(sslp or ()) - {"ssl"}:
            context: ssl.SSLContext = super()._create_ssl_ctx(sslp)  # type: ignore[misc]
            return context
        return _unverified_tls()


def is_lost(connection: Any) -> bool:
    """Return True if a connection of PyMySQL has ended since its last answer, without asking the server."""
    if not isinstance(connection, pymysql.connections.Connection):
        return False
    own: Any = connection
    if own._sock is None:
        return True
    if own._result is not None and (own._result.unbuffered_active or own._result.has_next):
        return False
    # Between two commands a server sends nothing but its farewell.
    if not hasattr(select, "poll"):
        return bool(select.select([own._sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(own._sock, select.POLLIN)
    return bool(poll.poll(0))


def server_moment(text: str) -> Any:
    """Parse a DATETIME as PyMySQL does, zero dates included, in a tenth of the time for real ones."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return converters.convert_datetime(text)


_CONVERSIONS = {**converters.conversions, FIELD_TYPE.DATETIME: server_moment, FIELD_TYPE.TIMESTAMP: server_moment}


#: What SET NAMES sets.
_CHARACTER_SETS = ("character_set_client", "character_set_connection", "character_set_results")


class ServerDatabase(pw.MySQLDatabase):
    """MySQL or MariaDB through PyMySQL, whatever other drivers are installed.

    A connection that has been lost is replaced before the next statement. Inside a transaction that statement raises
    OperationalError instead, because what came before it is undone.
    """

    _state: Any

    def cursor(self, named_cursor: str | None = None) -> Any:
        if self._is_lost() and self.autoconnect:
            self._replace()
        return super().cursor(named_cursor)  # type: ignore[no-untyped-call]

    def rollback(self) -> None:
        """Undo the transaction, which the server has done already if the connection is lost."""
        if self._is_lost():
            self._state.conn.server_status &= ~_IN_TRANSACTION
        else:
            super().rollback()

    def _is_lost(self) -> bool:
        return not self.is_closed() and is_lost(self._state.conn)

    def _replace(self) -> None:
        lost = self._state.conn
        if self.in_transaction() or lost.server_status & _IN_TRANSACTION:
            lost.server_status &= ~_IN_TRANSACTION  # begun without peewee, it ends with this error
            raise pw.OperationalError(
                CR.CR_SERVER_LOST, "the connection was lost inside a transaction, which is undone; begin it again"
            )
        with contextlib.suppress(pymysql.MySQLError):
            lost.close()
        with pw.__exception_wrapper__:  # type: ignore[attr-defined]
            self._state.conn = self._connect()

    def _connect(self) -> Any:
        watch_for_forks(self)
        parameters = {"conv": _CONVERSIONS, **self.connect_params}
        for name in ("sql_mode", "session"):
            parameters.pop(name, None)
        connection: Any = _Connection(database=self.database, **parameters)
        try:
            with connection.cursor() as cursor:
                names = f"SET NAMES {connection.charset}"
                names += f" COLLATE {connection.collation}" if connection.collation else ""
                settings = self._settings(connection)
                assignments = (f"SESSION {name} = %s" for name in settings)
                cursor.execute(", ".join([names, *assignments]), tuple(settings.values()))
        except BaseException:
            connection.close()
            raise
        return connection

    def settings(self) -> dict[str, object]:
        """Return what the open connection has set, by the name of the variable."""
        own: Any = self
        connection = own.connection()
        names = dict.fromkeys(_CHARACTER_SETS, connection.charset)
        if connection.collation:
            names["collation_connection"] = connection.collation
        return {**names, **self._settings(connection)}

    def _settings(self, connection: Any) -> dict[str, object]:
        own = self.connect_params
        settings = {**session_settings(connection.get_server_info()), **own.get("session", {})}
        return settings if own.get("sql_mode") is None else {**settings, "sql_mode": own["sql_mode"]}
