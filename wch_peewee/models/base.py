"""The base class of all models, and its metadata: which table and database a model means, and what is written."""

from __future__ import annotations

import copyreg
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

import peewee

from ..errors import ConfigurationError, InvalidValue
from ..schema.naming import Namespace, constraint_name
from . import relations
from .bulk import UPDATED_AT, BulkInsert, BulkSelect, columns_and_rows
from .fields import utc_now
from .fields.documents import DocumentAccessor, snapshot
from .fields.plain import typed
from .fields.scalars import MemberAccessor
from .namespace import WCH
from .site import NoDatabase, Site, bound_prefix, get_table_name, unpickled_model
from .strict import StrictUpdate

# Setting a value through these has no side effects on a freshly loaded row, so ``instance_factory`` may skip them.
_ACCESSORS = (peewee.FieldAccessor, DocumentAccessor, MemberAccessor, relations.ParentAccessor)


@dataclass(frozen=True, slots=True)
class NamedIndex:
    """An index over several columns; ``name`` is without the table's, which is put before it where it has to be."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


class SiteMetadata(peewee.Metadata):
    """peewee's metadata, whose table is named by ``get_table_name(table_key)``, under the prefix of ``site`` if any.

    Without ``table_key`` the table's name is peewee's.
    """

    if TYPE_CHECKING:
        # What peewee has and its stubs do not.
        _additional_keys: set[str]
        _table: peewee.Table | None

        def get_primary_keys(self) -> tuple[peewee.Field[Any], ...]: ...

    def __init__(
        self,
        model: type[peewee.Model],
        database: Any = None,
        *,
        table_key: str | None = None,
        named_indexes: tuple[NamedIndex, ...] = (),
        site: Site | None = None,
        declared: type[peewee.Model] | None = None,
        namespace: Namespace = WCH,
        **options: Any,
    ) -> None:
        if not isinstance(namespace, Namespace):
            raise ConfigurationError(f"{model.__name__} has Meta.namespace = {namespace!r}; expected a Namespace.")
        if namespace == WCH and namespace.package != WCH.package:
            raise ConfigurationError(
                f"{model.__name__} has {namespace!r}, the name of WhatsApp Commerce Hub's own; expected another name."
            )
        self.namespace = namespace
        self.table_key = None if table_key is None else namespace.check_key(table_key)
        self.named_indexes = tuple(named_indexes)
        self.site = site
        #: The model that a site has made this one of, else the model itself.
        self.declared = declared or model
        unbound = database is None or isinstance(database, NoDatabase)
        super().__init__(model, NoDatabase(model) if unbound else database, **options)
        self._additional_keys |= {"table_key", "named_indexes", "site", "namespace"}
        self.backrefs = relations.Referrers()
        #: The texts of statements that have been rendered (prepared.py).
        self.texts: dict[Any, Any] = {}

    @property
    def prefix(self) -> str:
        return bound_prefix(self.namespace) if self.site is None else self.site.prefix

    @property
    def table(self) -> peewee.Table:
        if self._table is None:
            columns = [field.column_name for field in self.sorted_fields]
            self._table = relations.SiteTable(
                self.table_name, columns, schema=self.schema, _model=self.model, _database=self.database
            )
        return self._table

    @table.deleter
    def table(self) -> None:
        self._table = None

    def add_ref(self, field: Any) -> None:
        if self.declared is self.model or getattr(field.rel_model._meta, "table_key", None) is not None:
            super().add_ref(field)
        else:  # a model of no site has one set of children
            self.refs[field] = field.rel_model
            self.model_refs[field.rel_model].append(field)

    def add_manytomany(self, field: Any) -> None:
        super().add_manytomany(field)
        for model, name in ((field.model, field.name), (field.rel_model, field.backref)):
            accessor = vars(model).get(name)
            if type(accessor) is peewee.ManyToManyFieldAccessor:
                setattr(model, name, relations.ManyAccessor(model, accessor.field, name))

    def make_table_name(self) -> str:
        if self.table_key is None:
            return super().make_table_name()
        prefix = self.prefix if self.site is None else self.site.prefix_of(self)
        return get_table_name(self.table_key, prefix, self.namespace)

    def add_field(self, field_name: str, field: Any, set_attribute: bool = True) -> None:
        super().add_field(field_name, typed(field), set_attribute)

    def set_primary_key(self, name: str, field: Any) -> None:
        super().set_primary_key(name, typed(field))

    def set_database(self, database: Any) -> None:
        super().set_database(NoDatabase(self.model) if database is None else database)

    def fields_to_index(self) -> list[Any]:
        named = [
            peewee.ModelIndex(
                self.model,
                [self.combined[column] for column in index.columns],
                unique=index.unique,
                name=constraint_name(self.table_name, index.name),
            )
            for index in self.named_indexes
        ]
        return super().fields_to_index() + named


# The rows that a row refers to. Made at first use, because few of many loaded rows need it.
_RELATED: cached_property[dict[str, Any]] = cached_property(lambda row: {})
_RELATED.__set_name__(peewee.Model, "__rel__")


class ModelType(peewee.ModelBase):
    """peewee's metaclass, of models that can be pickled with what names their site.

    A field's hash is that of its model and name. So a declared model's field is as good a key as that of a site's
    class, for example in ``insert``, ``save(only=...)`` and playhouse's ``model_to_dict(exclude=...)``.
    """

    _meta: SiteMetadata

    def __init__(cls, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        cls.__rel__ = _RELATED  # peewee sets None in each class

    def __hash__(cls) -> int:
        return type.__hash__(cls._meta.declared)


def _reduce_model(model: ModelType) -> Any:
    site = model._meta.site
    if site is None or model._meta.declared is model:
        return model.__qualname__  # it is imported by its name
    return unpickled_model, (model._meta.declared, site.sites.address, site.prefix)


copyreg.pickle(ModelType, _reduce_model)


class LoadedAlias(peewee.ModelAlias):
    """A model under another name, for a self-join. A row that is read through it counts as loaded."""

    def __call__(self, **values: Any) -> Any:
        row = self.model(**values | {"__no_default__": True})
        row._dirty.clear()
        return row

    def __sql__(self, ctx: Any) -> Any:
        relations.require_one_site(ctx, self.model)
        return super().__sql__(ctx)  # type: ignore[no-untyped-call]

    def select(self, *selection: Any) -> Any:
        return BulkSelect(self, selection or self.get_field_aliases())


#: Values that are changed without an assignment; a BigBitField's is a bytearray.
_CHANGEABLE = (bytearray, dict, list, set)


def _has_snapshots(field: peewee.Field[Any]) -> bool:
    return issubclass(field.accessor_class, DocumentAccessor)


def _has_server_default(field: peewee.Field[Any]) -> bool:
    texts = [str(getattr(constraint, "sql", "")) for constraint in field.constraints or ()]
    return any(text.upper().startswith("DEFAULT") for text in texts)


class BaseModel(peewee.Model, metaclass=ModelType):
    """A model of one of the tables; ``Meta.table_key`` names it ("carts"), in the namespace ``Meta.namespace``.

    ``created_at`` is set on insert, ``updated_at`` by each save that writes and each update query that does not name
    it. A save writes only changed fields, because PHP writes the same rows.
    """

    if TYPE_CHECKING:
        _meta: SiteMetadata
        _pk: Any
        DoesNotExist: type[peewee.DoesNotExist]

        @classmethod
        def _normalize_data(cls, data: Any, kwargs: dict[str, Any]) -> Any: ...

    class Meta:
        model_metadata_class = SiteMetadata
        legacy_table_names = False
        only_save_dirty = True

    @cached_property
    def _dirty(self) -> set[str]:
        # The names of the fields that were set. Made at first use, because few of many loaded rows need it.
        return set()

    def __init__(self, *args: Any, **values: Any) -> None:
        loaded = bool(values.get("__no_default__"))
        if not loaded:
            self._refuse_unknown(values, attributes=True)
        super().__init__(*args, **values)
        if not loaded:
            # peewee counts defaults as changes: Conversation(id=5, status=...).save() would reset the other columns.
            self._dirty &= {self._meta.combined[name].name for name in values if name in self._meta.combined}

    @classmethod
    def _is_plain(cls) -> bool:
        """Return True if no code of a subclass or a field runs when an instance is made or a value is set."""
        return (
            cls.__init__ is BaseModel.__init__
            and cls.__new__ is object.__new__
            and cls.__setattr__ is object.__setattr__
            and all(type(vars(cls).get(name)) in _ACCESSORS for name in cls._meta.fields)
        )

    @classmethod
    def _refuse_unknown(cls, values: Mapping[str, Any], *, attributes: bool = False) -> None:
        # peewee would set an attribute of that name, and the value of a misspelt column would be lost.
        columns = cls._meta.combined
        unknown = [name for name in values if name not in columns and not (attributes and hasattr(cls, name))]
        if unknown:
            known = ", ".join(cls._meta.sorted_field_names)
            raise InvalidValue(f"{cls.__name__} has no field {', '.join(unknown)}; its fields are {known}.")

    @property
    def dirty_fields(self) -> list[peewee.Field[Any]]:
        snapshots, fields = vars(self).get("_snapshots", {}), self._meta.fields
        for name, value in self.__data__.items():
            if name in snapshots:
                is_changed = snapshot(value) != snapshots[name]
            else:  # what an application's own field makes of a column may have been changed in place
                is_changed = isinstance(value, _CHANGEABLE) and not _has_snapshots(fields[name])
            if is_changed:
                self._dirty.add(name)
        return super().dirty_fields

    def is_dirty(self) -> bool:
        return bool(self.dirty_fields)

    def save(self, force_insert: bool = False, only: Iterable[Any] | None = None) -> int:
        """Write the changed fields, or insert a new instance with its defaults; return the number of rows."""
        changed = {field.name for field in self.dirty_fields}
        if force_insert or self._pk is None:
            self._dirty |= set(self.__data__)
        else:
            only = self._touch(changed, only)
        rows = super().save(force_insert, only)
        self._take_snapshots()
        return rows

    def _take_snapshots(self) -> None:
        for name, field in self._meta.fields.items():
            if _has_snapshots(field) and name in self.__data__:
                vars(self).setdefault("_snapshots", {})[name] = snapshot(self.__data__[name])

    def _touch(self, changed: set[str], only: Iterable[Any] | None) -> Iterable[Any] | None:
        if only is not None:
            only = [self._meta.combined[field] if isinstance(field, str) else field for field in only]
            changed = {field.name for field in only if field.name in self.__data__}
        primary_key = {field.name for field in self._meta.get_primary_keys()}
        if UPDATED_AT in self._meta.fields and UPDATED_AT not in changed and changed - primary_key:
            setattr(self, UPDATED_AT, utc_now())
            return only if only is None else [*only, self._meta.fields[UPDATED_AT]]
        return only

    def __sql__(self, ctx: Any) -> Any:
        field = getattr(ctx.state.converter, "__self__", None)
        if isinstance(field, peewee.Field):
            relations.require_same_site(self, getattr(field, "rel_model", None) or field.model, field)
        relations.require_one_site(ctx, type(self))
        return super().__sql__(ctx)  # type: ignore[no-untyped-call]

    def __eq__(self, other: object) -> Any:
        # The class of a site, and the declared model that is bound to it, have the same rows.
        if not isinstance(other, BaseModel) or other._meta.declared is not self._meta.declared:
            return False
        return self._pk is not None and self._pk == other._pk and relations.is_same_place(self, other)

    __hash__ = peewee.Model.__hash__

    @classmethod
    def select(cls, *fields: Any) -> peewee.ModelSelect[Self]:
        query = BulkSelect(cls, fields or cls._meta.sorted_fields, is_default=not fields)
        return cast("peewee.ModelSelect[Self]", query)

    @classmethod
    def update(cls, data: Mapping[Any, Any] | None = None, /, **update: Any) -> peewee.ModelUpdate:
        changes = cls._normalize_data(data, update)
        touched = cls._meta.fields.get(UPDATED_AT)
        if touched is not None and changes and touched not in changes:
            changes[touched] = utc_now()
        return StrictUpdate(cls, changes)

    @classmethod
    def insert(cls, data: Mapping[Any, Any] | None = None, /, **insert: Any) -> BulkInsert:
        values = cls._normalize_data(data, insert)
        if isinstance(values, dict):
            cls._check_complete(values)
        return BulkInsert(cls, values)

    @classmethod
    def insert_many(cls, rows: Iterable[Any], fields: Iterable[Any] | None = None) -> BulkInsert:
        """Insert rows; mappings may have different keys, and a missing one gets its default."""
        if fields is not None:
            fields = [cls._meta.combined[field] if isinstance(field, str) else field for field in fields]
            cls._check_complete(fields)
        elif not isinstance(rows, peewee.Node):
            rows = list(rows)
            if rows and all(isinstance(row, Mapping) for row in rows):
                # peewee takes the columns from the first mapping, and would drop keys that only later ones have.
                fields, rows = columns_and_rows(rows, lambda row: cls._normalize_data(row, {}))
                for given in [fields] if isinstance(rows[0], tuple) else rows:
                    cls._check_complete(given)
        return BulkInsert(cls, insert=rows, columns=fields)

    @classmethod
    def insert_from(cls, query: Any, fields: Iterable[Any]) -> BulkInsert:
        columns = [getattr(cls, field) if isinstance(field, str) else field for field in fields]
        return BulkInsert(cls, insert=query, columns=columns)

    @classmethod
    def _check_complete(cls, given: Iterable[Any]) -> None:
        # A session that is not strict, such as WordPress's, would fill the column with '' or a zero date.
        given = {field.field if isinstance(field, peewee.FieldAlias) else field for field in given}
        missing = [
            field.name
            for field in cls._meta.sorted_fields
            if not (field.null or field.primary_key or field.default is not None or field in given)
            and not _has_server_default(field)
        ]
        if missing:
            raise InvalidValue(f"{cls.__name__}: a value is needed for {', '.join(missing)}.")

    @classmethod
    def bulk_create(cls, model_list: Iterable[Any], batch_size: int | None = None) -> None:
        super().bulk_create(cls._of_this_site(model_list), batch_size)

    @classmethod
    def bulk_update(cls, model_list: Iterable[Any], fields: Iterable[Any], batch_size: int | None = None) -> int:
        rows = cls._of_this_site(model_list)
        return int(super().bulk_update(rows, fields, batch_size))  # type: ignore[no-untyped-call]

    @classmethod
    def _of_this_site(cls, rows: Iterable[Any]) -> list[Any]:
        rows = list(rows)
        for row in rows:
            relations.require_same_site(row, cls)
        return rows

    @classmethod
    def beside(cls, name: str) -> Any:
        """Return the model of another table of the same site: ``Message.beside("Cart")``."""
        from . import tables

        declared, site = getattr(tables, name), cls._meta.site
        return declared if site is None else site.model(declared)

    @classmethod
    def alias(cls, alias: str | None = None) -> peewee.ModelAlias[Self]:
        return cast("peewee.ModelAlias[Self]", LoadedAlias(cls, alias))
