"""PHP's functions on what is written in strings: URLs, JSON, base64; and its hashes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from .conversions import NotFollowed, as_boolean, as_bytes, as_int
from .values import Object, key_of

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
        raise NotFollowed from None


def _parse_url(value: Any, component: Any = -1) -> Any:
    source = as_bytes(value)
    match = _URL.fullmatch(source)
    if not match or re.search(rb"[\x00-\x20\x7f]", source) or match["user"] == b"" or int(match["port"] or 1) > 65535:
        raise NotFollowed
    found: dict[Any, Any] = {}
    for name in _URL_PARTS:
        part = match[name]
        if part is not None and (part != b"" or name in ("pass", "query", "fragment")):
            if part == b"" or (name == "port" and int(part) == 0):
                raise NotFollowed  # PHP's versions differ on what is there and empty
            found[name.encode()] = int(part) if name == "port" else part
    if component == -1:
        return found
    if not isinstance(component, int) or not 0 <= component <= 7:
        raise NotFollowed
    return found.get(_URL_PARTS[component].encode())


def _json(value: Any, associative: Any = None, depth: Any = 512, flags: Any = 0) -> Any:
    as_arrays = bool(as_int(flags) & 1) if associative is None else as_boolean(associative)

    def pairs(items: list[tuple[str, Any]]) -> Any:
        fields = {key.encode("utf-8", "surrogatepass"): item for key, item in items}
        return {key_of(key): item for key, item in fields.items()} if as_arrays else Object(fields)

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
        raise NotFollowed

    try:
        source = as_bytes(value).decode("utf-8")
        found = json.loads(source, object_pairs_hook=pairs, parse_constant=refused, parse_float=refused)
        result = php(found)
    except (ValueError, RecursionError):
        raise NotFollowed from None
    return result


TABLE: dict[str, Callable[..., Any]] = {
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
