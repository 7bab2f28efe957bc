"""Findings of the lint, and its rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..source import flat, source_of

#: Every rule and what it is about, in the order of the documentation.
RULES = {
    "name": "a file that is no NNN_words.py, which would be passed over in silence",
    "gap": "a number that is left out",
    "duplicate": "a number that two files have",
    "load": "a file that cannot be read or run as Python",
    "version": "VERSION missing, not MAJOR.MINOR.PATCH, or not rising with the number",
    "stamp": "migrate() does not end by stamping VERSION, rollback() not by setting the previous one",
    "body": "work on the database outside of migrator.run(...)",
    "step": "a step that cannot be called with what it is given",
    "models": "an import of the live models, which change, where a migration must not",
    "rollback": "no rollback(), or one that does nothing and does not say why",
    "undecided": "a question that wch new has left, and nobody has answered",
    "shipped": "a file that was shipped and has been changed or removed since",
    "allow": "a comment that allows something without a reason, or a rule that there is not",
    "not-null": "a column becomes NOT NULL with rows that have no value for it",
    "narrowing": "a type that no longer takes every value that can be there",
    "enum-values": "values of an enum removed, renamed or put into another order",
    "table-copy": "a type that makes the server copy the whole table, with its writers waiting",
    "allow-drop": "a drop that does not say that it is meant",
    "drop-in-use": "a drop in the very migration that stops using what is dropped",
    "rename-column": "a new name, which PHP and older releases do not know",
    "unique-index": "a unique index, against which duplicates may come in",
    "foreign-key": "a foreign key, against which orphans may come in",
    "whole-table": "a statement over all rows at once",
    "ddl": "SQL that changes the schema behind the steps' back",
}

#: What no comment in the file itself can allow.
FIRM = ("allow", "shipped", "load", "name")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding: where, by which rule, what it is, and what to do about it."""

    path: Path
    line: int
    rule: str
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule}] {self.found}; {self.advice}"


#: What a rule says of one file: line, rule, what was found, what to do.
Remark = tuple[int, str, str, str]
Remarks = Iterator[Remark]


def code_of(value: object) -> str:
    """Return the source of a text or a schema value, on one line."""
    return flat(source_of(value))


def run_code(function: str, *arguments: str) -> str:
    """Return the source of one step."""
    return f"migrator.run({', '.join([function, 'database', *arguments])})"
