"""The column types: what is known of each, and the changes of type that keep every possible value."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Literal
from unicodedata import combining, normalize

#: Types of one family hold the same kind of value.
Family = Literal["whole", "decimal", "real", "text", "bytes", "enum", "json", "date", "time", "moment"]


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column type. ``size`` is in characters, bytes (binary), all digits (decimal) or fractional digits (datetime).

    ``scale`` is the number of a decimal's fractional digits.
    """

    name: str
    size: int | None = None
    unsigned: bool = False
    values: tuple[str, ...] = ()
    scale: int | None = None

    def __str__(self) -> str:
        text = self.name
        if self.values:
            text += "(" + ",".join("'" + value.replace("'", "''") + "'" for value in self.values) + ")"
        elif self.size is not None:
            text += f"({self.size})" if self.scale is None else f"({self.size},{self.scale})"
        return text + " unsigned" if self.unsigned else text

    @property
    def kind(self) -> Kind | None:
        """What is known of the type; None for one that no model can declare."""
        return KINDS.get(self.name)

    @property
    def family(self) -> Family | None:
        kind = KINDS.get(self.name)
        return None if kind is None else kind.family

    @property
    def has_collation(self) -> bool:
        return self.family in ("text", "enum")

    @property
    def is_bounded(self) -> bool:
        """True for texts and bytes whose size is part of the type."""
        return self.family in ("text", "bytes") and not KINDS[self.name].holds

    @property
    def is_unbounded(self) -> bool:
        """True for what a server keeps outside of the row: it has no literal default, and no index without a prefix."""
        return self.family in ("text", "bytes", "json") and not self.is_bounded

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest whole number; None for another kind of value."""
        if self.family != "whole":
            return None
        bits = KINDS[self.name].holds
        return (0, 2**bits - 1) if self.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of the types of one name: those of a ``family`` are listed from the least to the greatest.

    ``holds`` is in bits (whole numbers) or bytes; 0 where the size says it. ``neutral`` is the value for rows that have
    none.
    """

    family: Family
    holds: int = 0
    neutral: str = ""


KINDS = {
    "tinyint": Kind("whole", 8, "0"),
    "smallint": Kind("whole", 16, "0"),
    "mediumint": Kind("whole", 24, "0"),
    "int": Kind("whole", 32, "0"),
    "bigint": Kind("whole", 64, "0"),
    "decimal": Kind("decimal", neutral="0"),
    "float": Kind("real", neutral="0"),
    "double": Kind("real", neutral="0"),
    "char": Kind("text"),
    "varchar": Kind("text"),
    "tinytext": Kind("text", 2**8 - 1),
    "text": Kind("text", 2**16 - 1),
    "mediumtext": Kind("text", 2**24 - 1),
    "longtext": Kind("text", 2**32 - 1),
    "binary": Kind("bytes"),
    "varbinary": Kind("bytes"),
    "tinyblob": Kind("bytes", 2**8 - 1),
    "blob": Kind("bytes", 2**16 - 1),
    "mediumblob": Kind("bytes", 2**24 - 1),
    "longblob": Kind("bytes", 2**32 - 1),
    "enum": Kind("enum"),
    "json": Kind("json", 2**32 - 1, "{}"),
    "date": Kind("date", neutral="1970-01-01"),
    "time": Kind("time", neutral="00:00:00"),
    "datetime": Kind("moment", neutral="1970-01-01 00:00:01"),
    "timestamp": Kind("moment", neutral="1970-01-01 00:00:01"),
}
TEXTS = tuple(name for name, kind in KINDS.items() if kind.family == "text" and kind.holds)

#: Other names of the same types.
_ALIASES = {
    "integer": "int",
    "numeric": "decimal",
    "dec": "decimal",
    "fixed": "decimal",
    "double precision": "double",
    "real": "double",
    "character": "char",
}
_TYPE = re.compile(
    r"(?P<name>[a-z][a-z ]*?)\s*(?:\((?P<args>.*)\))?(?P<rest>(?:\s+[a-z]+)*)", re.DOTALL | re.IGNORECASE
)
_NUMBERS = re.compile(r"\s*(\d+)\s*(?:,\s*(\d+)\s*)?")
_MEMBER = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPED = {"0": "\0", "n": "\n", "r": "\r"}


def unescape(member: str) -> str:
    """Return the text of a literal of MySQL, given without its quotes."""
    return re.sub(r"''|\\(.)", lambda match: _ESCAPED.get(match[1], match[1]) if match[1] else "'", member)


