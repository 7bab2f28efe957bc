"""Names and what they stand for: variables and their elements, constants, namespaces, ``use``."""

from __future__ import annotations

import os
import re
from typing import Any

from .outside import REQUEST
from .paths import EvaluationAborted, Paths, State, Unit
from .syntax import content, line_of, named, part
from .values import ABSENT, Array, Object, Unknown, array, to_key, to_string

_ENVIRONMENT = ("_SERVER", "_ENV")
_OF_A_REQUEST = ("_GET", "_POST", "_COOKIE", "_FILES", "_REQUEST", "_SESSION", "GLOBALS", "argv", "argc")
_ELEMENTS = ("subscript_expression", "member_access_expression", "nullsafe_member_access_expression")
#: The nodes that can be assigned.
TARGETS = ("variable_name", "dynamic_variable_name", "scoped_property_access_expression", *_ELEMENTS)
#: The most keys of one element.
_MAX_KEYS = 50

_PHP_CONSTANTS: dict[str, Any] = {
    "TRUE": True, "FALSE": False, "NULL": None, "PHP_EOL": b"\n", "DIRECTORY_SEPARATOR": b"/", "PATH_SEPARATOR": b":",
    "MYSQLI_CLIENT_SSL": 2048, "MYSQLI_CLIENT_COMPRESS": 32, "MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT": 64,
    "MYSQLI_CLIENT_SSL_VERIFY_SERVER_CERT": 1 << 30, "MYSQLI_CLIENT_FOUND_ROWS": 2, "E_ALL": 32767,
    "PHP_URL_SCHEME": 0, "PHP_URL_HOST": 1, "PHP_URL_PORT": 2, "PHP_URL_USER": 3, "PHP_URL_PASS": 4, "PHP_URL_PATH": 5,
    "PHP_URL_QUERY": 6, "FILTER_VALIDATE_BOOLEAN": 258, "FILTER_VALIDATE_BOOL": 258,
}  # fmt: skip
#: Constants that PHP, an extension or an entry script may have defined; the latter differ by request.
_ELSEWHERE = re.compile(
    r"(?!MYSQL_CLIENT_FLAGS)(PHP|E|T|M|MYSQLI?|CURL\w*|JSON|LC|LOG|OPENSSL|SODIUM|FILTER|FILE|ENT|LOCK|STR|INI|SORT|"
    r"PREG)_.*|.*::.*|WP_(CLI|ADMIN|NETWORK_ADMIN|USER_ADMIN|BLOG_ADMIN|INSTALLING|USE_THEMES|LOAD_IMPORTERS|"
    r"SETUP_CONFIG|REPAIRING|UNINSTALL_PLUGIN|TESTS_DIR)|DOING_(AJAX|CRON|AUTOSAVE)|SHORTINIT|STD(IN|OUT|ERR)|"
    r"(XMLRPC|REST|IFRAME|APP)_REQUEST"
)

#: Where a value is: its kind and name in the state, and the keys of an element, of which a property's is a tuple. A
#: name that is not known is Unknown; a value that is in no variable stands for itself, and its kind is None.
Place = tuple[Any, Any, list[Any]]


def roots(node: Any) -> list[str]:
    """Return the names of the variables in a node."""
    if node.type == "variable_name":
        return [content(node)[1:]]
    return [name for child in named(node) for name in roots(child)]


def changed(base: Any, keys: list[Any], value: Any) -> Any:
    """Return an array with one element set, at any depth; the key ABSENT appends, the value ABSENT removes."""
    if not keys or isinstance(base, Unknown):
        return base if keys else value
    if value is ABSENT and (base is ABSENT or base is None):
        return base
    items = Array() if base is ABSENT or base is None else base
    if not isinstance(items, Array) or items.rest:
        return Unknown("an element of what is no known array is set")
    numbers = [one for one in items if isinstance(one, int)]
    key = max([-1, *numbers]) + 1 if keys[0] is ABSENT else to_key(keys[0])
    # What follows -1 depends on PHP's version, and a number that is removed is not used again.
    if isinstance(key, Unknown) or min([0, *numbers]) < 0 or (value is ABSENT and isinstance(key, int)):
        return Unknown("an array with an odd key")
    after = {**items, key: changed(items.get(key, ABSENT), keys[1:], value)}
    return array({name: one for name, one in after.items() if one is not ABSENT})


