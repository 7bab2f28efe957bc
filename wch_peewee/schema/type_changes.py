"""Which type changes keep every value that can be there, decided from the types alone.

``reconcile_type`` never narrows: it gives the type to go to, and in words what it will not do.
"""

from dataclasses import dataclass

from .objects import ColumnType

_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
_TEXTS = ("tinytext", "text", "mediumtext", "longtext")
_TEXTUAL = {*_TEXTS, "char", "varchar", "enum", "json"}


@dataclass(frozen=True, slots=True)
class TypeVerdict:
    """``target`` is the type to bring the column to; ``reason`` says why it is not the declared one.

    ``blocking`` is true where the models cannot work with ``target``.
    """

    target: ColumnType
    reason: str = ""
    blocking: bool = False


def reconcile_type(actual: ColumnType, desired: ColumnType) -> TypeVerdict:
    if actual == desired or widens(actual, desired):
        return TypeVerdict(desired)
    if actual.name == desired.name == "enum":
        return _merge_enums(actual, desired)
    if widens(desired, actual):
        return TypeVerdict(actual, f"narrowing {actual} to {desired} could cut values; it is left as it is")
    same_kind = actual.name in _TEXTUAL and desired.name in _TEXTUAL
    return TypeVerdict(
        actual,
        f"changing {actual} to {desired} could refuse or change values; a migration has to convert it",
        blocking=not (same_kind or alike(actual, desired)),
    )


def alike(one: ColumnType, other: ColumnType) -> bool:
    """Say whether the two differ in size at most, so that a literal of the one is a literal of the other."""
    return one.name == other.name or (one.name in _INTEGERS and other.name in _INTEGERS)


def widens(actual: ColumnType, desired: ColumnType) -> bool:
    """Say whether every value of ``actual`` is a value of ``desired``."""
    if actual.name == "enum" and desired.name == "enum":
        return set(actual.values) <= set(desired.values)
    if actual.name in _INTEGERS and desired.name in _INTEGERS:
        return _integer_widens(actual, desired)
    if actual.name == desired.name and actual.size is not None and desired.size is not None:
        return actual.size <= desired.size and actual.unsigned == desired.unsigned and actual.name != "decimal"
    if actual.name == desired.name == "datetime":
        return actual.size is None
    if actual.name in _TEXTS and desired.name in _TEXTS:
        return _TEXTS.index(actual.name) <= _TEXTS.index(desired.name)
    if actual.name == "varchar" and desired.name in _TEXTS[1:]:
        return (actual.size or 0) * 4 <= 65535
    return False


def _integer_widens(actual: ColumnType, desired: ColumnType) -> bool:
    was, now = _INTEGERS.index(actual.name), _INTEGERS.index(desired.name)
    if actual.unsigned == desired.unsigned:
        return was <= now  # tinyint(1) and tinyint differ in how they print only
    return actual.unsigned and was < now


def _merge_enums(actual: ColumnType, desired: ColumnType) -> TypeVerdict:
    """Append what is missing and keep what is there, so that no row loses its value."""
    missing = tuple(value for value in desired.values if value not in actual.values)
    surplus = [value for value in actual.values if value not in desired.values]
    kept = ", ".join(repr(value) for value in surplus)
    return TypeVerdict(
        ColumnType("enum", values=actual.values + missing),
        f"removing {kept} from {actual} would empty the rows that hold it; it is kept",
    )
