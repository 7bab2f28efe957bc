"""Constants and names: PHP's own constants, ``define()``, ``const``, namespaces and ``use``."""

from typing import Any

from .machine import Machine, Unit, Unreachable
from .syntax import content, named
from .values import Unknown, to_string

PHP_CONSTANTS: dict[str, Any] = {
    "PHP_EOL": b"\n",
    "PHP_INT_MAX": (1 << 63) - 1,
    "PHP_INT_MIN": -(1 << 63),
    "PHP_INT_SIZE": 8,
    "DIRECTORY_SEPARATOR": b"/",
    "PATH_SEPARATOR": b":",
    "MYSQLI_CLIENT_SSL": 2048,
    "MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT": 64,
    "MYSQLI_CLIENT_SSL_VERIFY_SERVER_CERT": 1 << 30,
    "MYSQLI_CLIENT_COMPRESS": 32,
    "MYSQLI_CLIENT_FOUND_ROWS": 2,
    "MYSQLI_CLIENT_IGNORE_SPACE": 256,
    "MYSQLI_CLIENT_INTERACTIVE": 1024,
    "MYSQL_CLIENT_SSL": 2048,
    "PHP_URL_SCHEME": 0,
    "PHP_URL_HOST": 1,
    "PHP_URL_PORT": 2,
    "PHP_URL_USER": 3,
    "PHP_URL_PASS": 4,
    "PHP_URL_PATH": 5,
    "PHP_URL_QUERY": 6,
    "PHP_URL_FRAGMENT": 7,
    "FILTER_VALIDATE_BOOLEAN": 258,
    "FILTER_VALIDATE_BOOL": 258,
    "FILTER_VALIDATE_INT": 257,
    "FILTER_NULL_ON_FAILURE": 1 << 27,
    "JSON_THROW_ON_ERROR": 1 << 22,
    "JSON_OBJECT_AS_ARRAY": 1,
    "JSON_BIGINT_AS_STRING": 2,
    "FILE_IGNORE_NEW_LINES": 2,
    "FILE_SKIP_EMPTY_LINES": 4,
    "LOCK_EX": 2,
    "ENT_QUOTES": 3,
    "INI_SCANNER_NORMAL": 0,
    "INI_SCANNER_RAW": 1,
    "INI_SCANNER_TYPED": 2,
    "E_ALL": 32767,
    "E_ERROR": 1,
    "E_WARNING": 2,
    "E_NOTICE": 8,
    "E_DEPRECATED": 8192,
    "E_USER_DEPRECATED": 16384,
}

#: Constants that an entry script may define before wp-config.php is read; whether it does differs by request.
ENTRY_SCRIPT_CONSTANTS = {
    "WP_CLI", "WP_ADMIN", "WP_NETWORK_ADMIN", "WP_USER_ADMIN", "WP_BLOG_ADMIN", "DOING_AJAX", "DOING_CRON",
    "WP_INSTALLING", "WP_USE_THEMES", "XMLRPC_REQUEST", "REST_REQUEST", "SHORTINIT", "WP_LOAD_IMPORTERS",
    "IFRAME_REQUEST", "WP_SETUP_CONFIG", "WP_REPAIRING", "WP_UNINSTALL_PLUGIN", "STDIN", "STDOUT", "STDERR",
    "APP_REQUEST", "DOING_AUTOSAVE", "WP_TESTS_DIR", "PHPUNIT_COMPOSER_INSTALL",
}  # fmt: skip


def constant(machine: Machine, name: str) -> Any:
    """Return the value of a constant by its full name, or Unknown."""
    known = machine.current.constants.known
    if name in known:
        return known[name]
    if name in PHP_CONSTANTS:
        return PHP_CONSTANTS[name]
    if name == "ABSPATH" and machine.abspath is not None:
        return str(machine.abspath).encode("utf-8", "surrogateescape").rstrip(b"/") + b"/"
    rest = machine.current.constants.rest
    return rest if rest is not None else Unknown(f"the constant {name}, which is not defined here")


def is_defined(machine: Machine, name: str) -> bool | Unknown:
    """Return True if a constant of that name is defined so far."""
    name = name.lstrip("\\")
    value = constant(machine, name)
    if not isinstance(value, Unknown):
        return True
    if name in ENTRY_SCRIPT_CONSTANTS:
        return Unknown(f"whether {name} is defined")
    constants = machine.current.constants
    if name in constants.known or constants.rest is not None or "::" in name or _is_php(name):
        return value
    return False


def _is_php(name: str) -> bool:
    return name.startswith(("PHP_", "E_", "T_", "M_", "MYSQL", "CURL", "JSON_", "LC_", "LOG_", "OPENSSL_", "SODIUM_"))


def define(machine: Machine, node: Any, values: list[Any]) -> Any:
    """Run ``define(name, value)``; return True if it defined the constant."""
    if len(values) < 2:
        raise Unreachable
    name = to_string(values[0])
    if isinstance(name, Unknown):
        cause = machine.unknown(node, "define() with a name that is not known")
        machine.current.constants.add_unknown(cause)
        return cause
    return set_constant(machine, name.decode("utf-8", "surrogateescape").lstrip("\\"), values[1])