def inside(unit: Unit, name: str) -> str:
    return f"{unit.namespace}\\{name}" if unit.namespace else name


def enter_namespace(unit: Unit, node: Any) -> None:
    name = part(node, "name")
    unit.namespace, unit.aliases = content(name) if name is not None else "", {}


def use(unit: Unit, node: Any) -> None:
    r"""Run ``use A\\B as C;``, ``use function A\\b;``, ``use const A\\B;`` or ``use A\\{B, C};``"""
    group = next((child for child in node.children if child.type == "namespace_use_group"), None)
    prefix = next((content(child) for child in node.children if child.type == "namespace_name"), "") if group else ""
    for clause in (child for child in named(group or node) if child.type == "namespace_use_clause"):
        words = [child.type for child in (*clause.children, *node.children) if child.type in ("function", "const")]
        kind, alias = next(iter(words), ""), part(clause, "alias")
        full = f"{prefix}\\{content(named(clause)[0])}".lstrip("\\").replace("\\\\", "\\")
        short = content(alias) if alias is not None else full.rpartition("\\")[2]
        unit.aliases[kind, short if kind == "const" else short.lower()] = full


def full_names(unit: Unit, written: str, kind: str) -> list[str]:
    """Return the full names that a name can mean; the first that exists counts. ``kind`` is as in ``Unit.aliases``."""
    if written.startswith("\\"):
        return [written[1:]]
    first, separator, rest = written.partition("\\")
    if separator and first.lower() == "namespace":
        return [inside(unit, rest)]
    alias = unit.aliases.get(("" if separator else kind, first if kind == "const" and not separator else first.lower()))
    if alias:
        return [alias + separator + rest]
    return [inside(unit, written), written] if unit.namespace and kind and not separator else [inside(unit, written)]


