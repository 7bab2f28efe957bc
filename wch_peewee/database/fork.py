"""A fork inherits its parent's connections. It must not use them, and must not end them."""

import os
import sqlite3
import threading
from typing import Any
from weakref import WeakSet

import peewee as pw

_connected: WeakSet[pw.Database] = WeakSet()

#: Connections of the parent to SQLite files. Closing one here could remove the parent's journal.
_inherited: list[sqlite3.Connection] = []


def watch_for_forks(database: pw.Database) -> None:
    """Let a child of this process begin without the connections of ``database``, which is being connected."""
    _connected.add(database)


def _begin_child() -> None:
    for database in list(_connected):
        own: Any = database
        own._lock = threading.RLock()  # another thread of the parent may have held it
        if not own.is_closed():
            _leave_to_parent(own._state)


def _leave_to_parent(state: Any) -> None:
    if isinstance(state.conn, sqlite3.Connection):
        _inherited.append(state.conn)
        state.conn = sqlite3.connect(":memory:")
        state.conn.close()
    else:
        state.conn._force_close()  # closes the socket here, and says nothing to the server
    # A transaction belongs to the parent. Inside its block here every statement is an error.
    if not state.transactions:
        state.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)
