"""Calls of functions, closures and methods; includes; and the functions of PHP that see or change the program.

A function that is not in the files comes from an extension or from WordPress, and defines none of WordPress's settings:
an unknown call changes nothing but the variables that it may be handed by reference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import functions, outside
from .bedrock import Bedrock
from .names import TARGETS, enter_namespace, full_names, inside, roots, use
from .paths import Unit
from .syntax import content, first_error, named, parse, part
from .values import ABSENT, Array, Object, Unknown, is_set, is_there, negated, to_bool, to_string

#: The deepest nesting of calls and files, and the most PHP that is parsed, in bytes; a wp-config.php has some 5 KB.
_MAX_CALLS, _MAX_FILE_DEPTH, _MAX_PHP = 12, 70, 160 * 1024
#: PHP's functions that assign some of their arguments.
_ASSIGNING = re.compile(
    r"preg_\w+|str_i?replace|similar_text|exec|system|passthru|(openssl|socket|stream|pcntl|dns|mysqli_stmt|apcu|curl)_\w+|"
    r"is_callable|headers_sent|getmxrr|p?fsockopen|flock|proc_open|f?sscanf|(mb_)?parse_str|[ak]?r?sort|u[ak]?sort|"
    r"array_(splice|push|pop|shift|unshift|multisort|walk\w*)|nat(case)?sort|shuffle|end|reset|next|prev|each|settype|"
    r"getopt|mb_convert_variables|getimagesize"
)
#: What code that is not followed can set any name with.
_SETS_ANY = re.compile(
    rb"(?i)\b(define\b(?!\s*\(\s*['\"]\w+['\"]\s*,)|const\b|eval\b|extract\b|parse_str|include|require|putenv|global|"
    rb"array_(map|walk)|call_user|config\b|dotenv\b|function\s+\w)|\$\s*[{$]|\$\w+\s*\("
)
_DEFINES = re.compile(rb"(?i)\bdefine\s*\(\s*['\"](\w+)")
#: The nodes in which a variable is only read.
_READING = ("encapsed_string", "heredoc_body", "binary_expression", "parenthesized_expression", "return_statement")
_CLASSES_OF_PHP = re.compile(r"pdo|mysqli\w*|date\w+|\w*exception|\w*error|spl\w+|array\w+|redis|memcached?|stdclass")
_OWN_CLASS = re.compile(rb"(?i)\b(class|trait|enum)\s+\w")
_NAME_NODES = ("name", "qualified_name", "relative_name")


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function or closure of the files. One with variables of where it is made is not followed."""

    node: Any
    unit: Unit


def _typed(value: Any, declared: Any) -> Any:
    """Return a value as a parameter or return value of a type; unknown if PHP may convert or reject it."""
    fits = isinstance(value, bytes) and content(declared).lower() in ("string", "?string") if declared else True
    return value if fits or isinstance(value, Unknown) else Unknown(f"a value that PHP makes {content(declared)}")


