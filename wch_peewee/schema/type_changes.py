"""The type changes that keep every possible value, decided from the types alone."""

from dataclasses import dataclass

from .objects import ColumnType

_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
TEXTS = ("tinytext", "text", "mediumtext", "longtext")
_TEXTUAL = {*TEXTS, "char", "varchar", "enum", "json"}


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
        return TypeVerdict(actual, f"narrowing {actual} to {desired} could cut values; it is left as it is")
    same_kind = actual.name in _TEXTUAL and desired.name in _TEXTUAL
    return TypeVerdict(
        actual,
        f"changing {actual} to {desired} could refuse or change values; a migration has to convert it",
        blocking=not (same_kind or actual.name == desired.name or (_is_whole(actual) and _is_whole(desired))),
    )


def _is_whole(type_: ColumnType) -> bool:
    """Return True for whole numbers, which the models read as such from any of these types."""
    return type_.name in _INTEGERS or (type_.name.startswith("decimal(") and type_.name.endswith(",0)"))


def widens(actual: ColumnType, desired: ColumnType) -> bool:
    """Return True if every value of ``actual`` is a value of ``desired``."""
    if actual.name == "enum" and desired.name == "enum":
        return set(actual.values) <= set(desired.values)
    if actual.name in _INTEGERS and desired.name in _INTEGERS:
        return _integer_widens(actual, desired)
    if actual.name == desired.name and actual.size is not None and desired.size is not None:
        return actual.size <= desired.size and actual.unsigned == desired.unsigned and actual.name != "decimal"
    if actual.name == desired.name == "datetime":
        return actual.size is None
    if actual.name in TEXTS and desired.name in TEXTS:
        return TEXTS.index(actual.name) <= TEXTS.index(desired.name)
    if actual.name == "varchar" and desired.name in TEXTS[1:]:
        return (actual.size or 0) * 4 <= 65535
    return False


def _integer_widens(actual: ColumnType, desired: ColumnType) -> bool:
    was, now = _INTEGERS.index(actual.name), _INTEGERS.index(desired.name)
    if actual.unsigned == desired.unsigned:
        return was <= now  # tinyint(1) and tinyint differ only in display
    return actual.unsigned and was < now


def _merge_enums(actual: ColumnType, desired: ColumnType) -> TypeVerdict:
    """Append the missing values and keep the others, so that no row loses its value."""
    missing = tuple(value for value in desired.values if value not in actual.values)
    surplus = [value for value in actual.values if value not in desired.values]
    kept = ", ".join(repr(value) for value in surplus)
    return TypeVerdict(
        ColumnType("enum", values=actual.values + missing),
        f"removing {kept} from {actual} would empty the rows that hold it; it is kept",
    )
