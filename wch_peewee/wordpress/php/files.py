"""include, require and eval, and PHP's functions that read the disk. Only local files up to MAX_FILE_SIZE are read."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .machine import Builtin, EvaluationAborted, Machine, Unit
from .statements import hoist
from .syntax import MAX_FILE_SIZE, first_error, named, parse, single_quoted, unescape
from .values import Unknown, to_key, to_string

_MAX_FILES = 12
_SETTINGS = b"wp-settings.php"


def include(machine: Machine, node: Any) -> Any:
    """Evaluate ``include``, ``require``, and their ``_once`` forms."""
    argument = named(node)[-1]
    path = to_string(machine.evaluate(argument))
    if (_tail(argument) if isinstance(path, Unknown) else path.rpartition(b"/")[2]) == _SETTINGS:
        # Here WordPress connects, with what is set so far. It defines nothing that this reader returns.
        machine.connects.append(machine.current.fork())
        return 1
    if isinstance(path, Unknown):
        return machine.unreadable(node, f"{_word(node)} of a file that depends on {path.what}")
    found = find(machine, _beside(machine, path))
    shown = path.decode("utf-8", "replace")
    if isinstance(found, Unknown):
        return machine.unreadable(node, f"{_word(node)} of {shown}: {found.what}")
    if found is None:
        if _word(node).startswith("include"):
            return False
        return machine.unreadable(node, f"{_word(node)} of {shown}, which is not there")
    if found.name == "autoload.php" and found.parent.name == "vendor":
        return _autoload(machine, node, found)
    return _include_file(machine, node, found)


def _beside(machine: Machine, path: bytes) -> bytes:
    """Return the full path of a bare name, which PHP takes from where it runs, else from the including file's folder.

    The name is returned as it is if it is not there, or if a folder in which WordPress may run has another such file.
    """
    site, own = machine.abspath, Path(machine.unit.path).parent
    if not path or path.startswith((b"/", b"./", b"../")) or b":" in path:
        return path
    folders = (own, *((site, site.parent, site / "wp-admin") if site else ()))
    found = [find(machine, os.fsencode(folder) + b"/" + path) for folder in folders]
    real = {os.path.realpath(each) if isinstance(each, Path) else each for each in found if each is not None}
    return os.fsencode(found[0]) if isinstance(found[0], Path) and len(real) == 1 else path


def _word(node: Any) -> str:
    return str(node.type.removesuffix("_expression"))


def _tail(node: Any) -> bytes:
    """Return the last literal part of a partly unknown path, without its slashes."""
    while node.type in ("binary_expression", "parenthesized_expression", "encapsed_string"):
        children = named(node)
        if not children:
            return b""
        node = children[-1]
    source = bytes(node.text)
    written = single_quoted(source) if node.type == "string" else unescape(source)
    return written.rpartition(b"/")[2]


def find(machine: Machine, path: bytes) -> Path | Unknown | None:
    """Return the file or folder at a path; None if it does not exist; Unknown if this process cannot tell."""
    if b"\0" in path:
        return None
    if b"://" in path or path.startswith((b"data:", b"php:", b"phar:", b"glob:", b"zlib:")):
        return Unknown("what is not on this disk is not read")
    if not path.startswith(b"/"):
        return Unknown("a path that is relative to where PHP runs")
    there = Path(os.fsdecode(path))
    try:
        there.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None if _is_missing_for_php(machine, there) else Unknown("neither it nor its folder is on this machine")
    except (OSError, ValueError):
        return Unknown("it cannot be looked at from here")
    return there


def _is_missing_for_php(machine: Machine, path: Path) -> bool:
    """Return True if a path missing here is missing for PHP too: inside the site, or in a folder that exists here."""
    folder = Path(os.path.normpath(path.parent))
    sites = {machine.config.parent, *({machine.abspath, machine.abspath.parent} if machine.abspath else ())}
    return any(folder == site or site in folder.parents for site in sites) or folder.is_dir()


def read_bytes(path: Path) -> bytes | Unknown:
    """Return a file's content; Unknown if it is not a regular file, too large, or not readable."""
    try:
        # O_NONBLOCK: opening a pipe would wait for its other end.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Unknown("it is no plain file")
            source = file.read(MAX_FILE_SIZE + 1)
    except OSError as error:
        return Unknown(f"it cannot be read ({error.strerror})")
    return source if len(source) <= MAX_FILE_SIZE else Unknown(f"it is larger than {MAX_FILE_SIZE // 1024} KB")


