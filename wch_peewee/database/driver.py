"""MySQL and MariaDB through PyMySQL, as a peewee database."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee as pw
import pymysql
from pymysql import converters
from pymysql.constants import CLIENT, CR, FIELD_TYPE, SERVER_STATUS

from ..errors import ConfigurationError
from .connection import ServerConnection, is_lost
from .session import session_settings
from .url import Target

#: What WordPress itself installs with, and connects with, on every supported server.
DEFAULT_COLLATION = "utf8mb4_unicode_520_ci"

#: How many seconds a statement of the application waits for a table that is locked; the servers' defaults are a day and
#: a year. For a row InnoDB waits as long.
TABLE_WAIT = 50

_IN_TRANSACTION = SERVER_STATUS.SERVER_STATUS_IN_TRANS


def server_moment(text: str) -> Any:
    """Parse a DATETIME as PyMySQL does, zero dates included, in a tenth of the time for real ones."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return converters.convert_datetime(text)


_CONVERSIONS = {**converters.conversions, FIELD_TYPE.DATETIME: server_moment, FIELD_TYPE.TIMESTAMP: server_moment}


#: What SET NAMES sets.
_CHARACTER_SETS = ("character_set_client", "character_set_connection", "character_set_results")


_COLLATED = (
    "SET SESSION collation_connection = COALESCE((SELECT table_collation FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_name = %s AND table_collation LIKE 'utf8mb4%%'), %s)"
)
#: PyMySQL's words for what other drivers call otherwise.
_RENAMED = {
    "username": "user",
    "passwd": "password",
    "connection_timeout": "connect_timeout",
    "default_file": "read_default_file",
    "default_group": "read_default_group",
}
#: Parameters that say where the server is, who asks or whom to trust, and that PyMySQL has no word for.
_NOT_CARRIED_OVER = (
    *("option_files", "option_groups", "failover", "dns_srv", "dsn", "password1", "password2", "password3"),
    *("kerberos_auth_mode", "krb_service_principal", "oci_config_file", "oci_config_profile", "openid_token_file"),
    *("webauthn_callback", "ssl_capath", "ssl_crl", "ssl_crlpath"),
)
#: Parameters of PyMySQL's that a run sets itself, or that would change what it reads.
_OF_A_RUN = (
    *("sql_mode", "read_timeout", "write_timeout", "client_flag", "cursorclass", "autocommit", "use_unicode", "conv"),
    *("compress", "named_pipe", "defer_connect", "database", "db", "passwd"),
)
_OF_PYMYSQL = set(pymysql.connections.Connection.__init__.__kwdefaults__ or ()) - set(_OF_A_RUN)


class ServerDatabase(pw.MySQLDatabase):
    """MySQL or MariaDB through PyMySQL, whatever other drivers are installed.

    A connection that has been lost is replaced before the next statement. Inside a transaction that statement raises
    OperationalError instead, because what came before it is undone.
    """

    #: How many bytes the answer to one statement may have; 0 is no limit.
    largest = 0
    #: The table whose collation sessions take, if it is there: otherwise a CAST could not be compared with its columns.
    collated_as = ""

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
        if lost.server_status & _IN_TRANSACTION:
            if not self.in_transaction():  # begun without peewee, or at its COMMIT: it ends with this error
                lost.server_status &= ~_IN_TRANSACTION
            raise pw.OperationalError(
                CR.CR_SERVER_LOST, "the connection was lost inside a transaction, which was rolled back; begin it again"
            )
        lost._force_close()  # PyMySQL's close() fails the second time, which comes if no connection can be made now
        with pw.__exception_wrapper__:  # type: ignore[attr-defined]
            self._state.conn = self._connect()

    def _connect(self) -> Any:
        # Autocommit is among our settings; PyMySQL would switch it off first, with a statement of its own.
        parameters = {"conv": _CONVERSIONS, "autocommit": None, **self.connect_params}
        for name in ("sql_mode", "session"):
            parameters.pop(name, None)
        connection: Any = ServerConnection(database=self.database, **parameters)
        try:
            with connection.cursor() as cursor:
                names = f"SET NAMES {connection.charset}"
                names += f" COLLATE {connection.collation}" if connection.collation else ""
                settings = self._settings(connection)
                assignments = (f"SESSION {name} = %s" for name in settings)
                cursor.execute(", ".join([names, *assignments]), tuple(settings.values()))
                if self.collated_as and connection.collation:  # on its own, behind the limits of time
                    cursor.execute(_COLLATED, (self.collated_as, connection.collation))
            connection.watch(self.largest)
            self.mariadb = "mariadb" in connection.get_server_info().lower()  # peewee's, for JSON in queries
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
        always = {"lock_wait_timeout": TABLE_WAIT, **session_settings(connection.get_server_info())}
        settings = {**always, **own.get("session", {})}
        return settings if own.get("sql_mode") is None else {**settings, "sql_mode": own["sql_mode"]}


