"""The names that belong to an installation, computed from its namespace and its table prefix.

None is ever found by a pattern: ``_`` is a wildcard, and one site's prefix can begin with another's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import ConfigurationError, UnknownTable

DEFAULT_PREFIX = "wp_"

#: In front of a key it names a table outside the namespace: ``{prefix}posts`` is ``wp_posts``.
OUTSIDE = "{prefix}"

#: WordPress's tables that all sites of a network share.
SHARED = ("users", "usermeta")
_BOOKS = ("migratehistory", "migrateledger")
_MAX_IDENTIFIER = 64
_PREFIX_SHAPE = re.compile(r"[A-Za-z0-9_]*", re.ASCII)
_NAMESPACE_SHAPE = re.compile(r"[a-z]([a-z0-9_]{0,18}[a-z0-9])?", re.ASCII)
_KEY_SHAPE = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Namespace:
    """What tells one plugin's tables and settings from another's.

    ``package`` is what has to be upgraded when the database is newer, the name by default; two values of one name are
    the same namespace. Raises ConfigurationError.

    >>> Namespace("shop").version_option, Namespace("shop").remove_data
    ('shop_db_version', 'SHOP_REMOVE_DATA')
    """

    name: str
    package: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not (_NAMESPACE_SHAPE.fullmatch(self.name) or not self.name):
            raise ConfigurationError(
                f"Namespace {self.name!r} is not valid: expected up to 20 lowercase letters, digits and underscores, "
                "starting with a letter and not ending with an underscore."
            )
        if not self.package:
            object.__setattr__(self, "package", self.name)

    @property
    def mark(self) -> str:
        """What stands between the table prefix and a table's key."""
        return f"{self.name}_" if self.name else ""

    @property
    def version_option(self) -> str:
        """The WordPress option that holds the schema version."""
        return f"{self.name}_db_version"

    @property
    def lease_option(self) -> str:
        """The WordPress option that is the lock on a Galera cluster; WordPress's own are called NAME.lock, too."""
        return f"{self.name}_db_upgrade.lock"

    @property
    def remove_data(self) -> str:
        """The constant, and the variable of the environment, that allows data to be removed."""
        return f"{self.name.upper()}_REMOVE_DATA"

    def check_key(self, key: str) -> str:
        """Return a table's key without the mark. Raises ConfigurationError if it is not possible."""
        plain = key.removeprefix(self.mark) if isinstance(key, str) else ""
        if not _KEY_SHAPE.fullmatch(plain) or plain.endswith(_BOOKS):
            raise ConfigurationError(
                f"Table key {key!r} is not valid: expected lowercase letters, digits and underscores with a letter in "
                f"front, and not {' or '.join(_BOOKS)} at the end."
            )
        return plain

    def at(self, prefix: str | None = None, keys: tuple[str, ...] = ()) -> Names:
        """Return the names under a table prefix, by default ``wp_``. Raises ConfigurationError."""
        return Names(self, DEFAULT_PREFIX if prefix is None else prefix, keys)


