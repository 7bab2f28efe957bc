"""Rules about a migration's own SQL: statements over all rows, and on the schema instead of steps."""

import re

from ...migrate import batches, steps
from .findings import Remarks, code_of, run_code
from .load import Migration, RecordedStep

#: A literal, whose words mean nothing here, or a comment.
_QUIET = re.compile(r"('(?:[^'\\]|''|\\.)*')|/\*.*?\*/|--\s[^\n]*|#[^\n]*", re.DOTALL)
_DDL = re.compile(r"\s*(ALTER|CREATE|DROP|TRUNCATE|RENAME)\b", re.IGNORECASE)
#: One row by its key, or those that are listed.
_BY_KEY = re.compile(r"([\w{}]+\.)?[`\"]?id[`\"]?\s*(=\s*[\d?]|IN\s*\(\s*[\d?])", re.IGNORECASE)

#: What an ALTER or CREATE says, and the step that does it.
_STEPS = (
    (r"ADD\s+(CONSTRAINT\b.*)?FOREIGN\s+KEY", "steps.add_foreign_key"),
    (r"DROP\s+(FOREIGN\s+KEY|CONSTRAINT)", "steps.drop_foreign_key"),
    (r"ADD\s+(UNIQUE|INDEX|KEY)\b|CREATE\s+(UNIQUE\s+)?INDEX", "steps.add_index"),
    (r"RENAME\s+(INDEX|KEY)", "steps.rename_index"),
    (r"DROP\s+(INDEX|KEY)", "steps.drop_index"),
    (r"RENAME\s+COLUMN", "steps.rename_column"),
    (r"\b(MODIFY|CHANGE|ALTER\s+COLUMN)\b", "steps.alter_column or steps.rename_column"),
    (r"DROP\s+TABLE", "steps.drop_tables"),
    (r"CREATE\s+(TEMPORARY\s+)?TABLE", "steps.create_tables"),
    (r"ALTER\s+TABLE\b.*\bDROP\b", "steps.drop_column"),
    (r"ALTER\s+TABLE\b.*\bADD\b", "steps.add_column"),
    (r"TRUNCATE", "batches.run_in_batches with a DELETE"),
)


def sql_remarks(migration: Migration) -> Remarks:
    """Check the SQL of migrate() and rollback()."""
    for recording in (migration.migrate, migration.rollback):
        for step in recording.steps:
            if step.is_(steps.run_sql):
                yield from _own(step)
            elif step.is_(batches.run_in_batches) and "{batch" not in str(step.arguments["sql"]):
                found = "the SQL of a batch has no {batch}, so each batch would change all rows"
                yield step.line, "whole-table", found, f"write {_batched(step)}"


def _own(step: RecordedStep) -> Remarks:
    sql = _QUIET.sub(lambda match: "''" if match[1] else " ", str(step.arguments["sql"]))
    if match := _DDL.match(sql):
        found = f"{match[1].upper()} in run_sql cannot be repeated, and may not work on other engines"
        if re.search(r"\bON\s+UPDATE\s+CURRENT_TIMESTAMP", sql, re.IGNORECASE):
            yield step.line, "ddl", found, "no step makes ON UPDATE CURRENT_TIMESTAMP: have the models write the time"
            return
        known = next((s for pattern, s in _STEPS if re.search(pattern, sql, re.IGNORECASE | re.DOTALL)), "")
        table = re.search(r"\{(\w+)", sql)
        code = run_code(known, code_of(table[1]) if table and "tables" not in known else "...", "...")
        advice = f"use a step, which inspects first: {code}" if known.count(".") == 1 and " " not in known else ""
        yield step.line, "ddl", found, advice or (f"use {known}" if known else "use a step, or remove it")
    elif _over_all(sql):
        found = "it changes all rows in one transaction, which blocks other writers"
        yield step.line, "whole-table", found, f"use batches: {_batched(step)}"


def _over_all(sql: str) -> bool:
    words = re.sub(r"\s+", " ", sql).strip()
    verb = re.match(r"(WITH\b.*?\)\s*)?(UPDATE|DELETE|INSERT|REPLACE)\b", words, re.IGNORECASE)
    if verb is None:
        return False
    if verb[2].upper() in ("INSERT", "REPLACE"):
        return re.search(r"\bSELECT\b.*\bFROM\b", words, re.IGNORECASE) is not None
    *_, condition = _split(words)
    return _BY_KEY.match(condition) is None or re.search(r"\bOR\b", condition, re.IGNORECASE) is not None


def _batched(step: RecordedStep) -> str:
    text = _QUIET.sub(lambda match: match[0] if match[1] else " ", str(step.arguments["sql"]))
    sql = " ".join(text.split()).rstrip("; ")
    head, where, tail = _split(sql)
    table = step.arguments.get("table") or next(iter(re.findall(r"\{(\w+)", sql)), "TABLE")
    batched = f"{head} WHERE {{batch}} AND ({tail})" if where else f"{sql} WHERE {{batch}}"
    return run_code("batches.run_in_batches", code_of(str(table)), code_of(batched))


def _split(sql: str) -> tuple[str, str, str]:
    """Split at the WHERE of the statement itself, not at one in parentheses."""
    depth = 0
    for match in re.finditer(r"\(|\)|\bWHERE\b", sql, re.IGNORECASE):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0 and len(match[0]) > 1:
            return sql[: match.start()].rstrip(), match[0], sql[match.end() :].strip()
    return sql, "", ""