class Names(Paths):
    """The part of the evaluator that reads and sets variables and constants. What is not set is ABSENT."""

    def evaluate(self, node: Any) -> Any:
        """Return the value of an expression."""
        raise NotImplementedError

    def constant(self, name: str, value: Any = ABSENT) -> Any:
        """Return a constant by its full name, or ABSENT; with a value define it then, as the first definition holds."""
        space, separator, short = name.lstrip("\\").rpartition("\\")
        name = space.lower() + separator + short
        there = _PHP_CONSTANTS.get(name, self.state.get("constant", name))
        if there is ABSENT and _ELSEWHERE.fullmatch(name):
            there = Unknown(f"whether {name} is defined")
        if value is not ABSENT and (there is ABSENT or isinstance(there, Unknown)):
            self.state.known["constant", name] = value if there is ABSENT else there
        return there

    def read_name(self, node: Any) -> Any:
        """Return the value of a bare word: a constant, or ``__DIR__`` and the like."""
        written, unit = content(node), self.unit
        upper, path = written.upper().lstrip("\\"), os.fsencode(unit.path)
        words = {
            "__FILE__": path, "__DIR__": path.rpartition(b"/")[0] or b"/", "__LINE__": line_of(node),
            "__NAMESPACE__": unit.namespace.encode(), "TRUE": True, "FALSE": False, "NULL": None,
        }  # fmt: skip
        if upper in words:
            return words[upper]
        if upper in ("EXIT", "DIE"):
            return self.end(node)
        found = [self.constant(name) for name in full_names(unit, written, "const")]
        undefined = Unknown(f"the constant {written}, which is not defined here")
        return next((one for one in found if one is not ABSENT), undefined)

    def place(self, node: Any) -> Place:
        """Return the place of a variable or of an element; of another value the value itself."""
        chain: list[Any] = []
        self.spend(1)
        while node.type in _ELEMENTS:
            chain.insert(0, node)
            node = named(node)[0]
            if len(chain) > _MAX_KEYS:
                raise EvaluationAborted(self.unknown(node, "an element of an element, too deep to be followed"))
        value = Unknown("a static property") if node.type in TARGETS else self.evaluate(node)
        # The variable is read last, as PHP does: evaluating a key may assign it.
        keys = [self._key(one) for one in chain]
        if not node.type.endswith("variable_name"):
            return None, value, keys
        inner = named(node)[0]
        # Of $name, or of "${name}" in a string; else the name is a value.
        text = bytes(inner.text) if inner.type == "name" else to_string(self.evaluate(inner))
        if isinstance(text, Unknown):
            return self.frame, text, keys
        name = os.fsdecode(text)
        key = to_string(keys[0]) if keys and keys[0] is not ABSENT else Unknown(f"${name} as a whole")
        if name in _ENVIRONMENT and keys:
            return "environment", key if isinstance(key, Unknown) else (name, key), keys[1:]
        if name == "GLOBALS" and keys:
            return 0, key if isinstance(key, Unknown) else os.fsdecode(key), keys[1:]
        if name in _OF_A_REQUEST:
            shown = f"['{os.fsdecode(key)}']" if isinstance(key, bytes) else ""
            return None, Unknown(f"${name}{shown}, which only PHP's own process or request knows"), keys
        return (None, self.environment_array(name), []) if name in _ENVIRONMENT else (self.frame, name, keys)

    def _key(self, node: Any) -> Any:
        """Return the key of an element; of a property its name in a tuple."""
        if node.type == "subscript_expression":
            index = named(node)[1] if len(named(node)) > 1 else None
            # In "$a[key]", but not in "{$a[key]}", the key is a bare word.
            braced = node.prev_sibling is not None and node.prev_sibling.type == "{"
            is_bare = node.parent.type in ("encapsed_string", "heredoc_body") and not braced
            if index is not None and index.type == "name" and is_bare:
                return bytes(index.text)
            return ABSENT if index is None else self.evaluate(index)
        name = part(node, "name")
        return (bytes(name.text) if name.type == "name" else to_string(self.evaluate(name)),)

    def fetch(self, kind: Any, name: Any, keys: list[Any], state: State | None = None) -> Any:
        """Return the value at a place, or ABSENT; by default in the current state."""
        value = name
        if isinstance(name, tuple):
            value = self.environment_value(*name)
        elif kind is not None and isinstance(name, str):
            value = (state or self.state).get(kind, name)
            value = Unknown(f"${name} is a reference") if name in self.references else value
        for key in keys:
            value = self.element(value, key)
        return value

    def peek(self, node: Any) -> Any:
        """Return the value of an expression as ``isset()`` sees it: ABSENT if something is not set."""
        return self.fetch(*self.place(node))

    def element(self, base: Any, key: Any) -> Any:
        """Return an element of an array or a string, or a property of an object (its key is a tuple), or ABSENT."""
        if base is ABSENT or base is None or isinstance(base, bool | int | float | Unknown):
            return base if isinstance(base, Unknown) else ABSENT
        if isinstance(base, Object) and base.kind == "stdclass" and isinstance(key, tuple):
            found = self.state.rest.get("object", key[0])
            return found if isinstance(found, Unknown) else base.fields.get(found, ABSENT)
        if isinstance(base, Array) and not isinstance(key, tuple):
            index = to_key(key)
            missing = base.rest if isinstance(index, bytes) and REQUEST.fullmatch(index) else None
            return index if isinstance(index, Unknown) else base.get(index, missing or ABSENT)
        if isinstance(base, bytes) and type(key) is int and -len(base) <= key < len(base):
            return base[key : key + 1 or None]
        return key if isinstance(key, Unknown) else Unknown("an element of what is no array")

    def environment_value(self, store: str, name: bytes) -> Any:
        """Return a variable from ``$_SERVER``, ``$_ENV`` or getenv() (``store`` is then empty), or ABSENT."""
        value = self.state.get("environment", (store, name))
        if value is not ABSENT:
            return ABSENT if value is None else value
        shown = name.decode("utf-8", "replace")
        return self.environment.get(name, f"${store}['{shown}']" if store else f"getenv('{shown}')")

    def environment_array(self, store: str) -> Any:
        """Return all of ``$_SERVER``, ``$_ENV`` or getenv(): known if the environment is PHP's.

        That the file reads a variable of it shows in a string that has its name, or the beginning of it ("AZURE_"); if
        the file defines whatever there is, in a name of WordPress's.
        """
        why, variables = Unknown(f"${store} as a whole" if store else "getenv() as a whole"), self.environment.variables
        self.spend(len(self.unit.source) >> 7)
        if "environment" in self.state.rest or not self.environment.complete:
            words = {"DB_NAME", "DB_HOST", *re.findall(r"""['"](\w+)['"]""", os.fsdecode(self.unit.source))}
            beginnings = tuple(word for word in words if word.endswith("_"))
            read = {name for name in variables if name in words or name.startswith(beginnings)}
            self.environment.found |= {name for name in read if not REQUEST.fullmatch(os.fsencode(name))}
            return why
        names = dict.fromkeys(name for each, name in self.state.of("environment") if each == store)
        names |= dict.fromkeys(map(os.fsencode, variables))
        values = {name: self.environment_value(store, name) for name in names}
        items = array({name: value for name, value in values.items() if value is not ABSENT})
        if isinstance(items, Array):
            items.rest = why
        return items

    def assign(self, target: Any, value: Any) -> None:
        """Assign a value to the left side of ``=``; ABSENT unsets it."""
        if target.type in ("list_literal", "array_creation_expression"):
            self._destructure(target, value)
            return
        kind, name, keys = self.place(target)
        if any(isinstance(key, tuple) for key in keys):
            self.state.rest.setdefault("object", self.unknown(target, "a property is set"))
        elif kind is not None and isinstance(name, Unknown):
            self.state.havoc(kind, self.unknown(target, "something is set under a name that is not known"))
        elif kind is not None:
            base = self.fetch(kind, name, []) if keys else ABSENT
            self.spend(base.weight >> 3 if isinstance(base, Array) else 0)
            after = changed(base, keys, value)
            # What is unset in the environment is None, because what is ABSENT is looked up in PHP's own.
            self.state.known[kind, name] = None if after is ABSENT and kind == "environment" else after
        elif target.type == "variable_name" and content(target)[1:] in (*_ENVIRONMENT, "GLOBALS"):
            self.blind(target, "a superglobal is set as a whole")

    def _destructure(self, target: Any, value: Any) -> None:
        """Assign to ``[$a, $b]``, ``['k' => $a]`` or ``list($a)``."""
        position = 0
        key: Any = ABSENT
        for child in target.children:
            if child.type == ",":
                position, key = position + 1, ABSENT
            elif child.is_named and child.next_sibling.type == "=>":
                key = self.evaluate(child)
            elif child.is_named and child.type != "comment":
                inner = named(child) if child.type == "array_element_initializer" else [child]
                key = self.evaluate(inner[0]) if len(inner) > 1 else position if key is ABSENT else key
                known = isinstance(value, Array | Unknown)
                found = self.element(value, key) if known else Unknown("list() of what is no array")
                self.assign(inner[-1], None if found is ABSENT else found)

    def forget(self, target: Any) -> None:
        """Set what a node names to an unknown value."""
        self.assign(target, self.unknown(target, "is set in a way that is not followed"))
