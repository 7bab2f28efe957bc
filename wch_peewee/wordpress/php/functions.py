"""PHP's functions of known values that are evaluated. A result's size is checked before it is made."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from .values import MAX_SIZE, MAX_WEIGHT, Array, Object, Unknown, array, equal, first_unknown, to_int, to_key, to_string


def _require(condition: Any) -> None:
    """Raise ValueError, as all functions here do for what is not evaluated."""
    if not condition:
        raise ValueError


def text(value: Any) -> bytes:
    found = to_string(value)
    if isinstance(found, Unknown):
        raise ValueError
    return found


def _int(value: Any) -> int:
    found = to_int(value)
    if isinstance(found, Unknown) or abs(found) > MAX_SIZE:
        raise ValueError
    return found


def _trim(strip: Callable[..., bytes], value: Any, characters: Any = b" \t\n\r\0\x0b") -> bytes:
    _require(characters and b".." not in text(characters))  # a range
    return strip(text(value), text(characters))


def _explode(separator: Any, value: Any) -> Any:
    _require(text(value).count(text(separator)) < MAX_WEIGHT)
    return dict(enumerate(text(value).split(text(separator))))


def _implode(glue: Any, pieces: Array) -> bytes:
    parts = [text(piece) for piece in pieces.values()]
    _require(sum(map(len, parts)) + len(parts) * len(text(glue)) <= MAX_SIZE)
    return text(glue).join(parts)


def _replace(search: Any, replacement: Any, subject: Any) -> bytes:
    source, old, new = text(subject), text(search), text(replacement)
    _require(old and len(source) + source.count(old) * len(new) <= MAX_SIZE)
    return source.replace(old, new)


#: A regular expression that PHP and Python read alike, without a quantifier of what has one.
_PATTERN = re.compile(rb"/(\^(?:[\w =:;,@<>()$-]|\\[./@:-]|(?:\.|\[\^?[\w.:;@ -]+\])[*+]?\??)*)/")


def _preg_replace(pattern: Any, replacement: Any, subject: Any) -> bytes:
    found, source = _PATTERN.fullmatch(text(pattern)), text(subject)
    by = re.sub(rb"[\\$](\d)(?!\d)", rb"\\g<\1>", text(replacement))
    if found is None or b"\n" in source or re.search(rb"\\(?!g<)|\$[\d{]", by):
        raise ValueError
    _require(len(source) ** len(re.findall(rb"[*+]", found[1])) <= 1 << 19)
    return re.sub(found[1], by, source)


def _substr(value: Any, start: Any, length: Any = None) -> bytes:
    source, first = text(value), _int(start)
    first = max(len(source) + first, 0) if first < 0 else first
    last = len(source) if length is None else _int(length) + (len(source) if _int(length) < 0 else first)
    return source[first : max(last, first)]


def _position(value: Any, needle: Any) -> int | bool:
    found = text(value).find(text(needle))
    return found if found >= 0 else False


def _directory(path: Any, levels: Any = 1) -> bytes:
    folder = text(path)
    _require(0 < _int(levels) < 64 and folder)
    for _ in range(_int(levels)):
        parent, slash, _name = folder.rstrip(b"/").rpartition(b"/")
        folder = parent.rstrip(b"/") or (b"/" if slash or folder[:1] == b"/" else b".")
    return folder


_URL = re.compile(
    rb"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?:(?P<user>[^:@/?#]+)(?::(?P<pass>[^@/?#]+))?@)?"
    rb"(?P<host>\[[0-9a-fA-F:.]+\]|[^:@/?#\[\]]+)(?::(?P<port>[1-9]\d{0,3}|[1-5]\d{4}))?"
    rb"(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]+))?(?:#(?P<fragment>.+))?"
)
_URL_PARTS = ("scheme", "host", "port", "user", "pass", "path", "query", "fragment")


def _parse_url(value: Any, component: Any = -1) -> Any:
    match = _URL.fullmatch(text(value)) if len(text(value)) <= 4096 else None
    if not match or re.search(rb"[\x00-\x20\x7f]", match[0]) or component not in range(-1, 8):
        raise ValueError
    found = {name: int(match[name]) if name == "port" else match[name] for name in _URL_PARTS if match[name]}
    return {name.encode(): one for name, one in found.items()} if component == -1 else found.get(_URL_PARTS[component])


def _json(value: Any, associative: Any = False) -> Any:
    def php(item: Any) -> Any:
        _require(not isinstance(item, float))
        if isinstance(item, tuple) and not associative:
            return Object({key.encode(): php(one) for key, one in item})
        if isinstance(item, tuple | list):
            pairs = item if isinstance(item, tuple) else enumerate(item)
            return array({to_key(key.encode()) if isinstance(key, str) else key: php(one) for key, one in pairs})
        return item.encode() if isinstance(item, str) else item

    _require(len(text(value)) <= MAX_SIZE >> 2 and isinstance(associative, bool))
    return php(json.loads(text(value).decode(), object_pairs_hook=tuple))


def _is_numeric(value: Any) -> bool:
    is_text = isinstance(value, bytes)
    _require(not is_text or value.isdigit() or not re.search(rb"\d", value))
    return value.isdigit() if is_text else type(value) in (int, float)


def _base64(value: Any) -> bytes:
    source = re.sub(rb"\s", b"", text(value)).rstrip(b"=")
    return base64.b64decode(source + b"=" * (-len(source) % 4), validate=True)


def _in_array(needle: Any, items: Array) -> Any:
    answers = [equal(needle, value) for value in items.values()]
    return True if True in answers else first_unknown(*answers) or False


_TRUTH = dict.fromkeys((b"1", b"true", b"on", b"yes"), True) | dict.fromkeys((b"0", b"false", b"off", b"no"), False)
_PURE: dict[str, Callable[..., Any]] = {
    "trim": partial(_trim, bytes.strip), "ltrim": partial(_trim, bytes.lstrip), "rtrim": partial(_trim, bytes.rstrip),
    "explode": _explode, "implode": _implode, "str_replace": _replace, "preg_replace": _preg_replace,
    "substr": _substr, "strpos": _position, "dirname": _directory, "intval": to_int, "is_numeric": _is_numeric,
    "base64_decode": _base64, "parse_url": _parse_url, "json_decode": _json,
    "basename": lambda path: text(path).rstrip(b"/").rpartition(b"/")[2],
    "str_contains": lambda value, needle: text(needle) in text(value),
    "str_starts_with": lambda value, needle: text(value).startswith(text(needle)),
    "str_pad": lambda value, length: text(value).ljust(_int(length)),
    "strlen": lambda value: len(text(value)),
    "strtolower": lambda value: text(value).lower(),
    "strtoupper": lambda value: text(value).upper(),
    "ucfirst": lambda value: text(value)[:1].upper() + text(value)[1:],
    "lcfirst": lambda value: text(value)[:1].lower() + text(value)[1:],
    "filter_var": lambda value, kind: _TRUTH[text(value).lower()] if kind == 258 else _require(False),
    "md5": lambda value: hashlib.md5(text(value), usedforsecurity=False).hexdigest().encode(),
    "sha1": lambda value: hashlib.sha1(text(value), usedforsecurity=False).hexdigest().encode(),
    "urldecode": lambda value: unquote_to_bytes(text(value).replace(b"+", b" ")),
}  # fmt: skip
#: Functions of arrays, whose values need not be known.
_ARRAYS: dict[str, Callable[..., Any]] = {
    "count": len,
    "array_key_exists": lambda key, items: to_key(key) in items,
    "in_array": _in_array,
    "array_key_last": lambda items: next(reversed(items), None),
}
FUNCTIONS = {**_PURE, **_ARRAYS}


def call(name: str, values: list[Any]) -> Any:
    """Return the value of a function; unknown if it, or a value, is not known."""
    if name not in FUNCTIONS:
        return Unknown(f"{name}()")
    parts = [one.rest if isinstance(one, Array) else one for one in values] if name in _ARRAYS else values
    try:
        _require(name in _PURE or any(isinstance(one, Array) for one in values))
        return first_unknown(*parts) or FUNCTIONS[name](*values)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError, re.error):
        return Unknown(f"{name}() with such arguments")