#: WordPress's own tables, which foreign keys may refer to. No Plugin owns one.
WORDPRESS = Namespace("")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one installation. ``keys`` are its tables, parents first.

    ``network`` is the prefix of the network's main site, where the tables are that all its sites share; None for an
    installation of its own, and as long as nobody has looked.
    Raises ConfigurationError if the prefix is not possible, or too long for the tables.
    """

    namespace: Namespace
    prefix: str
    keys: tuple[str, ...] = ()
    network: str | None = None

    def __post_init__(self) -> None:
        check_prefix(self.prefix)
        mark, longest = self.namespace.mark, max((*self.keys, *_BOOKS), key=len)
        most = _MAX_IDENTIFIER - len(mark + longest)
        if len(self.prefix) > most < len(DEFAULT_PREFIX):
            raise ConfigurationError(
                f"Table key {longest!r} is too long: {len(longest)} characters, at most "
                f"{_MAX_IDENTIFIER - len(DEFAULT_PREFIX + mark)} fit behind {DEFAULT_PREFIX}{mark}."
            )
        if len(self.prefix) > most:
            raise ConfigurationError(
                f"Table prefix {self.prefix!r} is too long: {len(self.prefix)} characters, expected at most {most}."
            )

    def at(self, prefix: str, network: str | None = None) -> Names:
        """Return the names of the same tables under another prefix."""
        return replace(self, prefix=prefix, network=network)

    @property
    def start(self) -> str:
        """What the names of all tables begin with. It is for making names, never for finding tables."""
        return self.prefix + self.namespace.mark

    def table(self, key: str) -> str:
        """Return the full name for a key, also of a table of other migrations, or outside the namespace."""
        key = key.removeprefix(OUTSIDE) if key.startswith(OUTSIDE) else self.namespace.mark + key
        return (self.prefix if self.network is None or key not in SHARED else self.network) + key

    def namesakes(self) -> dict[str, tuple[str, str]]:
        """Return the tables that could be another namespace's, each with its name, by the history of that namespace.

        ``shop`` with the key ``pro_things`` and ``shop_pro`` with ``things`` name the same table.
        """
        own, found = self.namespace.name, {}
        for table in self.tables:
            words = table.removeprefix(self.prefix).split("_")
            for other in ("_".join(words[:number]) for number in range(1, len(words))):
                if other != own and (other.startswith(self.namespace.mark) or own.startswith(f"{other}_")):
                    found[f"{self.prefix}{other}_{_BOOKS[0]}"] = table, other
        return found

    def key(self, name: str) -> str:
        """Return the key for a full name: the reverse of ``table``."""
        return (
            name.removeprefix(self.start) if name.startswith(self.start) else OUTSIDE + name.removeprefix(self.prefix)
        )

    def known(self, table: str) -> str:
        """Return the full name of one of the tables, given with or without its mark. Raises UnknownTable."""
        for key in self.keys:
            if table in (key, self.namespace.mark + key):
                return self.table(key)
        raise UnknownTable(f"Unknown table {table!r}; expected one of {', '.join(self.keys)}.")

    @property
    def tables(self) -> tuple[str, ...]:
        """The full names of the tables, parents first."""
        return tuple(map(self.table, self.keys))

    @property
    def history(self) -> str:
        """The table that lists the applied migrations."""
        return self.table(_BOOKS[0])

    @property
    def ledger(self) -> str:
        """The table that keeps what was done with migrations, and how it ended."""
        return self.table(_BOOKS[1])

    @property
    def books(self) -> tuple[str, str]:
        """The tables in which the installation keeps its books: the history and the ledger."""
        return self.history, self.ledger

    @property
    def owned(self) -> tuple[str, ...]:
        """The tables that the installation owns: its tables, parents first, then its books."""
        return (*self.tables, *self.books)

    @property
    def options(self) -> str:
        """WordPress's options table."""
        return options_table_name(self.prefix)


def key_of(model: Any) -> str:
    """Return the key of a model's table. Raises ConfigurationError if it has none."""
    key = getattr(model._meta, "table_key", None)
    if not isinstance(key, str):
        raise ConfigurationError(f"{model.__name__} has no Meta.table_key, so it does not belong to a namespace.")
    return key


def names_of(models: Iterable[Any], prefix: str | None = None) -> Names:
    """Return the names of the models' tables.

    Raises ConfigurationError for models that are no tables of one namespace.
    """
    models = tuple(models)
    spaces = dict.fromkeys(getattr(model._meta, "namespace", None) for model in models)
    keys = [key_of(model) for model in models]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise ConfigurationError(f"Two models have the Meta.table_key {twice[0]!r}; expected one model for each table.")
    if len(spaces) != 1 or (space := spaces.popitem()[0]) is None:
        listed = " and ".join(sorted(getattr(one, "name", "none") or "WordPress" for one in spaces)) or "none"
        raise ConfigurationError(f"The models are of the namespaces {listed}; expected models of one namespace.")
    if space == WORDPRESS:
        raise ConfigurationError("WordPress's tables are WordPress's own; models of them are for foreign keys alone.")
    names: Names = space.at(prefix, tuple(keys))
    return names


def require_namespace(names: Names, namespace: Namespace | None) -> None:
    """Raise ConfigurationError if the models are of another namespace than the one that was given, if any."""
    if namespace is not None and namespace != names.namespace:
        raise ConfigurationError(
            f"The models are of the namespace {names.namespace.name}, and {namespace.name} was given; expected models "
            "with that Meta.namespace."
        )


def check_prefix(prefix: str) -> str:
    """Return the prefix, which may be empty. Raises ConfigurationError if it is not possible."""
    if not isinstance(prefix, str) or not _PREFIX_SHAPE.fullmatch(prefix):
        raise ConfigurationError(
            f"Table prefix {prefix!r} is not valid: expected only letters A-Z and a-z, digits and underscores."
        )
    return prefix


def as_site(prefix: str) -> tuple[str, int] | None:
    """Return the prefix of the network and the id that a site of this prefix would have; None if it can be none."""
    match = re.fullmatch(r"(.*?)(?<![0-9])(?!0|1_)([0-9]+)_", prefix)
    return None if match is None else (match[1], int(match[2]))


def options_table_name(prefix: str) -> str:
    """Return the name of WordPress's options table."""
    return check_prefix(prefix) + "options"


def constraint_name(table: str, suffix: str) -> str:
    """Return a constraint's name that is unique in the database, because it contains the full table name."""
    name = f"{table}_{suffix}"
    if len(name) <= _MAX_IDENTIFIER:
        return name
    # Two long names could be equal once they are cut; the hash tells them apart, and is the same on every run.
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _MAX_IDENTIFIER - len(digest) - 1]}_{digest}"
