"""PHP's functions on strings: text, types, URLs, JSON, base64, hashes."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from .values import MAX_SIZE, Object, Unknown, cast_value, numeric_value, to_bool, to_int, to_key, to_string

_BLANKS = b" \t\n\r\0\x0b"


class UnsupportedArguments(Exception):
    """Raised by a function for arguments that are not evaluated, and by ``as_bytes``, ``as_int`` and ``as_bool``."""


def as_bytes(value: Any) -> bytes:
    found = to_string(value)
    if isinstance(found, Unknown):
        raise UnsupportedArguments
    return found


def as_int(value: Any) -> int:
    found = to_int(value)
    if not isinstance(found, int):
        raise UnsupportedArguments
    return found


def as_bool(value: Any) -> bool:
    answer = to_bool(value)
    if isinstance(answer, Unknown):
        raise UnsupportedArguments
    return answer


def _trim(strip: Callable[[bytes, bytes], bytes]) -> Callable[..., bytes]:
    def trimmed(value: Any, characters: Any = _BLANKS) -> bytes:
        if b".." in as_bytes(characters):
            raise UnsupportedArguments
        return strip(as_bytes(value), as_bytes(characters))

    return trimmed


def _explode(separator: Any, value: Any, limit: Any = None) -> Any:
    if not as_bytes(separator):
        raise UnsupportedArguments
    if limit is not None and as_int(limit) < 1:
        raise UnsupportedArguments
    parts = as_bytes(value).split(as_bytes(separator), -1 if limit is None else as_int(limit) - 1)
    return dict(enumerate(parts))


def _implode(glue: Any, pieces: Any = None) -> bytes:
    if isinstance(glue, dict):
        glue, pieces = pieces if pieces is not None else b"", glue
    if not isinstance(pieces, dict):
        raise UnsupportedArguments
    return as_bytes(glue).join(as_bytes(piece) for piece in pieces.values())


def _replace(search: Any, replacement: Any, subject: Any) -> bytes:
    searches = list(search.values()) if isinstance(search, dict) else [search]
    if isinstance(subject, dict) or (isinstance(replacement, dict) and not isinstance(search, dict)):
        raise UnsupportedArguments
    result = as_bytes(subject)
    replacements = list(replacement.values()) if isinstance(replacement, dict) else [replacement] * len(searches)
    for position, one in enumerate(searches):
        by = as_bytes(replacements[position]) if position < len(replacements) else b""
        if as_bytes(one):
            result = result.replace(as_bytes(one), by)
        if len(result) > MAX_SIZE:
            raise UnsupportedArguments
    return result


def _substr(value: Any, start: Any, length: Any = None) -> bytes:
    source, first = as_bytes(value), as_int(start)
    first = max(len(source) + first, 0) if first < 0 else min(first, len(source))
    if length is None:
        return source[first:]
    last = as_int(length)
    last = len(source) + last if last < 0 else first + last
    return source[first : max(last, first)]


def _position(value: Any, needle: Any, offset: Any = 0) -> int | bool:
    if as_int(offset) < 0:
        raise UnsupportedArguments
    found = as_bytes(value).find(as_bytes(needle), as_int(offset))
    return found if found >= 0 else False


def _last_position(value: Any, needle: Any) -> int | bool:
    found = as_bytes(value).rfind(as_bytes(needle))
    return found if found >= 0 else False


def _from(value: Any, needle: Any, before: Any = False) -> bytes | bool:
    source, found = as_bytes(value), as_bytes(value).find(as_bytes(needle))
    if found < 0:
        return False
    return source[:found] if as_bool(before) else source[found:]


def _sprintf(form: Any, *values: Any) -> bytes:
    left = list(values)

    def filled(match: re.Match[bytes]) -> bytes:
        if match[0] == b"%%":
            return b"%"
        if match[1] is not None:
            position = int(match[1]) - 1
            if not 0 <= position < len(values):
                raise UnsupportedArguments
            value = values[position]
        elif left:
            value = left.pop(0)
        else:
            raise UnsupportedArguments
        return as_bytes(value) if match[2] == b"s" else str(as_int(value)).encode()

    source = as_bytes(form)
    if re.sub(rb"%(?:%|(?:(\d{1,2})\$)?([sd]))", b"", source).count(b"%"):
        raise UnsupportedArguments
    return re.sub(rb"%(?:%|(?:(\d{1,2})\$)?([sd]))", filled, source)


def _filter(value: Any, kind: Any = 516, options: Any = 0) -> Any:
    word = as_bytes(value).strip().lower()
    if kind == 258 and isinstance(options, int):
        if word in (b"1", b"true", b"on", b"yes"):
            return True
        if word in (b"0", b"false", b"off", b"no", b""):
            return False
        return None if options & (1 << 27) else False
    if kind == 257 and options == 0 and re.fullmatch(rb"0|-?[1-9]\d{0,17}", word):
        return int(word)
    raise UnsupportedArguments


def _compared(one: bytes, other: bytes) -> int:
    if one != other:
        raise UnsupportedArguments  # only the sign of the result is the same in every PHP version
    return 0


def _repeat(value: Any, times: Any) -> bytes:
    if not 0 <= as_int(times) * len(as_bytes(value)) <= MAX_SIZE:
        raise UnsupportedArguments
    return as_bytes(value) * as_int(times)


def _directory(path: Any, levels: Any = 1) -> bytes:
    folder = as_bytes(path)
    for _ in range(min(as_int(levels), 64)):
        stripped = folder.rstrip(b"/")
        if not stripped:
            return b"/" if folder else b""
        parent, slash, _name = stripped.rpartition(b"/")
        folder = parent.rstrip(b"/") or (b"/" if slash else b".")
    return folder


def _base(path: Any, suffix: Any = b"") -> bytes:
    name = as_bytes(path).rstrip(b"/").rpartition(b"/")[2]
    end = as_bytes(suffix)
    return name[: -len(end)] if end and name.endswith(end) and name != end else name


def _kind(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


def _ctype(test: Callable[[bytes], bool]) -> Callable[[Any], bool]:
    def answer(value: Any) -> bool:
        if not isinstance(value, bytes):
            raise UnsupportedArguments
        return test(value)

    return answer


_URL = re.compile(
    rb"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?:(?P<user>[^:@/?#]*)(?::(?P<pass>[^@/?#]*))?@)?"
    rb"(?P<host>\[[0-9a-fA-F:.]+\]|[^:@/?#\[\]]+)(?::(?P<port>\d{1,5}))?"
    rb"(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?"
)
_URL_PARTS = ("scheme", "host", "port", "user", "pass", "path", "query", "fragment")


def _base64(value: Any, strict: Any = False) -> bytes:
    source = re.sub(rb"\s", b"", as_bytes(value))
    try:
        return base64.b64decode(source.rstrip(b"=") + b"=" * (-len(source.rstrip(b"=")) % 4), validate=True)
    except binascii.Error:
        raise UnsupportedArguments from None


def _parse_url(value: Any, component: Any = -1) -> Any:
    source = as_bytes(value)
    match = _URL.fullmatch(source)
    if not match or re.search(rb"[\x00-\x20\x7f]", source) or match["user"] == b"" or int(match["port"] or 1) > 65535:
        raise UnsupportedArguments
    found: dict[Any, Any] = {}
    for name in _URL_PARTS:
        part = match[name]
        if part is not None and (part != b"" or name in ("pass", "query", "fragment")):
            if part == b"" or (name == "port" and int(part) == 0):
                raise UnsupportedArguments  # PHP versions differ on parts that are empty
            found[name.encode()] = int(part) if name == "port" else part
    if component == -1:
        return found
    if not isinstance(component, int) or not 0 <= component <= 7:
        raise UnsupportedArguments
    return found.get(_URL_PARTS[component].encode())


def _json(value: Any, associative: Any = None, depth: Any = 512, flags: Any = 0) -> Any:
    as_arrays = bool(as_int(flags) & 1) if associative is None else as_bool(associative)

    def pairs(items: list[tuple[str, Any]]) -> Any:
        fields = {key.encode("utf-8", "surrogatepass"): item for key, item in items}
        return {to_key(key): item for key, item in fields.items()} if as_arrays else Object(fields)

    def php(item: Any) -> Any:
        if isinstance(item, str):
            return item.encode("utf-8")
        if isinstance(item, list):
            return {position: php(one) for position, one in enumerate(item)}
        if isinstance(item, dict):
            return {key: php(one) for key, one in item.items()}
        if isinstance(item, Object):
            return Object({key: php(one) for key, one in item.fields.items()})
        return item

    def refused(_: str) -> Any:
        raise UnsupportedArguments

    try:
        source = as_bytes(value).decode("utf-8")
        found = json.loads(source, object_pairs_hook=pairs, parse_constant=refused, parse_float=refused)
        result = php(found)
    except (ValueError, RecursionError):
        raise UnsupportedArguments from None
    return result


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "trim": _trim(lambda value, characters: value.strip(characters) if characters else value),
    "ltrim": _trim(lambda value, characters: value.lstrip(characters) if characters else value),
    "rtrim": _trim(lambda value, characters: value.rstrip(characters) if characters else value),
    "chop": _trim(lambda value, characters: value.rstrip(characters) if characters else value),
    "explode": _explode,
    "implode": _implode,
    "join": _implode,
    "str_replace": _replace,
    "substr": _substr,
    "strpos": _position,
    "stripos": lambda value, needle, offset=0: _position(as_bytes(value).lower(), as_bytes(needle).lower(), offset),
    "strrpos": _last_position,
    "strstr": _from,
    "str_contains": lambda value, needle: as_bytes(needle) in as_bytes(value),
    "str_starts_with": lambda value, needle: as_bytes(value).startswith(as_bytes(needle)),
    "str_ends_with": lambda value, needle: as_bytes(value).endswith(as_bytes(needle)),
    "strlen": lambda value: len(as_bytes(value)),
    "strtolower": lambda value: as_bytes(value).lower(),
    "strtoupper": lambda value: as_bytes(value).upper(),
    "ucfirst": lambda value: as_bytes(value)[:1].upper() + as_bytes(value)[1:],
    "strcmp": lambda one, other: _compared(as_bytes(one), as_bytes(other)),
    "strcasecmp": lambda one, other: _compared(as_bytes(one).lower(), as_bytes(other).lower()),
    "sprintf": _sprintf,
    "str_repeat": _repeat,
    "filter_var": _filter,
    "dirname": _directory,
    "basename": _base,
    "strval": as_bytes,
    "intval": lambda value: as_int(value),
    "boolval": as_bool,
    "floatval": lambda value: cast_value("float", value),
    "is_string": _kind(bytes),
    "is_bool": _kind(bool),
    "is_int": _kind(int),
    "is_integer": _kind(int),
    "is_float": _kind(float),
    "is_array": _kind(dict),
    "is_null": _kind(type(None)),
    "is_object": _kind(Object),
    "is_scalar": _kind(bytes, bool, int, float),
    "is_numeric": lambda value: (
        type(value) in (int, float) or (isinstance(value, bytes) and numeric_value(value) is not None)
    ),
    "ctype_digit": _ctype(bytes.isdigit),
    "ctype_alpha": _ctype(bytes.isalpha),
    "base64_decode": _base64,
    "base64_encode": lambda value: base64.b64encode(as_bytes(value)),
    "bin2hex": lambda value: as_bytes(value).hex().encode(),
    "md5": lambda value: hashlib.md5(as_bytes(value), usedforsecurity=False).hexdigest().encode(),
    "sha1": lambda value: hashlib.sha1(as_bytes(value), usedforsecurity=False).hexdigest().encode(),
    "crc32": lambda value: binascii.crc32(as_bytes(value)),
    "urldecode": lambda value: unquote_to_bytes(as_bytes(value).replace(b"+", b" ")),
    "rawurldecode": lambda value: unquote_to_bytes(as_bytes(value)),
    "parse_url": _parse_url,
    "json_decode": _json,
}
