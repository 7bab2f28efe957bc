"""Sites: the models of a table prefix in a database are classes of their own, made once and kept."""

from __future__ import annotations

import copy
import inspect
import itertools
import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import peewee

from ..errors import ConfigurationError
from ..schema.naming import DEFAULT_PREFIX, SHARED, WORDPRESS, Names, Namespace, check_prefix
from .namespace import WCH, our_names

if TYPE_CHECKING:
    from . import tables

M = TypeVar("M", bound=peewee.Model)
Address = Callable[[peewee.Database], str]
NetworkOf = Callable[[peewee.Database, str], "str | None"]

#: The prefix of each namespace's declared models; ``bind`` sets it.
_bound_prefixes: dict[Namespace, str] = {}


def bound_prefix(namespace: Namespace) -> str:
    """Return the prefix of ``plugin.bind()``, else ``wp_``."""
    return _bound_prefixes.get(namespace, DEFAULT_PREFIX)


def get_table_name(table: str, prefix: str | None = None, namespace: Namespace | None = None) -> str:
    """Return a table's name in the database. The default prefix is that of ``plugin.bind()``, else ``wp_``.

    Without a ``namespace`` it is one of WhatsApp Commerce Hub's tables. Raises UnknownTable.

    >>> get_table_name("carts")
    'wp_wch_carts'
    """
    prefix = bound_prefix(namespace or WCH) if prefix is None else prefix
    return our_names(prefix).known(table) if namespace is None else namespace.at(prefix, (table,)).table(table)


class SiteModels(NamedTuple):
    """The six models of one site, parents first, as type checkers know ``Plugin.models``."""

    Conversation: type[tables.Conversation]
    Message: type[tables.Message]
    Cart: type[tables.Cart]
    CustomerProfile: type[tables.CustomerProfile]
    BroadcastCampaign: type[tables.BroadcastCampaign]
    SyncQueueItem: type[tables.SyncQueueItem]


class Sites:
    """The sites of one database, by their prefix.

    ``address`` names the database in every process that can reach it: a pickled row finds its class through it.
    ``network_of`` looks in it for the network that a prefix is a site's of.
    """

    def __init__(self, database: peewee.Database, address: Address, network_of: NetworkOf) -> None:
        self.database = database
        self._address = address
        self.network_of = network_of
        self._by_prefix: dict[str, Site] = {}
        self._owners: dict[str, Namespace] = {}

    @property
    def address(self) -> str:
        return self._address(self.database)  # each time: peewee's init() may come later, and again

    def at(self, prefix: str, network: str | None = None) -> Site:
        """Return the site; ``network`` is the prefix of the main site of its network, if known."""
        site = self._by_prefix.setdefault(prefix, Site(self, check_prefix(prefix)))
        if network is not None:
            site.network = network
        return site

    def claim(self, names: Names) -> None:
        """Note whose the tables are. Raises ConfigurationError for one that is another namespace's."""
        for table in names.tables:
            if (owner := self._owners.setdefault(table, names.namespace)) != names.namespace:
                raise ConfigurationError(
                    f"{table} is a table of both namespaces {owner.name} and {names.namespace.name}; expected another "
                    "Meta.table_key in one of them."
                )


#: The attribute of a database that holds its sites.
_SITES = "_wch_peewee_sites"
#: The sites of all databases of this process, oldest first.
_known: WeakValueDictionary[int, Sites] = WeakValueDictionary()
_numbers = itertools.count()


def sites_of(database: peewee.Database, address: Address, network_of: NetworkOf) -> Sites:
    """Return the sites of a database, the same for each call."""
    sites: Sites | None = getattr(database, _SITES, None)
    if sites is None or sites.database is not database:  # that of which this one is a copy
        sites = _known[next(_numbers)] = Sites(database, address, network_of)
        setattr(database, _SITES, sites)
    return sites


