"""PHP's functions that read the disk, the environment and the program itself."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .bedrock import env
from .calls import Function
from .constants import constant, define, is_defined
from .includes import evaluate_code, find, read_bytes
from .machine import Machine
from .values import Unknown, key_of, text
from .variables import ABSENT, environment_value

Builtin = Callable[[Machine, Any, list[Any]], Any]

_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:@,+*-]*(?: [A-Za-z0-9_./:@,+*-]+)*")
_WORDS = {"null", "yes", "true", "no", "false", "on", "off", "none"}


def _path(machine: Machine, values: list[Any]) -> Path | Unknown | None:
    name = text(values[0]) if values else Unknown("a path")
    return name if isinstance(name, Unknown) else find(machine, name)


def _looks(question: Callable[[Path], bool]) -> Builtin:
    def answer(machine: Machine, node: Any, values: list[Any]) -> Any:
        found = _path(machine, values)
        if isinstance(found, Unknown):
            return found
        return found is not None and question(found)

    return answer


def _readable(machine: Machine, node: Any, values: list[Any]) -> Any:
    found = _path(machine, values)
    if found is None or isinstance(found, Unknown):
        return found or False
    return True if os.access(found, os.R_OK) else Unknown("whether PHP may read a file that we may not")


def _contents(machine: Machine, node: Any, values: list[Any]) -> Any:
    found = _path(machine, values)
    if len(values) > 2 or isinstance(found, Unknown):
        return found if isinstance(found, Unknown) else Unknown("a part of a file")
    return False if found is None else read_bytes(found)


def _lines(machine: Machine, node: Any, values: list[Any]) -> Any:
    source = _contents(machine, node, values[:1])
    flags = values[1] if len(values) > 1 else 0
    if not isinstance(source, bytes) or not isinstance(flags, int):
        return source if not isinstance(source, bytes) else Unknown("file() with such flags")
    lines = source.split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    if flags & 2:
        lines = [line.removesuffix(b"\n").removesuffix(b"\r") for line in lines]
        lines = [line for line in lines if line or not flags & 4]
    return dict(enumerate(lines))


def _real(machine: Machine, node: Any, values: list[Any]) -> Any:
    found = _path(machine, values)
    if found is None or isinstance(found, Unknown):
        return found or False
    return os.fsencode(os.path.realpath(found))


def _glob(machine: Machine, node: Any, values: list[Any]) -> Any:
    pattern = text(values[0]) if values else Unknown("glob()")
    if isinstance(pattern, Unknown):
        return pattern
    folder, _, last = pattern.rpartition(b"/")
    if len(values) > 1 or not pattern.startswith(b"/") or set(folder) & set(b"*?[]{}\\") or set(last) & set(b"[]{}\\"):
        return Unknown("glob() with such a pattern")
    there = find(machine, folder or b"/")
    if not isinstance(there, Path):
        return {} if there is None else there
    names = sorted(path.name for path in there.glob(os.fsdecode(last)) if path.name[0] != "." or last[:1] == b".")
    return {number: folder + b"/" + os.fsencode(name) for number, name in enumerate(names[:1000])}


def _ini(machine: Machine, node: Any, values: list[Any]) -> Any:
    """Parse the plain lines of parse_ini_file(): name = value, name = "value", [section]."""
    source = _contents(machine, node, values[:1])
    sections = values[1] if len(values) > 1 else False
    if not isinstance(source, bytes) or len(values) > 2 or not isinstance(sections, bool):
        return source if isinstance(source, Unknown) or source is False else Unknown("parse_ini_file() in this form")
    result: dict[Any, Any] = {}
    section = result
    for line in source.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"):
        line = line.strip()
        if not line or line.startswith(";"):
            continue
        if head := re.fullmatch(r"\[([A-Za-z0-9_ .-]+)\]", line):
            section = {} if sections else result
            if sections:
                result[key_of(head[1].encode())] = section
            continue
        entry = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*=\s*(?:\"([^\"\\$]*)\"|'([^']*)'|([^\"';]*?))\s*(?:;.*)?", line)
        if not entry or entry[1].lower() in _WORDS:
            return Unknown("a line of an ini file that is not plain")
        bare = entry[4]
        if bare is not None and (not _PLAIN_VALUE.fullmatch(bare) or bare.lower() in _WORDS):
            return Unknown("a value of an ini file that is not plain")
        value = next(part for part in entry.groups()[1:] if part is not None)
        if bare is not None and bare.isupper():
            return Unknown("a value of an ini file that may be a constant")
        section[key_of(entry[1].encode())] = value.encode("utf-8", "surrogateescape")
    return result


def _getenv(machine: Machine, node: Any, values: list[Any]) -> Any:
    if not values:
        return Unknown("getenv() of everything")
    name = text(values[0])
    value = name if isinstance(name, Unknown) else environment_value(machine, "", name)
    return False if value is ABSENT else value


def _putenv(machine: Machine, node: Any, values: list[Any]) -> Any:
    setting = text(values[0]) if values else Unknown("putenv()")
    if isinstance(setting, Unknown):
        machine.here.environment.havoc(machine.unknown(node, "putenv() of what is not known"))
        return True
    name, equals, value = setting.partition(b"=")
    machine.here.environment.known["", name] = value if equals else None
    return True


def _defined(machine: Machine, node: Any, values: list[Any]) -> Any:
    name = text(values[0]) if values else Unknown("defined()")
    return name if isinstance(name, Unknown) else is_defined(machine, name.decode("utf-8", "surrogateescape"))


def _constant(machine: Machine, node: Any, values: list[Any]) -> Any:
    name = text(values[0]) if values else Unknown("constant()")
    return (
        name if isinstance(name, Unknown) else constant(machine, name.decode("utf-8", "surrogateescape").lstrip("\\"))
    )


def _function_exists(machine: Machine, node: Any, values: list[Any]) -> Any:
    name = text(values[0]) if values else Unknown("function_exists()")
    if isinstance(name, Unknown):
        return name
    lower, functions = name.decode("utf-8", "replace").lower().lstrip("\\"), machine.here.functions
    found = functions.known.get(lower)
    if isinstance(found, Function) or lower in machine.builtins:
        return True
    # Not PHP's, when the file itself goes on to declare it.
    if found is None and functions.rest is None and _is_declared_below(node, lower):
        return False
    return Unknown(f"function_exists('{lower}')")


def _is_declared_below(node: Any, name: str) -> bool:
    root = node
    while root.parent is not None:
        root = root.parent
    return re.search(rb"\bfunction\s+" + re.escape(name.encode()) + rb"\s*\(", bytes(root.text).lower()) is not None


TABLE: dict[str, Builtin] = {
    "file_exists": _looks(lambda path: True),
    "is_file": _looks(Path.is_file),
    "is_dir": _looks(Path.is_dir),
    "is_readable": _readable,
    "file_get_contents": _contents,
    "file": _lines,
    "realpath": _real,
    "glob": _glob,
    "parse_ini_file": _ini,
    "getenv": _getenv,
    "putenv": _putenv,
    "define": define,
    "defined": _defined,
    "constant": _constant,
    "function_exists": _function_exists,
    "eval": evaluate_code,
    "env\\env": env,
}
