"""The base of the six models: what is filled in, what is written, and where it goes.

``created_at`` is filled on insert; ``updated_at`` is touched by every save that writes and every update query that
does not name it. A save writes only what changed, because PHP shares the rows. A loaded instance belongs to the
site it was loaded from: it is saved and deleted there, whatever the site of the moment is.
Tables are neither created nor changed here.

    class OpenCart(BaseModel):
        class Meta:
            table_key = "carts"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

import peewee

from ..errors import InvalidValue
from .bulk import columns_and_rows
from .fields import JsonField, utc_now
from .fields.documents import DocumentAccessor, snapshot
from .fields.references import ParentAccessor
from .metadata import SiteMetadata
from .queries import SiteAlias, SiteDelete, SiteInsert, SiteRaw, SiteSelect, SiteUpdate
from .site import Site, at_site, current_site

_TOUCHED = "updated_at"
#: What they do when a value is set is known, and done for a loaded row at once.
_ACCESSORS = (peewee.FieldAccessor, DocumentAccessor, ParentAccessor)


class BaseModel(peewee.Model):
    """A model in a table of the site of the moment."""

    if TYPE_CHECKING:
        _meta: SiteMetadata
        _pk: Any

        @classmethod
        def _normalize_data(cls, data: Any, kwargs: dict[str, Any]) -> Any: ...

    class Meta:
        model_metadata_class = SiteMetadata
        legacy_table_names = False
        only_save_dirty = True

    _site: Site | None = None

    @cached_property
    def _dirty(self) -> set[str]:
        """Names of the fields that were set: none on a loaded row, until somebody does, and few rows ever need it."""
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
        """Say whether an instance is no more than its values: nobody has a say when it is made or a value is set."""
        return (
            cls.__init__ is BaseModel.__init__
            and cls.__new__ is object.__new__
            and cls.__setattr__ is object.__setattr__
            and all(type(vars(cls).get(name)) in _ACCESSORS for name in cls._meta.fields)
        )

    @classmethod
    def _refuse_unknown(cls, values: Mapping[str, Any]) -> None:
        # peewee would set an attribute of that name, and a misspelt column would lose its value.
        unknown = [name for name in values if name not in cls._meta.combined and not hasattr(cls, name)]
        if unknown:
            known = ", ".join(cls._meta.sorted_field_names)
            raise InvalidValue(f"{cls.__name__} has no {', '.join(unknown)}; its fields are {known}.")

    @property
    def dirty_fields(self) -> list[peewee.Field[Any]]:
        for name, text in vars(self).get("_seen", {}).items():
            if snapshot(self.__data__.get(name)) != text:
                self._dirty.add(name)
        return super().dirty_fields

    def is_dirty(self) -> bool:
        return bool(self.dirty_fields)

    def save(self, force_insert: bool = False, only: Iterable[Any] | None = None) -> int:
        """Write what changed and return the number of rows; a new instance is inserted with its defaults.

        ``force_insert`` inserts at the site of the moment.
        """
        # Inserting a loaded instance again is how it is copied to another site.
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
                vars(self).setdefault("_seen", {})[name] = snapshot(self.__data__[name])
        return rows

    def _touch(self, changed: set[str], only: Iterable[Any] | None) -> Iterable[Any] | None:
        if only is not None:
            only = [self._meta.combined[field] if isinstance(field, str) else field for field in only]
            changed = {field.name for field in only if field.name in self.__data__}
        primary_key = {field.name for field in self._meta.get_primary_keys()}
        if _TOUCHED in self._meta.fields and _TOUCHED not in changed and changed - primary_key:
            setattr(self, _TOUCHED, utc_now())
            return only if only is None else [*only, self._meta.fields[_TOUCHED]]
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
        touched = cls._meta.fields.get(_TOUCHED)
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
        """Insert rows; mappings may differ in their keys, and what one of them lacks is its default."""
        if fields is not None:
            fields = [cls._meta.combined[field] if isinstance(field, str) else field for field in fields]
            cls._check_complete(fields)
        elif not isinstance(rows, peewee.Node):
            rows = list(rows)
            if rows and all(isinstance(row, Mapping) for row in rows):
                # peewee takes the columns from the first mapping and drops what only later ones have.
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
        # A session that is not strict, as WordPress's are, would fill such a column with '' or a zero date.
        given = set(given)
        missing = [
            field.name
            for field in cls._meta.sorted_fields
            if not (field.null or field.primary_key or field.default is not None or field in given)
        ]
        if missing:
            raise InvalidValue(f"{cls.__name__}: a value is needed for {', '.join(missing)}.")

    delete = peewee.classmethod_only(SiteDelete)

    @classmethod
    def raw(cls, sql: str, *params: Any) -> SiteRaw:
        return SiteRaw(cls, sql, params)

    @classmethod
    def alias(cls, alias: str | None = None) -> peewee.ModelAlias[Self]:
        return cast("peewee.ModelAlias[Self]", SiteAlias(cls, alias))