class Site:
    """The models of one prefix in one database.

    Each is a subclass of a declared model with a fixed database and table name, whose relations lead to models of the
    same site.
    """

    def __init__(self, sites: Sites, prefix: str) -> None:
        self.sites = sites
        self.prefix = prefix
        self._models: dict[type[peewee.Model], Any] = {}
        # A model's parents are made with it; recursive for these.
        self._lock = threading.RLock()

    def __str__(self) -> str:
        return f"{self.sites.address} ({f'prefix {self.prefix}' if self.prefix else 'no prefix'})"

    @cached_property
    def network(self) -> str | None:
        """The prefix of the main site of its network; looked up when it is first needed and not known."""
        return self.sites.network_of(self.sites.database, self.prefix)

    def prefix_of(self, meta: Any) -> str:
        """Return the prefix of a model's table: that of the network for a table which all its sites share."""
        shared = meta.namespace == WORDPRESS and meta.table_key in SHARED
        return self.prefix if not shared or self.network is None else self.network

    def model(self, declared: type[M]) -> type[M]:
        """Return this site's model for a declared one.

        Raises ConfigurationError for a model without ``Meta.table_key`` and for one of another site.
        """
        if not (isinstance(declared, type) and hasattr(declared, "_meta")):
            raise ConfigurationError(f"Expected a model such as wch_peewee.Cart, got {declared!r}.")
        meta: Any = declared._meta
        if getattr(meta, "table_key", None) is None:
            raise ConfigurationError(f"{declared.__name__} has no Meta.table_key, so no site has a table for it.")
        if meta.site is self:
            return declared
        if meta.site is not None:
            raise ConfigurationError(f"{declared.__name__} belongs to {meta.site}; expected a model without a site.")
        with self._lock:
            if declared not in self._models:
                self._models[declared] = self._make(declared)
                for child in list(meta.backrefs.values()):
                    # Otherwise a row's children would be those that the declared model has.
                    if getattr(child._meta, "table_key", None) is not None and child._meta.site is None:
                        self.model(child)
            model: type[M] = self._models[declared]
            return model

    def _make(self, declared: Any) -> Any:
        names = {name: getattr(declared, name) for name in ("__module__", "__qualname__", "__doc__")}
        references = {
            name: self._reference(field)
            for name, field in declared._meta.fields.items()
            if isinstance(field, peewee.ForeignKeyField)
        }
        if declared in self._models:  # as a child of one of its parents
            return self._models[declared]
        # peewee would copy the backref of somebody's ManyToManyField, as if it were a field of the declared model.
        foreign = [name for name, value in vars(declared).items() if isinstance(value, peewee.ManyToManyFieldAccessor)]
        options = type("Meta", (), {"database": self.sites.database, "site": self, "declared": declared})
        members = {**names, **references, **dict.fromkeys(foreign), "Meta": options}
        # A host's DeferredForeignKey("Cart") does not mean this site's.
        deferred: Any = peewee.DeferredForeignKey
        pending, deferred._unresolved = deferred._unresolved, set()
        try:
            model = type(declared)(declared.__name__, (declared,), members)
        finally:
            deferred._unresolved |= pending
        for name in foreign:
            delattr(model, name)
        for name, flag in inspect.getmembers(declared, lambda member: isinstance(member, peewee.ColumnBase)):
            if isinstance(field := getattr(flag, "_field", None), peewee.BitField):
                own = copy.copy(flag)
                own._field = model._meta.fields[field.name]
                setattr(model, name, own)
        # Whoever knows the declared model alone catches its error.
        model.DoesNotExist = declared.DoesNotExist
        return model

    def _reference(self, field: Any) -> Any:
        """Return a copy of a foreign key that leads to this site's model; one that is inherited has no backref."""
        reference = field.clone()
        reference.rel_field = field.rel_field.name
        if not callable(reference.declared_backref):
            reference.declared_backref = field.backref
        if getattr(field.rel_model._meta, "table_key", None) is None:
            reference.declared_backref = "+"  # a model of no site has one set of children
        elif not field._is_self_reference:
            reference.rel_model = self.model(field.rel_model)
        return reference


def unpickled_model(declared: type[peewee.Model], address: str, prefix: str) -> type[peewee.Model]:
    """Return the model of a pickled row. Raises ConfigurationError if this process does not know its database."""
    sites = next((sites for sites in list(_known.values()) if sites.address == address), None)
    if sites is None:
        raise ConfigurationError(
            f"A pickled {declared.__name__} belongs to {address}, and this process has no Plugin of that database: "
            "make it where a module is imported, before rows are unpickled. One in memory is in one process alone."
        )
    return sites.at(prefix).model(declared)


def bind(
    base: Any,
    database: peewee.Database | None,
    prefix: str,
    namespace: Namespace = WCH,
    prefix_of: Callable[[Any], str] | None = None,
) -> None:
    """Give a base class and what of a namespace is derived from it a database and a prefix, but for models of a site.

    The models that they refer to are of the same site, and ``prefix_of`` says what its prefix for each of them is. As
    peewee's ``bind``, it also gives the database to models that refer to them.
    """
    _bound_prefixes[namespace] = check_prefix(prefix)
    derived = [base]
    for model in derived:
        derived += [] if model._meta.site is not None else model.__subclasses__()
    models = [model for model in derived if model._meta.site is None and model._meta.namespace == namespace]
    for model in models:
        meta = model._meta
        model.bind(database)
        if getattr(meta, "table_key", None) is not None and meta.site is None:
            own = prefix if prefix_of is None else prefix_of(meta)
            meta.set_table_name(get_table_name(meta.table_key, own, meta.namespace))
        models += [parent for parent in meta.refs.values() if parent not in models]


class NoDatabase(peewee.DatabaseProxy):
    """The database of a declared model before ``bind``: each use raises ConfigurationError."""

    def __init__(self, model: type[peewee.Model]) -> None:
        super().__init__()
        object.__setattr__(self, "model", model)  # peewee's proxies refuse other attributes

    def get_sql_context(self, **options: Any) -> peewee.Context:
        return peewee.Context(**options)  # as peewee renders a query without a database

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.obj is not None:
            return getattr(self.obj, name)
        model = self.model.__name__
        raise ConfigurationError(
            f"{model} has no database: call plugin.bind() once when the process starts, or use plugin.model({model}) "
            "in its place."
        )
