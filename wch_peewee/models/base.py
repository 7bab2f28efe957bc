"""The base class of the six models, and its metadata: which table and database a model means, and what is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

import peewee

from ..errors import InvalidValue
from ..schema import naming
from .bulk import columns_and_rows
from .fields import JsonField, utc_now
from .fields.base import ParentAccessor
from .fields.documents import DocumentAccessor, snapshot
from .queries import SiteAlias, SiteDelete, SiteInsert, SiteRaw, SiteSelect, SiteUpdate
from .site import Site, at_site, current_database, current_site, get_table_name, no_database

_UPDATED_AT = "updated_at"
# Setting a value through these has no side effects on a freshly loaded row, so ``instance_factory`` may skip them.
_ACCESSORS = (peewee.FieldAccessor, DocumentAccessor, ParentAccessor)


@dataclass(frozen=True, slots=True)
class NamedIndex:
    """An index over several columns; ``name`` is without the table's, which is put before it where it has to be."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


class SiteMetadata(peewee.Metadata):
    """Model metadata that follows the current site.

    peewee fixes a model's table name and database when the class is made. Here ``table_name``, ``table``, ``entity``
    and ``database`` are looked up at each use, so one set of models serves every prefix, database and thread.
    Without ``table_key`` the table's name is fixed, as in peewee.
    """

    if TYPE_CHECKING:
        # What peewee has and its stubs do not.
        _additional_keys: set[str]

        def get_primary_keys(self) -> tuple[peewee.Field[Any], ...]: ...

    def __init__(
        self,
        model: type[peewee.Model],
        database: peewee.Database | None = None,
        *,
        table_key: str | None = None,
        named_indexes: tuple[NamedIndex, ...] = (),
        **options: Any,
    ) -> None:
        self.table_key = None if table_key is None else naming.logical_name(table_key)
        self.named_indexes = tuple(named_indexes)
        self._tables: dict[str, peewee.Table] = {}
        # (effective database, bound database) before each binding; limited, because a binding may never end.
        self._before_binding: deque[tuple[Any, Any]] = deque(maxlen=16)
        self._bound: Any = None
        super().__init__(model, self._inherited(model, database), **options)
        self._additional_keys |= {"table_key", "named_indexes"}

    @staticmethod
    def _inherited(model: type[peewee.Model], database: Any) -> Any:
        # peewee passes the current database of the base class to the subclass, as if it had been declared.
        for base in model.__mro__[1:]:
            meta = getattr(base, "_meta", None)
            if isinstance(meta, SiteMetadata):
                return meta._bound if database is meta.database else database
        return database

    @property
    def database(self) -> peewee.Database | None:
        """The block's database, else the bound one, else the process default's."""
        return current_database(self._bound)

    @database.setter
    def database(self, value: peewee.Database | None) -> None:
        self._bound = value

    def set_database(self, database: peewee.Database | peewee.DatabaseProxy | None) -> None:
        # bind_ctx saves ``database``, which may be the block's or the default's, and binds that at its end. The
        # former binding has to be restored instead, or the model would keep one site's database everywhere.
        for effective, bound in reversed(tuple(self._before_binding)):
            if effective is database and current_database(bound) is database:
                self._before_binding.remove((effective, bound))
                super().set_database(bound)
                break
        else:
            if self.database is not self._bound and (self.database, self._bound) not in self._before_binding:
                self._before_binding.append((self.database, self._bound))
            super().set_database(database)  # type: ignore[arg-type]
        # Without one of its own, peewee's schema manager looks the database up here too.
        self.model._schema.database = None  # type: ignore[attr-defined]

    @property
    def table_name(self) -> str:
        return self._fixed_name or get_table_name(self.table_key or "")

    @table_name.setter
    def table_name(self, value: str) -> None:
        self._fixed_name = value

    def make_table_name(self) -> str:
        return super().make_table_name() if self.table_key is None else ""

    @property
    def table(self) -> peewee.Table:
        """The table at the current site; it has no database of its own, because each query brings one."""
        name = self.table_name
        table = self._tables.get(name)
        if table is None:
            columns = [field.column_name for field in self.sorted_fields]
            table = peewee.Table(name, columns, schema=self.schema, _model=self.model)
            table = self._tables.setdefault(name, table)
        return table

    @table.deleter
    def table(self) -> None:
        self._tables.clear()

    def fields_to_index(self) -> list[Any]:
        named = [
            peewee.ModelIndex(
                self.model,
                [self.combined[column] for column in index.columns],
                unique=index.unique,
                name=naming.constraint_name(self.table_name, index.name),
            )
            for index in self.named_indexes
        ]
        return super().fields_to_index() + named


class SiteSchemaManager(peewee.SchemaManager):
    """peewee's, which looks up the current site's database at each use."""

    @property
    def database(self) -> Any:
        if (found := self._database or self.model._meta.database) is None:
            raise no_database(self.model)
        return found

    @database.setter
    def database(self, value: Any) -> None:
        self._database = value


