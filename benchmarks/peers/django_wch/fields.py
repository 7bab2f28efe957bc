"""What Django has no field for, as its authors write it: a field of their own with its ``db_type``."""

from __future__ import annotations

from django.db import models
from serving import enum_sql


class UnsignedBigAutoField(models.BigAutoField):
    def db_type(self, connection):
        if connection.vendor == "mysql":
            return "bigint UNSIGNED AUTO_INCREMENT"
        return super().db_type(connection)

    def rel_db_type(self, connection):
        if connection.vendor == "mysql":
            return "bigint UNSIGNED"
        return super().rel_db_type(connection)


class EnumField(models.CharField):
    def __init__(self, *args, values, **kwargs):
        kwargs.setdefault("max_length", 20)
        super().__init__(*args, **kwargs)
        self.values = values

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "values": self.values}

    def db_type(self, connection):
        if connection.vendor == "mysql":
            return enum_sql(self.values)
        return super().db_type(connection)


class SecondsField(models.DateTimeField):
    """A datetime without the microseconds that Django's own has."""

    def db_type(self, connection):
        if connection.vendor == "mysql":
            return "datetime"
        return super().db_type(connection)


class ShortTextField(models.TextField):
    """A text; Django's own is a longtext."""

    def db_type(self, connection):
        if connection.vendor == "mysql":
            return "text"
        return super().db_type(connection)