class Calls(Bedrock):
    """The part of the evaluator that calls and includes."""

    def function(self, node: Any) -> Function:
        """Return a closure, or declare a function."""
        made = Function(node, replace(self.unit))
        if node.type == "function_definition":
            self.state.known["function", inside(self.unit, content(part(node, "name"))).lower()] = made
        return made

    def call(self, node: Any) -> Any:
        """Evaluate ``name(...)``, ``$closure(...)``, or a construct in the form of a call: isset, empty, exit."""
        function = part(node, "function")
        name = content(function).lower().lstrip("\\") if function.type in _NAME_NODES else ""
        if name in ("isset", "empty"):
            seen = [self.peek(named(one)[-1]) for one in named(part(node, "arguments"))]
            if name == "empty":
                return negated(to_bool(None if seen[0] is ABSENT else seen[0]))
            answers = [is_set(one) for one in seen]
            return False not in answers and next((one for one in answers if one is not True), True)
        called = full_names(self.unit, content(function), "function") if name else self.evaluate(function)
        arguments = self._arguments(node)
        if arguments is None:
            return self.blind(node, "arguments by name or unpacked")
        return self.end(node) if name in ("exit", "die") else self._call(node, called, *arguments)

    def _arguments(self, node: Any) -> tuple[list[Any], list[Any]] | None:
        """Return the values of a call's arguments and their nodes; None if they are named, unpacked or ``...``."""
        listed = part(node, "arguments") or next((child for child in named(node) if child.type == "arguments"), None)
        every = named(listed) if listed is not None else []
        if any(part(one, "name") or not named(one) or named(one)[-1].type == "variadic_unpacking" for one in every):
            return None
        nodes = [named(one)[-1] for one in every]
        return [self.evaluate(one) for one in nodes], nodes

    def _call(self, node: Any, called: Any, values: list[Any], nodes: list[Any]) -> Any:
        """Call a closure, or the first function of some names that exists; a string is one name."""
        called = [os.fsdecode(called).lstrip("\\")] if isinstance(called, bytes) and b"::" not in called else called
        if isinstance(called, Function):
            return self._call_function(node, called, values, nodes)
        if not isinstance(called, list):
            return self.blind(node, "a call of what is known only when it runs")
        name = ""
        for name in (each.lower() for each in called):
            found = self.state.get("function", name)
            name = found if isinstance(found, str) else name
            if name in _RUNNING:
                return self._run(name, node, values, nodes)
            if name in _PROGRAM:
                return self._program(name, node, values)
            if isinstance(found, Function):
                return self._call_function(node, found, values, nodes)
            if isinstance(found, Unknown) and name not in functions.FUNCTIONS:
                return self.blind(node, f"{name}()")
        self.spend(500 if name == "preg_replace" else 0)
        value = functions.call(name, values)
        # A name that is the value of a variable is not shown: it may be anything.
        shown = value.what if isinstance(value, Unknown) and name in content(node).lower() else "a call by name"
        return self._call_unknown(node, shown, values, nodes, name) if isinstance(value, Unknown) else value

    def _call_unknown(self, node: Any, what: str, values: list[Any], nodes: list[Any], name: str = "") -> Unknown:
        """Record a call of code that is not in the files: it may assign variables, and call what it is handed."""
        cause = self.unknown(node, what)
        for argument in nodes[3 if "replace" in name else 2 if name.startswith("preg") else 0 :]:
            if _ASSIGNING.fullmatch(name) and argument.type in TARGETS:
                self.forget(argument)
        for value in [] if name in functions.FUNCTIONS else values:
            self._hand_over(node, value, cause)
        return cause

    def _hand_over(self, node: Any, value: Any, cause: Unknown) -> None:
        name = os.fsdecode(value).lower().lstrip("\\") if isinstance(value, bytes) else ""
        function = self.state.get("function", name) if name else value
        for each in value.values() if isinstance(value, Array) else []:
            self._hand_over(node, each, cause)
        is_method = self.own_classes and ("::" in name or (isinstance(value, Array) and 1 in value))
        if isinstance(function, Function):
            self.vague(part(function.node, "body"), cause)
        elif name == "define" or is_method or isinstance(value, Object):
            self.blind(node, "an object, a function or a method that is handed to another")

    def vague(self, node: Any, cause: Unknown) -> None:
        """Record that code ran any number of times, and to any point of it: what it could set is unknown."""
        self.spend(len(node.text) >> 3)
        words = set(re.findall(r"\w+", content(node).lower()))
        functions = {name.rpartition("\\")[2] for name in self.state.of("function")}
        has_methods = self.own_classes and re.search(rb"\bnew\b|->|::", node.text)
        if _SETS_ANY.search(node.text) or words & functions or "function" in self.state.rest or has_methods:
            self.blind(node, cause.what)
            return
        self.state.rest.setdefault("object", cause)
        if b"$_" in node.text:
            self.state.havoc("environment", cause)
        for name in map(os.fsdecode, _DEFINES.findall(node.text)):
            self.constant(name, cause)
        reading = _READING if any(map(_ASSIGNING.fullmatch, words)) else (*_READING, "argument")
        found = [node]
        for one in found:
            found += one.named_children
            if one.type == "variable_name" and one.parent.type not in reading:
                self.state.known[self.frame, content(one)[1:]] = cause

    def _call_function(self, node: Any, function: Function, values: list[Any], nodes: list[Any]) -> Any:
        declaration, body = function.node, part(function.node, "body")
        self.spend(len(declaration.text) >> 9)
        parameters = named(part(declaration, "parameters"))
        if b"&" in part(declaration, "parameters").text:
            self.references.update(name for argument in nodes for name in roots(argument))
        is_odd = re.search(rb"\byield\b|\.\.\.|\)\s*use\s*\(", declaration.text) or declaration.type == "arrow_function"
        if self.frame >= _MAX_CALLS or is_odd:
            cause = self.unknown(node, "a call too deep or too clever to be followed")
            self.vague(body, cause)
            return cause

        def run() -> None:
            for parameter, value in zip(parameters, [*values, *[ABSENT] * len(parameters)], strict=False):
                name, default = content(part(parameter, "name"))[1:], part(parameter, "default_value")
                if value is ABSENT:
                    value = self.evaluate(default) if default is not None else self.end(node)
                self.state.known[self.frame, name] = _typed(value, part(parameter, "type"))
            self.evaluate(body)

        kept, self.unit = self.unit, function.unit
        self.frame += 1
        value = self.explore(run, "return")
        self.state.drop_frame(self.frame)
        self.frame -= 1
        self.unit = kept
        return _typed(value, part(declaration, "return_type"))

    def method_call(self, node: Any) -> Any:
        """Evaluate ``$object->method(...)``, ``Name::method(...)`` or ``new Name(...)``.

        Only Bedrock's and phpdotenv's classes are followed.
        """
        subject, name, this, kind = part(node, "object"), part(node, "name"), None, ""
        method = content(name).lower() if name is not None else ""
        if subject is not None:
            value = self.evaluate(subject)
            this = value if isinstance(value, Object) else None
            called = f"{this.kind if this else ''}->{method}"
        else:
            scope = named(node)[0]
            kind = full_names(self.unit, content(scope), "")[0].lower() if scope.type in _NAME_NODES else ""
            called = f"{kind}::{method}" if method else f"new {kind}"
        arguments = self._arguments(node)
        known = self.bedrock_call(node, called, this, arguments[0]) if arguments is not None else ABSENT
        if known is not ABSENT:
            return known
        is_own = self.own_classes and not _CLASSES_OF_PHP.fullmatch(kind)
        if arguments is None or is_own or (subject is None and not kind):
            return self.blind(node, f"{called}()")
        return self._call_unknown(node, f"{called}()", *arguments)

    def class_constant(self, node: Any) -> Any:
        """Return the value of ``Name::class``; the constants of classes are not followed."""
        scope, name = map(content, (named(node)[0], named(node)[-1]))
        is_name = name.lower() == "class" and scope.lower() not in ("self", "static", "parent")
        return full_names(self.unit, scope, "")[0].encode() if is_name else Unknown(f"the constant {name} of a class")

    def include(self, node: Any) -> Any:
        """Evaluate ``include``, ``require``, and their ``_once`` forms."""
        last, word = named(node)[-1], node.type.removesuffix("_expression")
        path = to_string(self.evaluate(last))
        written = path if isinstance(path, bytes) else bytes(last.text).rstrip(b"'\") ")
        if re.search(rb"(^|[/'\"])wp-settings\.php$", written):
            # Here WordPress connects, with what is set so far. It defines nothing that this reader returns.
            cause = self.unknown(node, "the way that the program takes")
            self.connected = (self.connected or self.state).merge(self.state, cause)
            return 1
        if isinstance(path, Unknown):
            return self.blind(node, f"{word} of a file that depends on {path.what}")
        found = self.find(outside.beside(path, Path(self.unit.path).parent, self.abspath))
        # Of an address neither the account nor what is asked for is shown.
        shown = f"{word} of " + re.sub(r"(?<=//)[^/@]*@|\?.*", "", path.decode("utf-8", "replace"))
        if found is None and word.startswith("include"):
            return False
        if not isinstance(found, Path):
            return self.blind(node, shown + (", which is not there" if found is None else f": {found.what}"))
        if found.name == "autoload.php" and (found.parent / "composer" / "autoload_real.php").exists():
            # Composer's autoloader: only the project's own classes and files can set anything.
            self.own_classes = True
            own_files = outside.composer_lists_own_files(found.parent)
            return self.blind(node, "files of the project that Composer includes") if own_files else Unknown("Composer")
        real = os.path.realpath(found)
        before = self.state.get("file", real) if word.endswith("_once") else ABSENT
        source = before if isinstance(before, Unknown) else outside.read_bytes(found)
        if isinstance(source, Unknown):
            return self.blind(node, f"{shown}: {source.what}")
        self.state.known["file", real] = True
        return True if before is True else self.run_source(node, source, real, 1)

    def run_source(self, node: Any, source: bytes, path: str, default: Any) -> Any:
        """Run a file's source in the scope that includes it; return what it returns, or else the default."""
        if source not in self.trees:
            if sum(map(len, self.trees)) + len(source) > _MAX_PHP:
                return self.blind(node, "more PHP than is followed")
            self.trees[source] = parse(source)
        self.spend(len(source) >> 8)
        self.own_classes = self.own_classes or _OWN_CLASS.search(source) is not None
        # What is ever a reference, or static in a function, can change under another name.
        self.references.update(map(os.fsdecode, re.findall(rb"(?:(?<!&)&|\bstatic)\s*\$(\w+)", source)))
        root = self.trees[source]
        kept, self.unit = self.unit, Unit(path, source)

        def run() -> Any:
            self._hoist(named(root))
            self.unit.namespace, self.unit.aliases = "", {}
            self.evaluate(root)
            return default

        wrong = first_error(root)
        if wrong is not None or self.depth > _MAX_FILE_DEPTH:
            value = self.blind(wrong or root, "this is not PHP, or it cannot be parsed")
        else:
            value = self.explore(run, "return")
        self.unit = kept
        return value

    def _hoist(self, nodes: list[Any]) -> None:
        """Declare the functions at the top of a file before its first statement."""
        self.spend(len(nodes))
        for child in nodes:
            if child.type == "function_definition":
                self.function(child)
            elif child.type == "namespace_definition":
                enter_namespace(self.unit, child)
                self._hoist(named(part(child, "body")) if part(child, "body") is not None else [])
            elif child.type == "namespace_use_declaration":
                use(self.unit, child)

    def _program(self, name: str, node: Any, values: list[Any]) -> Any:
        """Evaluate a function that asks or sets one name."""
        if name == "getenv" and not values:
            return self.environment_array("")
        text, rest = to_string([*values, None][0]), values[1:]
        if name == "property_exists":
            return Unknown("property_exists()") if not rest else is_there(self.element(values[0], (rest[0],)))
        if isinstance(text, Unknown):
            cause = self.unknown(node, f"{name}() with a name that is not known")
            if name == "define":
                return self.state.rest.setdefault("constant", cause)
            if name == "putenv":
                self.state.havoc("environment", cause)
            return text
        if name in outside.FUNCTIONS:
            there = self.find(text) if not rest else Unknown(f"{name}() in this form")
            return there if isinstance(there, Unknown) else outside.FUNCTIONS[name](there)
        return _PROGRAM[name](self, text, *rest) if rest or name != "define" else self.end(node)

    def _constant_value(self, name: str) -> Any:
        there = self.constant(name)
        return Unknown(f"the constant {name}, which is not defined here") if there is ABSENT else there

    def _getenv(self, name: bytes, *_: Any) -> Any:
        value = self.environment_value("", name)
        return False if value is ABSENT else value

    def _putenv(self, text: bytes, *_: Any) -> bool:
        name, equals, value = text.partition(b"=")
        self.state.known["environment", ("", name)] = value if equals else None
        return True

    def _function_exists(self, text: bytes, *_: Any) -> bool | Unknown:
        """Return True if there is a function; False only if the file declares it further down."""
        name = os.fsdecode(text).lower().lstrip("\\")
        found = self.state.get("function", name)
        if name in _PROGRAM or name in functions.FUNCTIONS or isinstance(found, Function | str):
            return True
        self.spend(len(self.unit.source) >> 8)
        declaration = rb"(?i)\bfunction\s+" + re.escape(os.fsencode(name.rpartition("\\")[2])) + rb"\b"
        is_below = found is ABSENT and re.search(declaration, self.unit.source)
        return False if is_below else Unknown(f"function_exists('{name}')")

    def _run(self, name: str, node: Any, values: list[Any], nodes: list[Any]) -> Any:
        """Evaluate a function that runs other code, or sets variables by name."""
        first, *rest = values or [None]
        known = [one for one in values if isinstance(one, Array) and not one.rest]
        if name == "call_user_func":
            return self._call(node, first, rest, nodes[1:])
        if name == "array_map" and len(known) == len(rest) and len({*map(len, known)}) == 1:
            for column in zip(*(one.values() for one in known), strict=True):
                self._call(node, first, [*column], [])
            return Unknown("array_map()")
        if name == "array_walk" and rest and known and known[0] is first:
            for key, one in first.items():
                self._call(node, rest[0], [one, key], [])
            self.forget(nodes[0])
            return True
        if name == "eval" and isinstance(first, bytes):
            return self.run_source(node, b"<?php " + first, self.unit.path, None)
        if name.startswith(("array", "parse")) and rest:
            return self._call_unknown(node, f"{name}()", values, nodes, name)
        return self.blind(node, f"{name}() of what depends on {getattr(first, 'what', 'other values')}")


#: The functions of ``_run``, and those of ``_program`` beside the ones that ask for a file.
_RUNNING = ("eval", "call_user_func", "spl_autoload_register", "extract", "parse_str", "array_map", "array_walk")
_PROGRAM: dict[str, Callable[..., Any]] = {
    **outside.FUNCTIONS, "property_exists": is_there, "getenv": Calls._getenv, "putenv": Calls._putenv,
    "function_exists": Calls._function_exists, "env\\env": lambda self, name, *_: self.env(name),
    "define": lambda self, name, value, *_: negated(is_there(self.constant(os.fsdecode(name), value))),
    "defined": lambda self, name, *_: is_there(self.constant(os.fsdecode(name))),
    "constant": lambda self, name, *_: self._constant_value(os.fsdecode(name)),
}  # fmt: skip
