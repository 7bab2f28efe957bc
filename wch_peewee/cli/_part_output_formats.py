"""Documents for programs: JSON, YAML and CSV. What a document holds is the commands' business.

RENDERERS["yaml"]({"version": "1.0.0", "applied": ["001_initial_schema"]}, [])
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

#: Keys that need no quotes; ``yes``, ``no`` and their like are none of ours.
_PLAIN = re.compile(r"[a-z]+(_[a-z]+)+|version|prefix|target|applied|pending|engine|error|outcome|rows", re.ASCII)

#: Takes the document, and its rows for a format that has only rows.
Renderer = Callable[[dict[str, Any], Sequence[dict[str, Any]]], str]


def _json(document: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(document, indent=2, default=str)


def _yaml(document: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join(_yaml_lines(json.loads(json.dumps(document, default=str))))


def _yaml_lines(value: Any) -> Iterator[str]:
    """Block style, with JSON's scalars, which are YAML's, too."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _yaml_item(f"{key if _PLAIN.fullmatch(key) else _yaml_text(key)}:", inner)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _yaml_item("-", inner)
    else:
        yield _yaml_text(value) if isinstance(value, str) else json.dumps(value)


def _yaml_text(text: str) -> str:
    """Quote a text; what YAML does not print, it writes as an escape, eight digits long beyond the first 65,536."""
    return "".join(
        character
        if character.isprintable()
        else f"\\u{ord(character):04x}"
        if ord(character) < 0x10000
        else f"\\U{ord(character):08x}"
        for character in json.dumps(text, ensure_ascii=False)
    )


def _yaml_item(head: str, value: Any) -> Iterator[str]:
    lines = list(_yaml_lines(value))
    if isinstance(value, dict | list) and value:
        yield head
        yield from (f"  {line}" for line in lines)
    else:
        yield f"{head} {lines[0]}"


def _csv(document: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """A line for each row under the names of all columns; what is no single value stands there as JSON."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue().rstrip("\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str)
    return str(value)


RENDERERS: dict[str, Renderer] = {"json": _json, "csv": _csv, "yaml": _yaml}
