"""Bedrock's config: Roots' Config, oscarotero's env(), and phpdotenv's Dotenv with its ``.env`` files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from . import outside
from .names import Names
from .values import ABSENT, Array, Object, Unknown, to_string

#: The longest file that is read.
_LONGEST = 1 << 16
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""'([^'\\]*)'\s*(?:#.*)?|"([^"\\]*)"\s*(?:#.*)?""")
#: Where the versions of phpdotenv are known to write, by what was called to make a Dotenv object.
_OLD = r"^ (new dotenv\\dotenv|dotenv\\dotenv::create) "
_STORES = {
    "": rf"unsafe|putenvadapter|{_OLD}",
    "_ENV": rf"envconstadapter|defaultadapters|createimmutable|createmutable|unsafe|{_OLD}",
    "_SERVER": rf"serverconstadapter|defaultadapters|createimmutable|createmutable|unsafe|{_OLD}",
}
_MUTABLE = re.compile(r"overload|create(unsafe)?mutable|adapters (?!.*>immutable)")


def parse_dotenv(source: str) -> dict[str, str | Unknown]:
    """Return the variables of a ``.env`` file, as vlucas/phpdotenv 3 to 5 reads it; the last of two definitions holds.

    Supported: NAME=value, NAME="value", NAME='literal', export NAME=value, # comments. What the versions read
    differently, or reject, makes the value unknown, and so do escapes and ${NAME}.
    """
    found: dict[str, str | Unknown] = {}
    for number, line in enumerate(re.split(r"\r\n|\r|\n", source), 1):
        match = _ASSIGNMENT.fullmatch(line.strip())
        if match and not re.match(r'"(?!(?:[^"\\]|\\.)*")', match[2]):
            found[match[1]] = _value(match[2])
        elif match or not re.match(r"\s*(#|$)", line):
            # It is rejected, or the value may go on in the next line.
            return dict.fromkeys(found, Unknown(f"line {number} of .env is not a plain NAME=value"))
    return found


def _value(written: str) -> str | Unknown:
    quoted = _QUOTED.fullmatch(written)
    if quoted and quoted[1] is not None:
        return quoted[1]
    plain = quoted[2] if quoted else re.split(r"\s#", written, maxsplit=1)[0].rstrip()
    if "${" in plain or (not quoted and re.search(r"[\s'\"\\#]", plain)):
        return Unknown("a value of .env with ${NAME}, or with blanks or quotes that are not plain")
    return plain


class Bedrock(Names):
    """The part of the evaluator that knows Bedrock's libraries."""

    def bedrock_call(self, node: Any, called: str, this: Object | None, values: list[Any]) -> Any:
        """Return the value of a call of one of the libraries, ``space\\class::method``; ABSENT if it is none."""
        first = [*values, None][0]
        if called.startswith("roots\\wpconfig\\config::"):
            return self._config(node, called.rpartition(":")[2], values)
        if called == "env::init":
            self.state.known["function", "env"] = "env\\env"
        if called in ("env::init", "env\\env::get"):
            return self.env(to_string(first)) if "get" in called else None
        if not called.startswith(("dotenv\\", "new dotenv\\", "dotenv->")):
            return ABSENT
        given = this or (first if isinstance(first, Object) else None)
        adapter = f"{os.fsdecode(first).lower()} " if isinstance(first, bytes) and first.endswith(b"Adapter") else ""
        calls = f"{given.fields['calls'] if given else ' '}{called} {adapter}"
        paths = this.fields["paths"] if this else values[given is not None :]
        if called in ("dotenv->load", "dotenv->safeload", "dotenv->overload"):
            return self._load(node, calls, paths)
        return Object({"calls": calls, "paths": paths}, "dotenv")

    def _config(self, node: Any, method: str, values: list[Any]) -> Any:
        """Roots' Config collects settings, and defines them all at once."""
        name = to_string([*values, None][0])
        if method == "define" and isinstance(name, bytes) and len(values) == 2:
            self.state.known["setting", name] = values[1]
        elif method == "get" and isinstance(name, bytes):
            value = self.state.get("setting", name)
            return Unknown("Config::get()") if value is ABSENT else value
        elif method == "apply":
            for each, value in self.state.of("setting").items():
                self.constant(os.fsdecode(each), value)
            if "setting" in self.state.rest:
                self.state.rest.setdefault("constant", self.state.rest["setting"])
        else:
            self.state.havoc("setting", self.unknown(node, f"Config::{method}() with a name that is not known"))
        return None

    def find(self, path: bytes) -> Path | Unknown | None:
        """Return the file or folder at a path; None if it does not exist; Unknown if this process cannot tell."""
        site = self.abspath
        return outside.find(path, [self.config.parent, *([site, site.parent] if site else [])])

    def _load(self, node: Any, calls: str, paths: list[Any]) -> Unknown:
        cause = self.unknown(node, "Dotenv, as it is used here")
        source = self._source(paths)
        if isinstance(source, Unknown):
            self.state.havoc("environment", self.unknown(node, f"a .env file: {source.what}"))
            return source
        self.spend(len(source) >> 4)
        real, is_mutable = self.environment, _MUTABLE.search(calls)
        own, rest = {name for _, name in self.state.of("environment")}, self.state.rest.get("environment")
        for name, value in parse_dotenv(os.fsdecode(source)).items():
            real.found.add(name)
            if is_mutable or not (name in real.variables or name.encode() in own):
                known = rest or (value if isinstance(value, Unknown) else os.fsencode(value))
                for store, written in _STORES.items():
                    self.state.known["environment", (store, name.encode())] = (
                        known if re.search(written, calls) else cause
                    )
        return cause

    def _source(self, paths: list[Any]) -> bytes | Unknown:
        """Return the content of the first Dotenv file that exists, or of all if so configured."""
        folder, listed, first_only = [*paths, None, None, None][:3]
        sources: list[bytes] = []
        for name in listed.values() if isinstance(listed, Array) else [b".env" if listed is None else listed]:
            if not (isinstance(folder, bytes) and isinstance(name, bytes) and isinstance(first_only, bool | None)):
                return Unknown("its place is not known")
            found = self.find(folder.rstrip(b"/") + b"/" + name)
            source = outside.read_bytes(found) if isinstance(found, Path) else found
            if isinstance(source, Unknown) or (source and len(source) > _LONGEST):
                return source if isinstance(source, Unknown) else Unknown("it is very long")
            sources += [] if source is None else [source]
        return b"\n".join(sources if first_only is False else sources[:1])

    def env(self, name: bytes | Unknown) -> Any:
        """Return ``env('NAME')``: a string, or what ``true``, ``null`` or a number stand for; null if not set."""
        value = name if isinstance(name, Unknown) else self.environment_value("", name)
        if not isinstance(value, bytes):
            return None if value is ABSENT else value
        words = {b"true": True, b"false": False, b"null": None, b"empty": b""}
        if value.lower() in words:
            return words[value.lower()]
        if re.fullmatch(rb"[1-9]\d{0,17}", value):
            return int(value)
        odd = value.isdigit() or value[:1] + value[-1:] in (b"''", b'""')  # 0, 007, or quotes in the value
        return Unknown("env() of an odd number or of quotes") if odd else value
