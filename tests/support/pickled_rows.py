"""What processes do with rows that were pickled for them; a module, so that every start method can import it."""

from __future__ import annotations

import os
from typing import Any

from wch_peewee import Plugin

#: The plugin of this process, without which no row could be unpickled.
_kept: list[Plugin] = []


def begin(url: str) -> None:
    _kept.append(Plugin(url))


def assign(row: Any) -> tuple[Any, list[str], int]:
    """Change a row, and return it with the names of its messages, and the process."""
    (plugin,) = _kept[-1:]
    with plugin.database:
        row.assigned_agent_id += 100
        assert row.save() == 1
        return row, [message.wa_message_id for message in row.messages], os.getpid()
