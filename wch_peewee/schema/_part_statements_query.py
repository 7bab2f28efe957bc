"""What a dialect hands out to be asked. Apart from ``statements``, for admin_init asks and changes nothing.

Query("SELECT COUNT(*) FROM wp_wch_carts WHERE id > ?", (10,))
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """A read, with its parameters."""

    sql: str
    params: tuple[object, ...] = ()
