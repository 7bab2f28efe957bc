"""Queries on information_schema of MySQL and MariaDB, and the canonical tables that their answers become."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..base import Query, Rows
from ..objects import (
    PARTITIONING,
    Column,
    ColumnType,
    Default,
    Foreign,
    ForeignKey,
    Index,
    Schema,
    Table,
    plain_default,
)
from ..types import column_type, unescape
from .base import per_table

_TABLES = (
    "SELECT %s AS t, ENGINE, TABLE_COLLATION, TABLE_TYPE, {options} FROM information_schema.TABLES "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s"
)
_OPTIONS = {
    "mariadb": "CREATE_OPTIONS",
    # CREATE_OPTIONS says nothing of PARTITION BY KEY ().
    "mysql": "CONCAT_WS(' ', CREATE_OPTIONS, (SELECT 'partitioned' FROM information_schema.PARTITIONS "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s AND PARTITION_NAME IS NOT NULL LIMIT 1))",
}
_COLUMNS = (
    "SELECT %s AS t, ORDINAL_POSITION AS o, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, "
    "COLLATION_NAME, COLUMN_COMMENT, GENERATION_EXPRESSION FROM information_schema.COLUMNS "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s"
)
_INDEXES = (
    "SELECT %s AS t, INDEX_NAME, NON_UNIQUE, SEQ_IN_INDEX AS o, COLUMN_NAME, SUB_PART, COLLATION, INDEX_TYPE, {hidden} "
    "FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s"
)
#: The conditions of an index that the server does not use: MySQL's, and that of MariaDB from 10.6 on.
_HIDDEN = {"mysql": "IS_VISIBLE = 'NO'", "mariadb": "IGNORED = 'YES'"}
_FOREIGN_KEYS = (
    "SELECT %s AS t, k.CONSTRAINT_NAME, k.ORDINAL_POSITION AS o, k.COLUMN_NAME, k.REFERENCED_TABLE_NAME, "
    "k.REFERENCED_COLUMN_NAME, r.DELETE_RULE, r.UPDATE_RULE, k.REFERENCED_TABLE_SCHEMA = k.TABLE_SCHEMA "
    "FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r "
    "ON r.CONSTRAINT_NAME = k.CONSTRAINT_NAME WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = %s "
    "AND r.CONSTRAINT_SCHEMA = DATABASE() AND r.TABLE_NAME = %s AND k.REFERENCED_TABLE_NAME IS NOT NULL"
)
_CHECKS = {
    "mariadb": "SELECT %s AS t, CONSTRAINT_NAME, CHECK_CLAUSE, LEVEL FROM information_schema.CHECK_CONSTRAINTS "
    "WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = %s",
    "mysql": "SELECT %s AS t, t.CONSTRAINT_NAME, IF(t.ENFORCED = 'YES', c.CHECK_CLAUSE, ''), 'Table' AS lvl "
    "FROM information_schema.TABLE_CONSTRAINTS t JOIN information_schema.CHECK_CONSTRAINTS c "
    "ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME "
    "WHERE t.CONSTRAINT_SCHEMA = DATABASE() AND t.TABLE_NAME = %s AND t.CONSTRAINT_TYPE = 'CHECK'",
}
_TRIGGERS = (
    "SELECT %s AS t, TRIGGER_NAME FROM information_schema.TRIGGERS "
    "WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = %s"
)

_PARTS = ("columns", "indexes", "checks", "foreign_keys", "triggers")

#: What a column has beside its type: ``zerofill``, MariaDB's ``/*M!100301 COMPRESSED*/``
_ATTRIBUTES = re.compile(r"(?: zerofill| /\*M?!\d* ?[^*]*\*/)+$")
_JSON_VALID = re.compile(r"^json_valid\(`((?:[^`]|``)+)`\)$")
_NOW = re.compile(r"^current_timestamp(?:\((\d*)\))?$", re.IGNORECASE)


def introspection_queries(flavor: str, names: Sequence[str], *, hides: bool = True) -> dict[str, Query]:
    """Return the queries for everything about the tables; ``hides`` says that the server can hide indexes."""
    selects = {
        "tables": _TABLES.format(options=_OPTIONS[flavor]),
        "columns": _COLUMNS,
        "indexes": _INDEXES.format(hidden=_HIDDEN[flavor] if hides else "0"),
        "checks": _CHECKS[flavor],
        "foreign_keys": _FOREIGN_KEYS,
        "triggers": _TRIGGERS,
    }
    return {part: per_table(select, names) for part, select in selects.items()}


def read_schema(flavor: str, names: Sequence[str], answers: Mapping[str, Rows], *, fold_names: bool = False) -> Schema:
    """Return the tables that exist, from the answers to the queries; parts without an answer stay empty."""
    found = {row[0]: row for row in answers["tables"]}
    spelling = {name.lower(): name for name in names} if fold_names else {}
    return Schema(tuple(_read_table(flavor, found[name], answers, spelling) for name in names if name in found))


def _read_table(flavor: str, row: Sequence[Any], answers: Mapping[str, Rows], spelling: Mapping[str, str]) -> Table:
    name, engine, collation, kind, options = row
    own = {part: [row for row in answers.get(part, ()) if row[0] == name] for part in _PARTS}
    columns = sorted(own["columns"], key=lambda row: int(row[1]))
    longtexts = {str(row[2]) for row in columns if flavor == "mysql" and row[3] == "longtext"}
    json, opaque, foreign = _read_checks(own["checks"], longtexts)
    primary, indexes = _read_indexes(own["indexes"])
    partitioning = (PARTITIONING,) if "partitioned" in (options or "").lower() else ()
    return Table(
        name,
        tuple(_read_column(flavor, column, collation, json, opaque) for column in columns),
        primary_key=primary,
        indexes=tuple(indexes),
        foreign_keys=tuple(_read_foreign_keys(own["foreign_keys"], spelling)),
        engine=engine,
        collation=collation,
        foreign=(*foreign, *(Foreign("trigger", row[1]) for row in own["triggers"]), *partitioning),
        opaque=() if kind == "BASE TABLE" else (f"it is a {kind.lower()}" + " table" * kind.endswith("VERSIONED"),),
        is_view=kind.endswith("VIEW"),
    )


def _read_checks(rows: Rows, longtexts: set[str]) -> tuple[set[str], dict[str, list[str]], list[Foreign]]:
    """Return the JSON columns, the other checks of columns, and the checks of the table.

    MariaDB's JSON is a longtext with a column check json_valid(c), whose name may be a former name of the column.
    Its dump in MySQL has one of the table, for one of ``longtexts``. A MODIFY loses a column's own check.
    """
    json: set[str] = set()
    opaque: dict[str, list[str]] = {}
    foreign = []
    for _, check, clause, level in rows:
        match = _JSON_VALID.match(clause)
        column = match[1].replace("``", "`") if match else ""
        if level == "Column" and match:
            json.add(column)
        elif level == "Column":
            opaque.setdefault(check, []).append(f"a check of its own ({clause})")
        elif column in longtexts - json:
            json.add(column)
            opaque.setdefault(column, []).append(f"the type longtext with the check {check} in place of json")
        else:
            foreign.append(Foreign("check", check))
    return json, opaque, foreign


def _read_column(
    flavor: str, row: Sequence[Any], table_collation: str | None, json: set[str], opaque: dict[str, list[str]]
) -> Column:
    _, _, name, type_text, nullable, default, extra, collation, comment, generated = row
    type_, attributes = _split_type(type_text)
    if type_.name == "longtext" and name in json:
        type_ = ColumnType("json")
    words = [*opaque.get(name, ()), *attributes]
    rest = (extra or "").lower().replace("default_generated", "").split()
    auto_increment = "auto_increment" in rest
    rest = [word for word in rest if word != "auto_increment"]
    if generated:
        words.append("a virtual generated value" if "virtual" in rest else "a generated value")
        rest = [word for word in rest if word not in ("virtual", "stored", "persistent", "generated")]
    if rest:
        words.append(" ".join(rest))
    value = _read_default(flavor, type_, default, extra or "")
    if value is not None and value.is_expression and value.text != "current_timestamp":
        words.append(f"the default expression {value.text}")
    return Column(
        name,
        type_,
        nullable=nullable == "YES",
        default=plain_default(type_, value),
        auto_increment=auto_increment,
        collation=None if type_.name == "json" or collation == table_collation else collation,
        comment=comment or "",
        opaque=tuple(words),
    )


def _split_type(text: str) -> tuple[ColumnType, list[str]]:
    """Return the type in COLUMN_TYPE, and the attributes behind it."""
    match = _ATTRIBUTES.search(text)
    attributes = re.findall(r"[a-z]+", match[0].lower().replace("*m!", "")) if match else []
    return column_type(text[: match.start()] if match else text), attributes


def _read_default(flavor: str, type_: ColumnType, default: Any, extra: str) -> Default | None:
    if default is None:
        return None
    text = default.decode() if isinstance(default, bytes) else str(default)
    if flavor == "mysql":
        expression = "DEFAULT_GENERATED" in extra.upper()
    elif text.upper() == "NULL":
        return None
    elif text.startswith("'"):
        return Default(unescape(text[1:-1]))
    else:
        expression = re.fullmatch(r"-?[0-9.]+(e[-+]?[0-9]+)?", text, re.IGNORECASE) is None
    if expression:
        now = _NOW.match(text)
        same = now is not None and int(now[1] or 0) == (type_.size or 0)
        return Default("current_timestamp" if same else text, is_expression=True)
    return Default(text)


def _read_indexes(rows: Rows) -> tuple[tuple[str, ...], list[Index]]:
    primary: tuple[str, ...] = ()
    indexes = []
    for name, members in _by_name(rows, order=3):
        words = []
        if any(row[4] is None for row in members):
            words.append("it is on an expression")
        if any(row[5] is not None for row in members):
            words.append("it is on a prefix")
        if any(row[6] == "D" for row in members):
            words.append("it is descending")
        if members[0][7] != "BTREE":
            words.append(f"it is a {members[0][7]} index")
        if int(members[0][8]):
            words.append("it is invisible")
        columns = tuple(row[4] or "" for row in members)
        if name == "PRIMARY":
            primary = columns
        else:
            indexes.append(Index(name, columns, unique=not int(members[0][2]), opaque=tuple(words)))
    return primary, indexes


def _read_foreign_keys(rows: Rows, spelling: Mapping[str, str]) -> list[ForeignKey]:
    """Return the foreign keys. ``spelling`` maps folded names of tables to those asked for, if the server folds."""
    keys = []
    for name, members in _by_name(rows, order=2):
        table = spelling.get(members[0][4].lower(), members[0][4])
        if not members[0][8]:
            # No managed table is called that, so a key into another database serves none that is declared.
            table = f"another database's {table}"
        keys.append(
            ForeignKey(
                columns=tuple(row[3] for row in members),
                referenced_table=table,
                referenced_columns=tuple(row[5] for row in members),
                on_delete=members[0][6],
                on_update=members[0][7],
                name=name,
            )
        )
    return keys


def _by_name(rows: Rows, *, order: int) -> list[tuple[str, list[Sequence[Any]]]]:
    """Return the columns of each index or key, by its name; the field ``order`` has a column's position."""
    parts: dict[str, list[Sequence[Any]]] = {}
    for row in sorted(rows, key=lambda row: int(row[order])):
        parts.setdefault(row[1], []).append(row)
    return sorted(parts.items())