def carried_over(database: pw.Database) -> dict[str, Any]:
    """Return the parameters of an application's database for PyMySQL.

    What only concerns how the application reads is left out. Raises ConfigurationError for a parameter without words,
    and for one with which the models would take an answer for another.
    """
    given = {name: value for name, value in database.connect_params.items() if value is not None}
    flags = given.get("client_flag") or given.get("client_flags") or 0
    found_rows = flags & CLIENT.FOUND_ROWS if isinstance(flags, int) else CLIENT.FOUND_ROWS in flags
    is_dict = "Dict" in str(given.get("cursorclass"))
    for there, name in ((found_rows, "client flag FOUND_ROWS"), (is_dict, "cursorclass"), (given.get("raw"), "raw")):
        if there and not isinstance(database, ServerDatabase):  # ours are not the application's
            raise ConfigurationError(
                f"{type(database).__name__} has the {name}, with which peewee misreads results: unchanged rows "
                "count as written, or values are not found. Omit it."
            )
    for name in _NOT_CARRIED_OVER:
        if name in given:
            raise ConfigurationError(
                f"{type(database).__name__} has the parameter {name}, which is not supported: an upgrade opens "
                "a connection of its own, with PyMySQL. Use host, port, unix_socket, user, password and ssl_ca instead."
            )
    parameters = {_RENAMED.get(name, name): value for name, value in given.items()}
    if isinstance(parameters.get("ssl"), int):  # as the MariaDB connector and playhouse.db_url have it
        parameters["ssl"] = {"ssl": True} if parameters["ssl"] else None
    if isinstance(password := parameters.get("password"), str) and is_connector(database):
        # PyMySQL sends a str as Latin-1, the others as UTF-8.
        parameters["password"] = password.encode("utf-8", "surrogateescape")
    return {name: value for name, value in parameters.items() if name in _OF_PYMYSQL}


def is_connector(database: pw.Database) -> bool:
    """Return True for a database of another driver than PyMySQL, or aiomysql, which is made of it."""
    return any(kind.__module__ == "playhouse.mysql_ext" for kind in type(database).__mro__)


def server_parameters(target: Target) -> dict[str, Any]:
    """Return PyMySQL's parameters for a target on a server. Raises ConfigurationError for one that is not possible."""
    options = dict(target.options)
    named = {"user": target.user, "password": target.password, "name": target.name, "host": target.host, **options}
    for part, text in named.items():
        try:
            text.encode("idna" if part == "host" else "utf-8", "surrogateescape" if part == "password" else "strict")
        except UnicodeError:
            raise ConfigurationError(f"The {part} of the database is not valid: it cannot be encoded.") from None
        if "\0" in text:
            raise ConfigurationError(f"The {part} of the database is not valid: it contains a NUL character.")
    # A str would go out as Latin-1, which is not what other clients send.
    password = target.password.encode("utf-8", "surrogateescape")
    parameters: dict[str, Any] = {"user": target.user, "password": password, "charset": "utf8mb4"}
    # As WordPress's own sessions: the server's default would meet the columns in a CAST, and that is error 1267.
    parameters["collation"] = options.get("collation", DEFAULT_COLLATION)
    if "unix_socket" in options:
        parameters["unix_socket"] = options["unix_socket"]
    else:
        parameters |= {"host": target.host, "port": target.port}
    if "ssl_ca" in options:
        if not Path(options["ssl_ca"]).is_file():
            raise ConfigurationError(f"ssl_ca in the database URL is not a file: {options['ssl_ca']}.")
        # Without these PyMySQL encrypts but accepts any certificate.
        parameters |= {"ssl_ca": options["ssl_ca"], "ssl_verify_cert": True, "ssl_verify_identity": True}
    elif options.get("ssl", "0") not in ("", "0"):
        parameters["ssl"] = {"ssl": True}
    if "connect_timeout" in options:
        seconds = options["connect_timeout"]
        if not re.fullmatch("[0-9]{1,8}", seconds) or not 1 <= int(seconds) <= 31_536_000:  # PyMySQL's limit
            found = f"connect_timeout in the database URL is {seconds!r}"
            raise ConfigurationError(f"{found}; expected whole seconds, 1 to 31536000.")
        parameters["connect_timeout"] = int(seconds)
    return parameters