def column_type(text: str) -> ColumnType:
    """Return the type that ``text`` names as MySQL writes it: ``decimal(10,2)``, ``int unsigned``, ``enum('a','b')``.

    The display width of integers means nothing, except in ``tinyint(1)``. An unknown type has its text as name.
    """
    match = _TYPE.fullmatch(text.strip())
    if match is None:
        return ColumnType(text)
    args, words = match["args"], f"{match['name']}{match['rest']}".lower().split()
    unsigned = "unsigned" in words
    name = " ".join(word for word in words if word != "unsigned")
    if name in ("bool", "boolean"):
        return ColumnType("tinyint", size=1)
    name = _ALIASES.get(name, name)
    if " " in name:
        return ColumnType(text)
    if name == "enum" and args is not None:
        return ColumnType(name, values=tuple(unescape(member) for member in _MEMBER.findall(args)))
    numbers = _NUMBERS.fullmatch(args) if args is not None else None
    if args is not None and numbers is None:
        return ColumnType(f"{name}({args})", unsigned=unsigned)
    size, scale = (None if part is None else int(part) for part in (numbers.groups() if numbers else (None, None)))
    return complete(ColumnType(name, size, unsigned, scale=scale))


def complete(type_: ColumnType) -> ColumnType:
    """Return the type with the size that it has if none is given, and without one that means nothing."""
    if type_.family == "whole":
        return replace(type_, size=1 if (type_.name, type_.size) == ("tinyint", 1) else None)
    if type_.name == "decimal":
        return replace(type_, size=type_.size or 10, scale=type_.scale or 0)
    if type_.name in ("char", "binary"):
        return replace(type_, size=1 if type_.size is None else type_.size)
    return replace(type_, size=type_.size or None) if type_.family in ("time", "moment") else type_


#: InnoDB's limit for an index, in bytes
LONGEST_KEY = 3072
#: The greatest sizes, where a row of utf8mb4 has room for them.
_LARGEST = {"char": 255, "varchar": 16_383, "binary": 255, "varbinary": 65_532, "decimal": 65}


def longest_key(type_: ColumnType, width: int = 4) -> int:
    """Return the bytes that a column takes in an index; ``width`` is the bytes of a character."""
    if type_.is_unbounded:
        return LONGEST_KEY + 1
    return (type_.size or 0) * (width if type_.family == "text" else 1) if type_.is_bounded else 8


_FIXED = {"float": 4, "double": 8, "date": 3, "time": 3, "datetime": 5, "timestamp": 4}