def _include_file(machine: Machine, node: Any, path: Path) -> Any:
    included = machine.current.included
    real = os.path.realpath(path)
    before = included.known.get(real, included.rest)
    if _word(node).endswith("_once") and before is not None:
        return before is True or machine.unreadable(node, f"{_word(node)} of {path}, which may have been read before")
    included.known[real] = True
    source = read_bytes(path)
    if isinstance(source, Unknown):
        return machine.unreadable(node, f"{_word(node)} of {path}: {source.what}")
    value = run_source(machine, node, source, Unit(real))
    return 1 if value is ... else value


def run_source(machine: Machine, node: Any, source: bytes, unit: Unit) -> Any:
    """Run a file's source in the scope that includes it; return its ``return`` value, or ``...`` without one."""
    machine.steps += len(source) // 64
    if len(machine.current.included.known) > _MAX_FILES or machine.depth > 80:
        return machine.unreadable(node, "more files than are followed")
    root = parse(source)
    wrong = first_error(root)
    if wrong:
        cause = Unknown("what stands here is not PHP that can be read", unit.path, wrong)
        machine.may_throw(cause)
        machine.current.havoc(cause, local=True)
        return cause

    def body() -> None:
        hoist(machine, root)
        machine.run(named(root))

    return machine.call(body, None, unit)


def evaluate_code(machine: Machine, node: Any, values: list[Any]) -> Any:
    """Run ``eval()``: known code like a file; after unknown code everything is unknown."""
    code = to_string(values[0]) if values else Unknown("nothing")
    if isinstance(code, Unknown):
        return machine.unreadable(node, f"eval() of code that depends on {code.what}")
    if machine.depth > 60:
        raise EvaluationAborted(machine.unknown(node, "eval() inside eval()"))
    value = run_source(machine, node, b"<?php " + code, Unit(machine.unit.path))
    return None if value is ... else value


def _autoload(machine: Machine, node: Any, path: Path) -> Any:
    """Evaluate Composer's autoloader. Only the project's own files that it includes at once matter."""
    listed = path.parent / "composer" / "autoload_files.php"
    if not listed.exists():
        return Unknown("Composer's loader")
    source = read_bytes(listed)
    if isinstance(source, Unknown) or b"$baseDir ." in source.replace(b"$baseDir = ", b""):
        return machine.unreadable(node, "Composer takes in files of the project itself")
    return Unknown("Composer's loader")


_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:@,+*-]*(?: [A-Za-z0-9_./:@,+*-]+)*")
_INI_WORDS = {"null", "yes", "true", "no", "false", "on", "off", "none"}


def _path(machine: Machine, values: list[Any]) -> Path | Unknown | None:
    name = to_string(values[0]) if values else Unknown("a path")
    return name if isinstance(name, Unknown) else find(machine, name)


def _path_check(question: Callable[[Path], bool]) -> Builtin:
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
    pattern = to_string(values[0]) if values else Unknown("glob()")
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
                result[to_key(head[1].encode())] = section
            continue
        entry = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*=\s*(?:\"([^\"\\$]*)\"|'([^']*)'|([^\"';]*?))\s*(?:;.*)?", line)
        if not entry or entry[1].lower() in _INI_WORDS:
            return Unknown("a line of an ini file that is not plain")
        bare = entry[4]
        if bare is not None and (not _PLAIN_VALUE.fullmatch(bare) or bare.lower() in _INI_WORDS):
            return Unknown("a value of an ini file that is not plain")
        value = next(part for part in entry.groups()[1:] if part is not None)
        if bare is not None and bare.isupper():
            return Unknown("a value of an ini file that may be a constant")
        section[to_key(entry[1].encode())] = value.encode("utf-8", "surrogateescape")
    return result


HANDLERS = dict.fromkeys(
    ("include_expression", "include_once_expression", "require_expression", "require_once_expression"), include
)

FUNCTIONS: dict[str, Builtin] = {
    "file_exists": _path_check(lambda path: True),
    "is_file": _path_check(Path.is_file),
    "is_dir": _path_check(Path.is_dir),
    "is_readable": _readable,
    "file_get_contents": _contents,
    "file": _lines,
    "realpath": _real,
    "glob": _glob,
    "parse_ini_file": _ini,
    "eval": evaluate_code,
}
