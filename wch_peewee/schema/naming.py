"""The names that belong to an installation, computed from its table prefix.

None is ever found by a pattern: ``_`` is a wildcard, and one site's prefix can begin with another's.
"""

import hashlib
import re

from ..errors import ConfigurationError, UnknownTable

DEFAULT_PREFIX = "wp_"

# Parents before children.
TABLES = ("conversations", "messages", "carts", "customer_profiles", "broadcast_campaigns", "sync_queue")

_MARK = "wch_"
_HISTORY = f"{_MARK}migratehistory"
_LONGEST = max(len(_MARK + table) for table in TABLES)
_MAX_IDENTIFIER = 64
_PREFIX_SHAPE = re.compile(r"[A-Za-z0-9_]*", re.ASCII)


def check_prefix(prefix: str) -> str:
    """Return the prefix, which may be empty. Raises ConfigurationError if it is not possible."""
    if not isinstance(prefix, str) or not _PREFIX_SHAPE.fullmatch(prefix):
        raise ConfigurationError(
            f"Table prefix {prefix!r} is not possible: only letters A-Z and a-z, digits and underscores are allowed."
        )
    if len(prefix) + _LONGEST > _MAX_IDENTIFIER:
        raise ConfigurationError(
            f"Table prefix {prefix!r} is too long: {len(prefix)} characters, at most {_MAX_IDENTIFIER - _LONGEST} fit."
        )
    return prefix


def logical_name(table: str) -> str:
    """Return the name without prefix and mark: ``carts`` for ``wch_carts`` and ``carts``. Raises UnknownTable."""
    if table in TABLES:
        return table
    if isinstance(table, str) and table.removeprefix(_MARK) in TABLES:
        return table.removeprefix(_MARK)
    raise UnknownTable(f"Unknown table {table!r}; the tables are {', '.join(TABLES)}.")


def full_table_name(table: str, prefix: str | None = None) -> str:
    """Return the full name of one of the six tables; the default prefix is ``wp_``. Raises UnknownTable."""
    return check_prefix(DEFAULT_PREFIX if prefix is None else prefix) + _MARK + logical_name(table)


def history_table_name(prefix: str) -> str:
    """Return the name of the table that lists the applied migrations."""
    return check_prefix(prefix) + _HISTORY


def options_table_name(prefix: str) -> str:
    """Return the name of WordPress's options table."""
    return check_prefix(prefix) + "options"


def owned_names(prefix: str) -> tuple[str, ...]:
    """Return the tables that an installation owns: the six, parents first, then the history."""
    return (*(full_table_name(table, prefix) for table in TABLES), history_table_name(prefix))


def constraint_name(table: str, suffix: str) -> str:
    """Return a constraint's name that is unique in the database, because it contains the full table name."""
    name = f"{table}_{suffix}"
    if len(name) <= _MAX_IDENTIFIER:
        return name
    # Two long names could be equal once they are cut; the hash tells them apart, and is the same on every run.
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _MAX_IDENTIFIER - len(digest) - 1]}_{digest}"
