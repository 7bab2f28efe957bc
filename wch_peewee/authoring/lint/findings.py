"""Findings of the lint, and its rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..source import flat, source_of

#: Every rule and what it is about, in the order of the documentation.
RULES = {
    "name": "a file name other than NNN_words.py, which would be ignored silently",
    "gap": "a missing number",
    "duplicate": "a number that two files have",
    "load": "a file that cannot be read or run as Python",
    "version": "VERSION is missing, is not MAJOR.MINOR.PATCH, or does not rise with the number",
    "stamp": "migrate() does not end by stamping VERSION, or rollback() by setting the previous version",
    "body": "work on the database outside of migrator.run(...)",
    "step": "a step that cannot be called with these arguments",
    "models": "an import of the live models, which change later, where a migration must not use them",
    "rollback": "rollback() is missing, or does nothing without giving the reason",
    "undecided": "a question from wch new that has not been answered",
    "shipped": "a file that was changed or removed after it was shipped",
    "allow": "a comment that allows a finding without a reason, or names an unknown rule",
    "not-null": "a column becomes NOT NULL while rows may have no value for it",
    "narrowing": "a type that no longer takes every value that may be stored",
    "enum-values": "values of an enum are removed, renamed or reordered",
    "table-copy": "a type change for which the server copies the whole table and blocks its writers",
    "allow-drop": "a drop that is not confirmed with allow_drop=True",
    "drop-in-use": "a drop in the same migration that stops using the dropped object",
    "rename-column": "a rename, which breaks PHP and older releases",
    "unique-index": "a unique index on a column in which duplicates may appear meanwhile",
    "foreign-key": "a foreign key to which orphans may be added meanwhile",
    "whole-table": "one statement that changes all rows of a table",
    "ddl": "SQL that changes the schema without a step",
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
