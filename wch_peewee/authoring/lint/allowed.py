"""Comments that allow a finding: ``# wch: allow rename-column because only Python reads it``.

The comment stands on a line of the statement, or on the one above it, and gives a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .findings import FIRM, RULES, Remark, Remarks
from .source import Source

_COMMENT = re.compile(r"#\s*wch:\s*allow\b(.*)", re.IGNORECASE | re.DOTALL)
_ALLOWED = re.compile(r"\s+([a-z][a-z-]*)\s+because\s+(\S.*)", re.DOTALL)
_ADVICE = "write # wch: allow RULE because ..., with one rule and the reason"


def without_allowed(source: Source, remarks: Iterable[Remark]) -> Remarks:
    """Leave out what a comment of the file allows."""
    allowed: dict[int, str] = {}
    for line, comment in source.comments.items():
        if (rule := _rule_of(comment)) in RULES:
            allowed[line] = rule
    for remark in remarks:
        lines = source.lines_of(remark[0])
        near = (*lines, lines.start - 1, remark[0] - 1)
        if remark[1] in FIRM or not any(allowed.get(line) == remark[1] for line in near):
            yield remark


def bad_comments(source: Source) -> Remarks:
    """Find comments that mean to allow something and do not."""
    for line, comment in source.comments.items():
        match = _COMMENT.match(comment)
        if match is None:
            continue
        rule = _rule_of(comment)
        if rule is None:
            yield line, "allow", "the comment allows nothing: it has no rule or no reason", _ADVICE
        elif rule not in RULES:
            yield line, "allow", f"there is no rule {rule}", f"the rules are {', '.join(RULES)}"
        elif rule in FIRM:
            yield line, "allow", f"{rule} cannot be allowed in the file itself", "take the comment out"


def _rule_of(comment: str) -> str | None:
    match = _COMMENT.match(comment)
    words = _ALLOWED.fullmatch(match[1]) if match else None
    return words[1] if words else None