def set_constant(machine: Machine, name: str, value: Any) -> bool | Unknown:
    """Define a constant and return True; return False if it exists, because the first definition holds."""
    constants = machine.current.constants
    if name in constants.known or name in PHP_CONSTANTS or (name == "ABSPATH" and machine.abspath is not None):
        there = constants.known.get(name)
        return there if isinstance(there, Unknown) else False
    if constants.rest is not None:
        constants.known[name] = constants.rest
        return constants.rest
    if name in ENTRY_SCRIPT_CONSTANTS:
        value = Unknown(f"{name}, which an entry script may have defined")
    constants.known[name] = value
    return True


def declare_constant(machine: Machine, node: Any) -> None:
    """Run ``const NAME = value, ...;``"""
    for element in named(node):
        if element.type == "const_element":
            name, value = named(element)[0], named(element)[-1]
            space = machine.unit.namespace
            set_constant(machine, (f"{space}\\" if space else "") + content(name), machine.evaluate(value))


def read_name(machine: Machine, node: Any) -> Any:
    """Return the value of a bare word: a constant, or ``__DIR__`` and the like."""
    written = content(node)
    upper = written.upper().lstrip("\\")
    if upper in ("TRUE", "FALSE", "NULL"):
        return {"TRUE": True, "FALSE": False, "NULL": None}[upper]
    if upper in ("EXIT", "DIE"):
        machine.ended = machine.unknown(node, "the program ends here, before WordPress is loaded")
        raise Unreachable
    path = machine.unit.path.encode("utf-8", "surrogateescape")
    if upper == "__DIR__":
        return path.rpartition(b"/")[0] or b"/"
    if upper == "__FILE__":
        return path
    if upper == "__LINE__":
        return int(node.start_point[0]) + 1
    if upper == "__NAMESPACE__":
        return machine.unit.namespace.encode()
    if upper.startswith("__"):
        return Unknown(written)
    if written.startswith("\\"):
        return constant(machine, written[1:])
    if "\\" in written:
        return Unknown("a constant of another namespace")
    space = machine.unit.namespace
    if space:
        inside = f"{space}\\{written}"
        if inside in machine.current.constants.known:
            return constant(machine, inside)
    return constant(machine, written)


HANDLERS = dict.fromkeys(("name", "qualified_name", "relative_name"), read_name)


def namespace(machine: Machine, node: Any) -> None:
    r"""Run ``namespace A\\B;``, with or without a block."""
    name = node.child_by_field_name("name")
    machine.unit.namespace = content(name) if name is not None else ""
    machine.unit.classes, machine.unit.functions = {}, {}
    body = node.child_by_field_name("body")
    if body is not None:
        machine.run(named(body))


def use(machine: Machine, node: Any) -> None:
    r"""Run ``use A\\B as C;``, ``use function A\\b;`` or ``use A\\{B, C};``"""
    kind = _import_kind(node)
    group = next((child for child in node.children if child.type == "namespace_use_group"), None)
    if group is not None:
        prefix = next(content(child) for child in node.children if child.type == "namespace_name") + "\\"
        for clause in named(group):
            _import_name(machine.unit, clause, prefix, kind)
        return
    for clause in node.children:
        if clause.type == "namespace_use_clause":
            _import_name(machine.unit, clause, "", kind)


def _import_kind(node: Any) -> str:
    return next((child.type for child in node.children if child.type in ("function", "const")), "")


def _import_name(unit: Unit, clause: Any, prefix: str, kind: str) -> None:
    kind = _import_kind(clause) or kind
    alias = clause.child_by_field_name("alias")
    name = next((child for child in named(clause) if child.type in ("qualified_name", "name", "namespace_name")), None)
    if name is None:
        return
    full = prefix + content(name).lstrip("\\")
    short = (content(alias) if alias is not None else full.rpartition("\\")[2]).lower()
    if kind == "function":
        unit.functions[short] = full.lower()
    elif kind == "":
        unit.classes[short] = full.lower()


def function_names(unit: Unit, written: str) -> list[str]:
    """Return the full names, in lower case, that a function's name can mean; the first that exists counts."""
    lower = written.lower()
    if lower.startswith("\\"):
        return [lower[1:]]
    first, separator, rest = lower.partition("\\")
    if separator:
        if first == "namespace":
            return [f"{unit.namespace.lower()}\\{rest}".lstrip("\\")]
        return [f"{unit.classes[first]}\\{rest}" if first in unit.classes else _inside(unit, lower)]
    if lower in unit.functions:
        return [unit.functions[lower]]
    return [_inside(unit, lower), lower] if unit.namespace else [lower]


def class_name(unit: Unit, written: str) -> str:
    """Return the full name of a class, in lower case."""
    lower = written.lower()
    if lower.startswith("\\"):
        return lower[1:]
    first, separator, rest = lower.partition("\\")
    if first in unit.classes:
        return unit.classes[first] + separator + rest
    return _inside(unit, lower)


def _inside(unit: Unit, lower: str) -> str:
    return f"{unit.namespace.lower()}\\{lower}" if unit.namespace else lower
