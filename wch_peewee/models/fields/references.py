"""The foreign key field, and the way from an instance to its relatives.

An instance that was loaded from one site finds its parent and its children there, whatever the site of the
moment has become since. The constraint itself is the schema's matter.

    conversation = ReferenceField(Conversation, backref="messages", on_delete="CASCADE")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import peewee

from ...schema import objects
from ...schema.objects import ColumnType
from ..site import at_site
from .base import checked

M = TypeVar("M", bound=peewee.Model)


class ParentAccessor(peewee.ForeignKeyAccessor):
    """``message.conversation``."""

    def get_rel_instance(self, instance: Any) -> Any:
        with at_site(getattr(instance, "_site", None)):
            return super().get_rel_instance(instance)  # type: ignore[no-untyped-call]


class ChildrenAccessor(peewee.BackrefAccessor):
    """``conversation.messages``."""

    def __get__(self, instance: Any, instance_type: Any = None) -> Any:
        with at_site(getattr(instance, "_site", None)):
            return super().__get__(instance, instance_type)  # type: ignore[no-untyped-call]


if TYPE_CHECKING:

    class _ForeignKeyField(peewee.ForeignKeyField[M]):
        def __new__(cls, model: type[M], **options: Any) -> ReferenceField[M]: ...

else:
    from typing import Generic

    class _ForeignKeyField(peewee.ForeignKeyField, Generic[M]):
        pass


class ReferenceField(_ForeignKeyField[M]):
    """``bigint unsigned`` that names a row of another model."""

    accessor_class = ParentAccessor
    backref_accessor_class = ChildrenAccessor
    field_type = "BIGINT"

    def column_type(self) -> ColumnType:
        return objects.bigint(unsigned=True)

    def db_value(self, value: Any) -> Any:
        if isinstance(value, self.rel_model):
            value = getattr(value, self.rel_field.name)
        return checked(self, value, self.rel_field.convert)
