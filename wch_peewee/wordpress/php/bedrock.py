"""Bedrock's config: Roots' Config, oscarotero's env(), and phpdotenv's Dotenv with its ``.env`` files."""

import re
from typing import Any

from .constants import set_constant
from .files import find, read_bytes
from .machine import Machine
from .values import ABSENT, Object, Unknown, to_string
from .variables import environment_value

_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*|(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*$")
_NESTED = re.compile(r"\$\{([A-Za-z0-9_.]+)\}")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", '"': '"', "\\": "\\", "$": "$"}


def parse_dotenv(source: str, elsewhere: frozenset[str] = frozenset()) -> dict[str, str | Unknown]:
    r"""Return the variables of a ``.env`` file, as vlucas/phpdotenv 3 to 5 reads it; the last of two definitions holds.

    Supported: NAME=value, NAME="value with \\n and ${OTHER}", NAME='literal', export NAME=value, # comments. What the
    versions read differently, or reject, makes the value unknown. ``${}`` also reads ``elsewhere``.
    """
    found: dict[str, str | Unknown] = {}
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    number = 0
    while number < len(lines):
        line = lines[number].strip()
        number += 1
        if not line or line.startswith("#"):
            continue
        match = _ASSIGNMENT.match(line)
        if not match:
            return dict.fromkeys(found, Unknown(f"line {number} of .env is no NAME=value"))
        if match[2]:
            continue  # a name alone sets nothing
        value = line[match.end() :]
        # A value in double quotes may continue on the next lines.
        while value.startswith('"') and not _closed(value) and number < len(lines):
            value += "\n" + lines[number]
            number += 1
        found.pop(match[1], None)
        found[match[1]] = _value(value, {name: one for name, one in found.items() if name not in elsewhere})
    return found


def _closed(value: str) -> bool:
    return re.match(r'"(?:[^"\\]|\\.)*"', value, re.DOTALL) is not None


def _value(written: str, known: dict[str, str | Unknown]) -> str | Unknown:
    if written.startswith("'"):
        quoted = re.fullmatch(r"'([^'\\]*)'\s*(#.*)?", written)
        return quoted[1] if quoted else Unknown("a value of .env in single quotes that is not plain")
    if written.startswith('"'):
        quoted = re.fullmatch(r'"((?:[^"\\]|\\.)*)"\s*(#.*)?', written, re.DOTALL)
        if not quoted:
            return Unknown("a value of .env whose quotes do not match")
        return _expanded(quoted[1], known)
    plain = re.split(r"\s+#", written, maxsplit=1)[0].rstrip()
    if plain.startswith("#"):
        return ""
    if re.search(r"[\s'\"\\#]", plain):
        return Unknown("a value of .env with blanks, quotes, # or backslashes and no quotes around it")
    return _nested(plain, known)


def _expanded(inner: str, known: dict[str, str | Unknown]) -> str | Unknown:
    result = ""
    for literal, escape in re.findall(r"([^\\]+)|\\(.)", inner, re.DOTALL):
        if escape:
            if escape not in _ESCAPES:
                return Unknown(f"the escape \\{escape} in .env")
            if escape == "$":
                return Unknown("an escaped $ in .env")
            result += _ESCAPES[escape]
        else:
            part = _nested(literal, known)
            if isinstance(part, Unknown):
                return part
            result += part
    return result


def _nested(value: str, known: dict[str, str | Unknown]) -> str | Unknown:
    result, position = "", 0
    for match in _NESTED.finditer(value):
        other = known.get(match[1], Unknown(f"${{{match[1]}}} in .env, which is not set above it"))
        if isinstance(other, Unknown):
            return other
        result += value[position : match.start()] + other
        position = match.end()
    return result + value[position:]


_STORES = ("", "_ENV", "_SERVER")
_ENV_WORDS = {b"true": True, b"false": False, b"null": None, b"empty": b""}


# --- Roots\WPConfig\Config: collects settings, and defines them all at once


def _config_define(machine: Machine, node: Any, values: list[Any]) -> Any:
    name = to_string(values[0]) if values else Unknown("")
    if len(values) < 2 or isinstance(name, Unknown):
        cause = machine.unknown(node, "Config::define() with a name that is not known")
        machine.current.settings.havoc(cause)
        return cause
    machine.current.settings.known[name.decode("utf-8", "surrogateescape")] = values[1]
    return None


def _config_get(machine: Machine, node: Any, values: list[Any]) -> Any:
    settings = machine.current.settings
    name = to_string(values[0]) if values else Unknown("Config::get()")
    if isinstance(name, Unknown):
        return name
    return settings.known.get(name.decode("utf-8", "surrogateescape"), settings.rest or Unknown("Config::get()"))


def _config_remove(machine: Machine, node: Any, values: list[Any]) -> Any:
    name = to_string(values[0]) if values else Unknown("Config::remove()")
    if isinstance(name, Unknown):
        machine.current.settings.havoc(name)
    else:
        machine.current.settings.known.pop(name.decode("utf-8", "surrogateescape"), None)
    return None


def _config_apply(machine: Machine, node: Any, values: list[Any]) -> Any:
    settings = machine.current.settings
    for name, value in settings.known.items():
        set_constant(machine, name, value)
    if settings.rest is not None:
        machine.current.constants.add_unknown(settings.rest)
    return None


# --- Dotenv\Dotenv


def _dotenv(stores: tuple[str, ...], *, mutable: bool) -> Any:
    def make(machine: Machine, node: Any, values: list[Any]) -> Any:
        return Object({"paths": values[:3], "stores": stores, "mutable": mutable}, "dotenv")

    return make


def legacy_dotenv(values: list[Any]) -> Object:
    r"""Return the value of ``new Dotenv\\Dotenv($folder, $file)``, the form before version 3."""
    return Object({"paths": values[:3], "stores": _STORES, "mutable": False}, "dotenv")


def _dotenv_create(machine: Machine, node: Any, values: list[Any]) -> Any:
    if values and isinstance(values[0], Object) and values[0].kind == "repository":
        return Object({**values[0].fields, "paths": values[1:4]}, "dotenv")
    return legacy_dotenv(values)


def _repository(*stores: str) -> Any:
    def make(machine: Machine, node: Any, values: list[Any]) -> Any:
        return Object({"stores": stores, "mutable": True}, "repository")

    return make


_ADAPTERS = {"envconst": "_ENV", "serverconst": "_SERVER", "putenv": ""}


def _add_adapter(machine: Machine, node: Any, called: Object, values: list[Any]) -> Any:
    kind = values[0].kind if values and isinstance(values[0], Object) else ""
    for word, store in _ADAPTERS.items():
        if kind.rpartition("\\")[2].startswith(word):
            return Object({**called.fields, "stores": (*called.fields["stores"], store)}, "repository")
    return Unknown("an adapter of Dotenv's")


def _immutable(machine: Machine, node: Any, called: Object, values: list[Any]) -> Any:
    return Object({**called.fields, "mutable": False}, "repository")


def _return_self(machine: Machine, node: Any, called: Object, values: list[Any]) -> Any:
    return called


def _required(machine: Machine, node: Any, called: Object, values: list[Any]) -> Any:
    machine.may_throw(machine.unknown(node, "whether the environment is complete"))
    return Object({}, "validator")


def _overload(machine: Machine, node: Any, called: Object, values: list[Any]) -> Any:
    return _load(machine, node, Object({**called.fields, "mutable": True}, "dotenv"), values)


def _load(machine: Machine, node: Any, called: Object, values: list[Any]) -> Any:
    machine.may_throw(machine.unknown(node, "whether .env is there"))
    own = machine.current.environment
    source = _source(machine, called.fields["paths"])
    if isinstance(source, Unknown):
        own.havoc(machine.unknown(node, f"a .env file: {source.what}"))
        return source
    elsewhere = frozenset() if called.fields["mutable"] else frozenset(machine.environment.variables)
    for name, value in parse_dotenv(source.decode("utf-8", "surrogateescape"), elsewhere).items():
        _set_variable(machine, called, name, value)
    return Unknown("Dotenv's load()")


def _source(machine: Machine, paths: list[Any]) -> bytes | Unknown:
    """Return the content of the first Dotenv file that exists, or of all if so configured."""
    folder, names, first_only = (*paths, None, None)[:3] if len(paths) < 3 else paths[:3]
    folders = list(folder.values()) if isinstance(folder, dict) else [folder]
    listed = list(names.values()) if isinstance(names, dict) else [b".env" if names is None else names]
    texts: list[bytes] = []
    for one in folders:
        for name in listed:
            if not isinstance(one, bytes) or not isinstance(name, bytes):
                return Unknown("its place is not known")
            found = find(machine, one.rstrip(b"/") + b"/" + name)
            if found is None:
                continue
            source = found if isinstance(found, Unknown) else read_bytes(found)
            if isinstance(source, Unknown):
                return source
            texts.append(source)
    if first_only is not None and not isinstance(first_only, bool):
        return Unknown("whether it reads one file or all is not known")
    return b"\n".join(texts if first_only is False else texts[:1])


def _set_variable(machine: Machine, called: Object, name: str, value: str | Unknown) -> None:
    own, real = machine.current.environment, machine.environment.variables
    encoded = value if isinstance(value, Unknown) else value.encode("utf-8", "surrogateescape")
    key = name.encode("utf-8", "surrogateescape")
    machine.environment.found.add(name)
    if not called.fields["mutable"] and (name in real or any((store, key) in own.known for store in _STORES)):
        return
    for store in called.fields["stores"]:
        own.known[store, key] = encoded


# --- env()


def env(machine: Machine, node: Any, values: list[Any]) -> Any:
    """Return ``env('NAME')``: a string, or the value that ``true``, ``null`` or a number stand for; null if not set."""
    name = to_string(values[0]) if values else Unknown("env()")
    if isinstance(name, Unknown):
        return name
    value = ABSENT
    for store in ("", "_ENV"):
        value = environment_value(machine, store, name)
        if value is not ABSENT:
            break
    if value is ABSENT or value is None:
        return None
    if not isinstance(value, bytes):
        return value
    if value.lower() in _ENV_WORDS:
        return _ENV_WORDS[value.lower()]
    if value.isdigit():
        # A number; not every version reads 007 as 7.
        plain = str(int(value)).encode() == value and len(value) < 18
        return int(value) if plain else Unknown(f"env('{name.decode('utf-8', 'replace')}'), a number of an odd form")
    if len(value) > 1 and value[:1] == value[-1:] and value[:1] in b"\"'":
        return value[1:-1]
    return value


def _env_init(machine: Machine, node: Any, values: list[Any]) -> Any:
    machine.current.functions.known["env"] = "env\\env"
    return None


STATIC = {
    "roots\\wpconfig\\config::define": _config_define,
    "roots\\wpconfig\\config::get": _config_get,
    "roots\\wpconfig\\config::remove": _config_remove,
    "roots\\wpconfig\\config::apply": _config_apply,
    "dotenv\\dotenv::createimmutable": _dotenv(("_ENV", "_SERVER"), mutable=False),
    "dotenv\\dotenv::createmutable": _dotenv(("_ENV", "_SERVER"), mutable=True),
    "dotenv\\dotenv::createunsafeimmutable": _dotenv(_STORES, mutable=False),
    "dotenv\\dotenv::createunsafemutable": _dotenv(_STORES, mutable=True),
    "dotenv\\dotenv::create": _dotenv_create,
    "dotenv\\repository\\repositorybuilder::createwithnoadapters": _repository(),
    "dotenv\\repository\\repositorybuilder::createwithdefaultadapters": _repository("_ENV", "_SERVER"),
    "env\\env::get": env,
    "env\\env::init": _env_init,
    "env::init": _env_init,
}

METHODS = {
    ("dotenv", "load"): _load,
    ("dotenv", "safeload"): _load,
    ("dotenv", "overload"): _overload,
    ("dotenv", "required"): _required,
    ("dotenv", "ifpresent"): _required,
    **{
        ("validator", name): _return_self
        for name in ("notempty", "isinteger", "isboolean", "allowedvalues", "required")
    },
    ("repository", "addadapter"): _add_adapter,
    ("repository", "addwriter"): _add_adapter,
    ("repository", "addreader"): _return_self,
    ("repository", "immutable"): _immutable,
    ("repository", "make"): _return_self,
}
