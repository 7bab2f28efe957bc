"""Models of an author's own tables, and one field of each type with values at its limits.

model = own_model("invoices", database, total=peewee.DecimalField(10, 2))
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import peewee as pw

from tests.support.databases import LiveDatabase
from wch_peewee import BaseModel
from wch_peewee.models.fields import ColumnField
from wch_peewee.models.namespace import our_names


def own_model(key: str, database: LiveDatabase | None = None, **members: Any) -> Any:
    """Return a model of the table ``key``, bound to the database if there is one."""
    model: Any = type(key.title().replace("_", ""), (BaseModel,), members)
    model._meta.table_key = key
    model._meta.site = SimpleNamespace(prefix="wp_")  # so that plugin.bind() of another test leaves it alone
    if database is not None:
        model._meta.set_table_name(our_names(database.prefix).table(key))
        model._meta.set_database(database.database)
    return model


@dataclass(frozen=True)
class Case:
    """A field, the type that it declares, values that are read back as they are, and values that are refused."""

    make: Callable[..., Any]
    type: str
    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    default: Any = None


def _column(type_: str) -> Callable[..., Any]:
    return lambda **options: ColumnField(type_, **options)


def _whole(bits: int) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    least, greatest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return (least, -1, 0, greatest), (least - 1, greatest + 1, 1.5, True, "x")


def _unsigned(bits: int) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    greatest = 2 ** min(bits, 63) - 1
    return (0, greatest), (-1, greatest + 1)


D = Decimal
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5)
FINE = MOMENT.replace(microsecond=123456)
UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")
TEXTS, NO_TEXTS = ("", "é€\N{GRINNING FACE}", "it's \\ %s\n"), (5, b"x", "\ud800")

CASES: dict[str, Case] = {
    "smallint": Case(pw.SmallIntegerField, "smallint", *_whole(16), default=-3),
    "int": Case(pw.IntegerField, "int", *_whole(32), default=0),
    "bigint": Case(pw.BigIntegerField, "bigint", *_whole(64), default=2**62),
    **{
        name: Case(_column(name), name, *_whole(bits), default=1)
        for name, bits in {"tinyint": 8, "mediumint": 24}.items()
    },
    **{
        f"{name} unsigned": Case(_column(f"{name} unsigned"), f"{name} unsigned", *_unsigned(bits), default=7)
        for name, bits in {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}.items()
    },
    "bool": Case(pw.BooleanField, "tinyint(1)", (True, False), (2, "x", 0.5), default=False),
    "decimal": Case(
        lambda **options: pw.DecimalField(10, 2, **options),
        "decimal(10,2)",
        (D("0.00"), D("99999999.99"), D("-99999999.99"), D("0.1"), 5, "7.50", 0.25),
        (D("0.001"), D("100000000"), D("NaN"), 0.123, "", "x", True, 1e300),
        default=D("1.5"),
    ),
    "decimal(26,8)": Case(
        _column("decimal(26,8)"), "decimal(26,8)", (D("1234567.12345678"), D("-0.00000001")), (D("0.000000001"),)
    ),
    "decimal(5,5)": Case(_column("decimal(5,5)"), "decimal(5,5)", (D("0.99999"),), (1, D("1.0"))),
    "decimal(12,0) unsigned": Case(
        _column("decimal(12,0) unsigned"), "decimal(12,0) unsigned", (D(0), D(999999999999)), (-1, D("0.5"))
    ),
    "float": Case(pw.FloatField, "float", (0.0, 0.1, -3.14159, 1e30), (1 / 3, 16777217, 1e39, "x"), default=0.1),
    "double": Case(
        pw.DoubleField, "double", (0.1, 1 / 3, 1.7e308, 5e-300), (float("nan"), float("inf"), 2**53 + 1), 1.5
    ),
    "char": Case(
        lambda **options: pw.FixedCharField(4, **options), "char(4)", ("", "abcd", "é€"), ("abcde", "a ", " a", 5), "ab"
    ),
    "varchar": Case(
        lambda **options: pw.CharField(7, **options), "varchar(7)", ("", "é€\N{GRINNING FACE}", "7 chars", "a "),
        ("8 charac", *NO_TEXTS), default="it's",
    ),
    "tinytext": Case(_column("tinytext"), "tinytext", (*TEXTS, "x" * 255), ("x" * 256, "é" * 128, *NO_TEXTS)),
    "text": Case(pw.TextField, "text", (*TEXTS, "x" * 65535), ("x" * 65536, "é" * 32768, *NO_TEXTS)),
    "mediumtext": Case(_column("mediumtext"), "mediumtext", (*TEXTS, "é" * 40000), NO_TEXTS),
    "longtext": Case(_column("longtext"), "longtext", (*TEXTS, "é" * 40000), NO_TEXTS),
    "binary": Case(_column("binary(4)"), "binary(4)", (b"\0\xff'\\", b"ab\0\0"), (b"abc", b"abcde", "abcd")),
    "varbinary": Case(_column("varbinary(4)"), "varbinary(4)", (b"", b"\0\xff'\\", b"a\0"), (b"abcde", "x")),
    "tinyblob": Case(_column("tinyblob"), "tinyblob", (b"", b"\xff" * 255), (b"x" * 256, "x")),
    "blob": Case(pw.BlobField, "blob", (b"", b"\0\xff", b"x" * 65535), (b"x" * 65536, "x", 5)),
    "mediumblob": Case(_column("mediumblob"), "mediumblob", (b"\0", b"x" * 70000), ("x",)),
    "longblob": Case(_column("longblob"), "longblob", (b"\0", b"x" * 70000), ("x",)),
    "enum": Case(_column("enum('a','b c','it''s')"), "enum('a','b c','it''s')", ("a", "it's"), ("A", "", "c"), "b c"),
    "json": Case(
        pw.JSONField, "json", ({}, [], {"é": [1, None, 0.5, "x'\\"]}), ({"a": 2**70}, [float("nan")], {1: 2})
    ),
    "date": Case(
        pw.DateField, "date", (dt.date(1000, 1, 1), dt.date(9999, 12, 31)), (MOMENT, "x"), dt.date(2026, 1, 2)
    ),
    "time": Case(pw.TimeField, "time", (dt.time(0), dt.time(23, 59, 59)), ("x", dt.time(1, tzinfo=dt.UTC)), dt.time(9)),
    "time(6)": Case(_column("time(6)"), "time(6)", (dt.time(0), dt.time(23, 59, 59, 999999)), ("25:00",), dt.time(9)),
    "datetime": Case(
        pw.DateTimeField, "datetime", (dt.datetime(1000, 1, 1), MOMENT, dt.datetime(9999, 12, 31, 23, 59, 59)),
        ("x", 5, dt.datetime(999, 1, 1)), default=MOMENT,
    ),
    "datetime(6)": Case(_column("datetime(6)"), "datetime(6)", (MOMENT, FINE), ("x",), default=MOMENT),
    "datetime(3)": Case(
        _column("datetime(3)"), "datetime(3)", (MOMENT, MOMENT.replace(microsecond=123000)), ("x",), default=MOMENT
    ),
    "timestamp": Case(
        _column("timestamp"), "timestamp", (dt.datetime(1970, 1, 1, 0, 0, 1), dt.datetime(2038, 1, 19, 3, 14, 7)),
        (dt.datetime(1970, 1, 1), dt.datetime(2038, 1, 19, 3, 14, 8)), default=MOMENT,
    ),
    "timestamp(6)": Case(_column("timestamp(6)"), "timestamp(6)", (FINE,), ("x",), default=FINE),
    "uuid": Case(pw.UUIDField, "varchar(40)", (UUID,), ("x" * 41,)),
    "binary uuid": Case(pw.BinaryUUIDField, "varbinary(16)", (UUID,), ()),
    "unix time": Case(lambda **o: pw.TimestampField(utc=True, **{"default": None, **o}), "bigint", (MOMENT,), ()),
    "ip": Case(pw.IPField, "bigint", ("10.1.2.3", "255.255.255.255"), ()),
    "bits": Case(pw.BitField, "bigint", (0, 2**40), (1.5,)),
}  # fmt: skip
