"""What belongs to one site: the rows that a foreign key takes, a host's own included, and the tables of one query."""

from __future__ import annotations

from types import MethodType
from typing import Any

import peewee

from ..errors import InvalidValue

_NOT_MIXED = "rows of two sites cannot be mixed"
#: The setting of a peewee Context that holds the first of our models in its statement.
_FIRST = "wch_first_model"


def is_same_place(model: Any, other: Any) -> bool:
    """Return True if both models' tables have the same prefix and database."""
    own, meta = model._meta, other._meta
    return own.site is meta.site or (
        own.prefix == meta.prefix and own.get_database_instance() is meta.get_database_instance()
    )


def require_same_site(row: Any, model: Any, field: Any = None) -> None:
    """Raise InvalidValue if ``row`` is of another site than ``model``, whose table has the same key."""
    own, wanted = row._meta, model._meta
    key = getattr(wanted, "table_key", None)
    if own is wanted or key is None or key != getattr(own, "table_key", None) or is_same_place(row, model):
        return
    raise InvalidValue(
        f"{f'{field.model.__name__}.{field.name}: ' if field is not None else ''}"
        f"a row of {own.table_name} was given, expected one of {wanted.table_name}"
        f"{' in another database' if own.table_name == wanted.table_name else ''}; {_NOT_MIXED}. "
        "Use the models of one plugin, and copy values between sites."
    )


def require_one_site(ctx: peewee.Context, model: Any) -> None:
    """Raise InvalidValue if the statement that is being rendered has named a model of another site than ``model``."""
    if model._meta.table_key is None:
        return
    first = (ctx.stack[0] if ctx.stack else ctx.state).settings.setdefault(_FIRST, model)
    if first is not model and not is_same_place(first, model):
        one, other = (f"{each.__name__} ({each._meta.site or 'the declared model'})" for each in (first, model))
        raise InvalidValue(
            f"A query cannot use both {one} and {other}: {_NOT_MIXED}. Use the models of one plugin, as in "
            f"plugin.model({model.__name__}); query each site by itself."
        )


class SiteTable(peewee.Table):
    """The table of a model. That of a bound model equals that of its site's class, as the classes have one hash."""

    def __sql__(self: Any, ctx: Any) -> Any:
        require_one_site(ctx, self._model)
        return super().__sql__(ctx)  # type: ignore[no-untyped-call]


def key_of(field: Any, parent: peewee.Model) -> Any:
    """Return what refers to ``parent``. Raises InvalidValue for a row of another table or site."""
    is_other = parent._meta.table_name != field.rel_model._meta.table_name
    if is_other and isinstance(field.rel_field, peewee.ForeignKeyField) and field.rel_field is not field:
        return key_of(field.rel_field, parent)  # the key that is referred to is itself a reference
    require_same_site(parent, field.rel_model, field)
    if is_other:
        raise InvalidValue(
            f"{field.model.__name__}.{field.name}: a row of {field.rel_model.__name__} is needed, {parent!r} was given."
        )
    return parent.__data__.get(field.rel_field.name)


class ParentAccessor(peewee.ForeignKeyAccessor):
    """``message.conversation``, which has to be of the same site."""

    def __set__(self, instance: Any, value: Any) -> None:
        if isinstance(value, peewee.Model):
            instance.__data__[self.name] = key_of(self.field, value)
            instance.__rel__[self.name] = value
            instance._dirty.add(self.name)
        else:
            super().__set__(instance, value)


class ChildrenAccessor(peewee.BackrefAccessor):
    """``conversation.messages``, of the same site. Raises InvalidValue if a host's table refers to another site's."""

    def __get__(self, instance: Any, instance_type: Any = None) -> Any:
        if instance is None:
            return self
        field, site = self.field, instance._meta.site
        child: Any = field.model._meta
        if site is not None and getattr(child, "table_key", None) is not None and child.site is None:
            field = site.model(field.model)._meta.fields[field.name]  # it is inherited from a declared model
        require_same_site(instance, field.rel_model, field)
        return field.model.select().where(field == getattr(instance, field.rel_field.name))


class ManyAccessor(peewee.ManyToManyFieldAccessor):
    """Either side of a host's ManyToManyField, over rows of one site."""

    def get_query(self, instance: Any) -> Any:
        require_same_site(instance, self.src_fk.rel_model, self.src_fk)
        query = ManyQuery(instance, self, self.rel_model)
        vars(query).update(vars(super().get_query(instance)))  # type: ignore[no-untyped-call]
        return query


class ManyQuery(peewee.ManyToManyQuery):
    """peewee's query over a ManyToManyField."""

    def add(self, value: Any, clear_existing: bool = False) -> None:
        self._require_same_site(value)
        super().add(value, clear_existing)

    def remove(self, value: Any) -> Any:
        self._require_same_site(value)
        return super().remove(value)  # type: ignore[no-untyped-call]

    def _require_same_site(self: Any, value: Any) -> None:
        for given in value if isinstance(value, list | tuple) else (value,):
            if isinstance(given, peewee.Model | peewee.ModelSelect):
                require_same_site(getattr(given, "model", given), self._accessor.dest_fk.rel_model)


class Referrers(dict[Any, Any]):
    """The foreign keys that refer to a model, as peewee keeps them. Each takes rows of the model's site only."""

    def __setitem__(self, field: Any, model: Any) -> None:
        super().__setitem__(field, model)
        if type(vars(model).get(field.name)) is peewee.ForeignKeyAccessor:
            setattr(model, field.name, ParentAccessor(model, field, field.name))
        if type(field).db_value is peewee.ForeignKeyField.db_value:
            field.db_value = MethodType(_value_of_reference, field)
        if type(vars(field.rel_model).get(field.backref)) is peewee.BackrefAccessor:
            setattr(field.rel_model, field.backref, ChildrenAccessor(field))


def _value_of_reference(field: Any, value: Any) -> Any:
    if isinstance(value, peewee.Model):
        value = key_of(field, value)
    # Our own fields refuse None where their column does; the reference may be nullable.
    return None if value is None and field.null else type(field).db_value(field, value)
