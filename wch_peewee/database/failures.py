"""What a driver's error means for the caller, and what to do about it, in words."""

import contextlib
import os
import ssl
from pathlib import Path

import peewee as pw

from ..errors import Busy, DatabaseUnavailable, MissingPrivileges, StatementFailed, WchError, one_line
from ..schema.base import Failure

#: The attribute of an error that holds the statement of a run that has failed.
STATEMENT = "_wch_peewee_statement"

#: What to do about a damaged file. A copy has to have its journals, which can hold its last changes.
RESCUE = (
    "Stop all programs that use it, copy it with its -wal and -journal files, then restore a backup or try .recover in "
    "the sqlite3 shell."
)

#: The end of an advice to run again.
ELSEWHERE = ", on another node or the new primary if this server was replaced"

_NO_DATABASE = "the database does not exist, or this user may not see it; create it, or check its name."
_TLS_ONLY = "the server accepts connections with TLS only; add ?ssl=1 to the URL."
_NO_SERVER = (
    "cannot reach the server ({said}); check host and port, and that the server is running; in a cluster, try the "
    "address of the whole cluster or another node."
)
_REASONS: dict[object, str] = {
    1044: _NO_DATABASE,
    1045: "the server refused the user or password ({said}); check both, in the URL or DB_USER and DB_PASSWORD in "
    "wp-config.php. Some accounts also require TLS (?ssl=1).",
    1049: _NO_DATABASE,
    2002: _NO_SERVER,
    2003: _NO_SERVER,
    2012: "this is not a MySQL or MariaDB server ({said}); check host and port.",
    2013: "the server closed the connection or did not answer while connecting ({said}); check host and port.",
    2026: "?ssl requires TLS, which the server does not offer; enable it there, or remove ?ssl.",
    3159: _TLS_ONLY,
    4031: _TLS_ONLY,
}


def database_error(where: str, meaning: Failure, error: Exception) -> WchError:
    """Translate a driver's error into the library's exception."""
    said = str(error.args[-1]) if error.args else str(error)
    if meaning == "waiting":
        return Busy(f"{where}: another session held a lock for too long; try again later ({said})")
    if meaning == "lost":
        return DatabaseUnavailable(f"{where}: the connection was lost; run the same command again{ELSEWHERE} ({said})")
    if meaning == "not here":
        return DatabaseUnavailable(f"{where}: writes are refused now ({said}); run the same command again{ELSEWHERE}")
    if meaning == "damaged":
        return DatabaseUnavailable(f"{where}: {damage(said)} Run wch doctor for details. {RESCUE}")
    if meaning == "denied":
        advice = "check the account's privileges, or the permissions of a SQLite file and its folder"
        return MissingPrivileges(f"{where}: permission denied ({said}); {advice}")
    return StatementFailed(f"{where}: the database returned an error ({said})", sql=getattr(error, STATEMENT, ""))


def opening_error(where: str, database: pw.Database, path: Path | None, error: Exception) -> WchError:
    """Return the error for a database that cannot be opened; ``path`` is the file of one that has a file."""
    if isinstance(database, pw.SqliteDatabase):
        from ..schema.sqlite.base import SQLiteBase  # a process that uses servers alone does without

        # A damaged schema is quoted in the error, and need not be UTF-8.
        said = error.object.decode(errors="replace") if isinstance(error, UnicodeDecodeError) else str(error)
        meaning = SQLiteBase().failure((said,))
        if meaning == "waiting":
            return Busy(f"{where}: another process has locked the file; try again later.")
        if meaning == "damaged" and database.connect_params.get("passphrase"):
            return DatabaseUnavailable(f"{where}: wrong passphrase, or a damaged file.")
        if meaning == "damaged":
            return DatabaseUnavailable(f"{where}: {damage(said)} {RESCUE}")
    reason = _REASONS.get(error.args[0] if error.args else None, "cannot be opened ({said}).")
    if tls := _tls_failure(error):
        reason = f"TLS failed ({tls}); check ?ssl, ?ssl_ca and the server's certificate."
    with contextlib.suppress(OSError):
        if path is not None and path.is_dir():
            reason = "cannot be opened: it is a folder; expected a file."
        elif path is not None and path.exists() and not os.access(path, os.R_OK):
            reason = "cannot be opened: this user may not read it; change the file's permissions."
    return DatabaseUnavailable(f"{where}: {reason.replace('{said}', str(error.args[-1] if error.args else error))}")


def damage(said: str) -> str:
    """Return in a sentence what is wrong with a SQLite file; ``said`` are SQLite's words."""
    what = "not a SQLite database, or its header is damaged" if "not a database" in said else "damaged"
    # A text that cannot be decoded is a customer's.
    return f"the file is {what} ({one_line(said.partition(' with text ')[0])})."


def _tls_failure(error: BaseException | None) -> str:
    """Return what TLS said if that is the cause: PyMySQL reports it as a server that cannot be reached."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return str(getattr(error, "verify_message", "") or error.reason or error)
        error = getattr(error, "original_exception", None) or error.__cause__ or error.__context__
    return ""