def row_bytes(type_: ColumnType) -> tuple[int, int, int]:
    """Return the bytes that a column takes in a row of utf8mb4, and those in its page on MariaDB and on MySQL."""
    holds = 0 if type_.kind is None else type_.kind.holds
    if type_.is_unbounded:
        return 8 + holds.bit_length() // 8, 21, 41
    if type_.is_bounded:
        length = longest_key(type_)
        if type_.name == "binary":
            return length, length, length
        counted = type_.name.startswith("var") * (1 if length < 256 else 2)
        return length + counted, length + 1 if length < 256 else 21, min(length, 40) + 1
    if type_.family == "decimal":  # nine digits take four bytes, and fewer of them less
        scale = type_.scale or 0
        bytes_ = sum(digits // 9 * 4 + (digits % 9 + 1) // 2 for digits in ((type_.size or 0) - scale, scale))
    elif type_.family == "enum":
        bytes_ = 1 if len(type_.values) < 256 else 2
    else:
        bytes_ = holds // 8 or _FIXED.get(type_.name, 8) + ((type_.size or 0) + 1) // 2
    return bytes_, bytes_, bytes_


def beyond(type_: ColumnType) -> str:
    """Return the limit of MySQL and MariaDB that the type is beyond, or an empty text."""
    largest = 6 if type_.family in ("time", "moment") else _LARGEST.get(type_.name)
    if largest is not None and (type_.size or 0) > largest:
        return f"{largest} is the most"
    if type_.family == "decimal" and (type_.scale or 0) > min(30, type_.size or 0):
        return "at most 30 digits, and no more than it has, are behind the point"
    if cut := [member for member in type_.values if member.endswith(" ")]:
        return f"servers cut the blank at the end of {cut[0]!r}"
    folded = [_folded(member) for member in type_.values]
    for number, member in enumerate(folded):
        if member in folded[:number]:
            return f"servers take {type_.values[number]!r} for {type_.values[folded.index(member)]!r}"
    return ""


def _folded(text: str) -> str:
    """Return a text as the tables' collation compares it: without case and accents."""
    return "".join(character for character in normalize("NFKD", text) if not combining(character)).casefold()


def plain_literal(type_: ColumnType, literal: str) -> str:
    """Return the text of a default in the one spelling that engines agree on: ``0.00`` for ``0`` in decimal(10,2)."""
    try:
        if type_.family == "whole":
            return str(int(literal))
        if type_.family == "decimal" and type_.scale is not None:
            return f"{Decimal(literal):.{type_.scale}f}"
        if type_.family == "real":
            # Of a float, servers show six digits.
            number = f"{float(literal):.6g}" if type_.name == "float" else literal
            return repr(float(number)).removesuffix(".0")
    except (ValueError, InvalidOperation):
        return literal
    if type_.family in ("time", "moment") and type_.size and literal:
        whole, _, fraction = literal.partition(".")
        return f"{whole}.{fraction:0<{type_.size}}"
    return literal


def widens(actual: ColumnType, desired: ColumnType) -> bool:
    """Return True if every value of ``actual`` is a value of ``desired``, and reads the same."""
    was, now = actual.kind, desired.kind
    if was is None or now is None or was.family != now.family:
        same = (actual.name, actual.unsigned) == (desired.name, desired.unsigned)
        return same and actual.size is not None and desired.size is not None and actual.size <= desired.size
    match was.family:
        case "whole":
            if actual.unsigned == desired.unsigned:
                return was.holds <= now.holds  # tinyint(1) and tinyint differ only in display
            return actual.unsigned and was.holds < now.holds
        case "decimal":
            (size, scale), (wider, finer) = ((type_.size or 0, type_.scale or 0) for type_ in (actual, desired))
            return scale <= finer and size - scale <= wider - finer and actual.unsigned >= desired.unsigned
        case "real":  # in a double, the 0.1 of a float reads 0.10000000149
            same = (actual.name, actual.size, actual.scale) == (desired.name, desired.size, desired.scale)
            return same and actual.unsigned >= desired.unsigned
        case "text" | "bytes":
            return _longer(actual, desired, 4 if was.family == "text" else 1)
        case "enum":
            return set(actual.values) <= set(desired.values)
    return actual.name == desired.name and (actual.size or 0) <= (desired.size or 0)


def _longer(actual: ColumnType, desired: ColumnType, width: int) -> bool:
    """Compare texts or bytes. ``width`` is the greatest number of bytes of a character."""
    if desired.is_bounded:
        longer = actual.name == desired.name and (actual.size or 0) <= (desired.size or 0)
        return longer and (desired.name != "binary" or actual.size == desired.size)
    now = KINDS[desired.name].holds
    # A char loses its trailing blanks, and a binary has zeros at its end: they stay what they are.
    long = actual.name in ("varchar", "varbinary") and 255 < now >= (actual.size or 0) * width
    return long or 0 < KINDS[actual.name].holds <= now


_TEXTUAL = {"text", "enum", "json"}


@dataclass(frozen=True, slots=True)
class TypeVerdict:
    """The type to change a column to. ``reason`` says why it is not the declared one.

    ``blocking`` is true if the models cannot work with ``target``.
    """

    target: ColumnType
    reason: str = ""
    blocking: bool = False


def reconcile_type(actual: ColumnType, desired: ColumnType) -> TypeVerdict:
    """Return the type as close to ``desired`` as is possible without narrowing ``actual``."""
    if actual == desired or widens(actual, desired):
        return TypeVerdict(desired)
    if actual.name == desired.name == "enum":
        return _merge_enums(actual, desired)
    if widens(desired, actual):
        return TypeVerdict(actual, f"narrowing {actual} to {desired} could truncate values; it is not changed")
    same_kind = {actual.family, desired.family} <= _TEXTUAL
    return TypeVerdict(
        actual,
        f"changing {actual} to {desired} could change or reject values; convert it in a migration",
        blocking=not (same_kind or actual.name == desired.name or (_is_whole(actual) and _is_whole(desired))),
    )


def _is_whole(type_: ColumnType) -> bool:
    """Return True for whole numbers, which the models read as such from any of these types."""
    return type_.family == "whole" or (type_.family == "decimal" and not type_.scale)


def _merge_enums(actual: ColumnType, desired: ColumnType) -> TypeVerdict:
    """Append the missing values and keep the others, so that no row loses its value."""
    missing = tuple(value for value in desired.values if value not in actual.values)
    surplus = [value for value in actual.values if value not in desired.values]
    kept = ", ".join(repr(value) for value in surplus)
    return TypeVerdict(
        ColumnType("enum", values=actual.values + missing),
        f"removing {kept} from {actual} would empty the rows that have it; it is kept",
    )