class BaseModel(peewee.Model):
    """A model whose table is looked up at the current site; ``Meta.table_key`` names the table ("carts").

    ``created_at`` is set on insert, ``updated_at`` by each save that writes and each update query that does not name
    it. A save writes only changed fields, because PHP writes the same rows. A loaded instance belongs to the site it
    was loaded from: it is saved and deleted there, whichever site is current.
    """

    if TYPE_CHECKING:
        _meta: SiteMetadata
        _pk: Any

        @classmethod
        def _normalize_data(cls, data: Any, kwargs: dict[str, Any]) -> Any: ...

    class Meta:
        model_metadata_class = SiteMetadata
        schema_manager_class = SiteSchemaManager
        legacy_table_names = False
        only_save_dirty = True

    _site: Site | None = None

    @cached_property
    def _dirty(self) -> set[str]:
        # The names of the fields that were set. Made at first use, because few of many loaded rows need it.
        return set()

    def __init__(self, *args: Any, **values: Any) -> None:
        loaded = bool(values.get("__no_default__"))
        if not loaded:
            self._refuse_unknown(values)
        self._site = current_site() if loaded else None
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
    def _refuse_unknown(cls, values: Mapping[str, Any]) -> None:
        # peewee would set an attribute of that name, and the value of a misspelt column would be lost.
        unknown = [name for name in values if name not in cls._meta.combined and not hasattr(cls, name)]
        if unknown:
            known = ", ".join(cls._meta.sorted_field_names)
            raise InvalidValue(f"{cls.__name__} has no {', '.join(unknown)}; its fields are {known}.")

    @property
    def dirty_fields(self) -> list[peewee.Field[Any]]:
        for name, text in vars(self).get("_snapshots", {}).items():
            if snapshot(self.__data__.get(name)) != text:
                self._dirty.add(name)
        return super().dirty_fields

    def is_dirty(self) -> bool:
        return bool(self.dirty_fields)

    def save(self, force_insert: bool = False, only: Iterable[Any] | None = None) -> int:
        """Write the changed fields, or insert a new instance with its defaults; return the number of rows.

        ``force_insert`` inserts at the current site, which copies a loaded instance to another site.
        """
        site = self._site if self._site and not force_insert else current_site()
        changed = {field.name for field in self.dirty_fields}
        with at_site(site):
            if force_insert or self._pk is None:
                self._dirty |= set(self.__data__)
            else:
                only = self._touch(changed, only)
            rows = super().save(force_insert, only)
        self._site = site
        for name, field in self._meta.fields.items():
            if isinstance(field, JsonField) and name in self.__data__:
                vars(self).setdefault("_snapshots", {})[name] = snapshot(self.__data__[name])
        return rows

    def _touch(self, changed: set[str], only: Iterable[Any] | None) -> Iterable[Any] | None:
        if only is not None:
            only = [self._meta.combined[field] if isinstance(field, str) else field for field in only]
            changed = {field.name for field in only if field.name in self.__data__}
        primary_key = {field.name for field in self._meta.get_primary_keys()}
        if _UPDATED_AT in self._meta.fields and _UPDATED_AT not in changed and changed - primary_key:
            setattr(self, _UPDATED_AT, utc_now())
            return only if only is None else [*only, self._meta.fields[_UPDATED_AT]]
        return only

    def delete_instance(self, recursive: bool = False, delete_nullable: bool = False) -> int:
        with at_site(self._site):
            return super().delete_instance(recursive, delete_nullable)

    @classmethod
    def select(cls, *fields: Any) -> peewee.ModelSelect[Self]:
        query = SiteSelect(cls, fields or cls._meta.sorted_fields, is_default=not fields)
        return cast("peewee.ModelSelect[Self]", query)

    @classmethod
    def update(cls, data: Mapping[Any, Any] | None = None, /, **update: Any) -> SiteUpdate:
        changes = cls._normalize_data(data, update)
        touched = cls._meta.fields.get(_UPDATED_AT)
        if touched is not None and changes and touched not in changes:
            changes[touched] = utc_now()
        return SiteUpdate(cls, changes)

    @classmethod
    def insert(cls, data: Mapping[Any, Any] | None = None, /, **insert: Any) -> SiteInsert:
        values = cls._normalize_data(data, insert)
        if isinstance(values, dict):
            cls._check_complete(values)
        return SiteInsert(cls, values)

    @classmethod
    def insert_many(cls, rows: Iterable[Any], fields: Iterable[Any] | None = None) -> SiteInsert:
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
        return SiteInsert(cls, insert=rows, columns=fields)

    @classmethod
    def insert_from(cls, query: Any, fields: Iterable[Any]) -> SiteInsert:
        columns = [getattr(cls, field) if isinstance(field, str) else field for field in fields]
        return SiteInsert(cls, insert=query, columns=columns)

    @classmethod
    def _check_complete(cls, given: Iterable[Any]) -> None:
        # A session that is not strict, such as WordPress's, would fill the column with '' or a zero date.
        given = set(given)
        missing = [
            field.name
            for field in cls._meta.sorted_fields
            if not (field.null or field.primary_key or field.default is not None or field in given)
        ]
        if missing:
            raise InvalidValue(f"{cls.__name__}: a value is needed for {', '.join(missing)}.")

    @classmethod
    def bulk_create(cls, model_list: Iterable[Any], batch_size: int | None = None) -> None:
        if cls._meta.database is None:
            raise no_database(cls)
        super().bulk_create(model_list, batch_size)

    delete = peewee.classmethod_only(SiteDelete)

    @classmethod
    def raw(cls, sql: str, *params: Any) -> SiteRaw:
        return SiteRaw(cls, sql, params)

    @classmethod
    def alias(cls, alias: str | None = None) -> peewee.ModelAlias[Self]:
        return cast("peewee.ModelAlias[Self]", SiteAlias(cls, alias))
