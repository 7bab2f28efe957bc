"""The evaluator of a wp-config.php: the statements and expressions of PHP."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from .calls import Calls
from .names import TARGETS, enter_namespace, inside, roots, use
from .paths import EvaluationAborted, Leave
from .syntax import content, integer_literal, interpolated, line_of, named, part, single_quoted
from .values import ABSENT, Array, Unknown, array, binary_value, cast_value, equal, is_set, negated, to_bool, to_key

_MAX_DEPTH = 110
#: Statements that do nothing, or nothing that matters here.
_IDLE = (
    "php_tag", "php_end_tag", "empty_statement", "comment", "interface_declaration", "declare_directive",
    "function_static_declaration", "class_declaration", "enum_declaration", "trait_declaration",
)  # fmt: skip
#: Nodes whose parts are evaluated one after the other; the last is the value.
_SEQUENCES = (
    "program", "compound_statement", "colon_block", "expression_statement", "echo_statement", "declare_statement",
    "sequence_expression", "parenthesized_expression", "error_suppression_expression", "print_intrinsic",
)  # fmt: skip
#: Where paths part, and meet again at the end: also those that leave it by these words.
_PARTING: dict[str, tuple[str, ...]] = {
    "if_statement": (), "switch_statement": ("break", "continue"), "foreach_statement": ("break",),
    "try_statement": (), "expression_statement": (), "conditional_expression": (),
    "augmented_assignment_expression": (), "while_statement": (), "do_statement": (), "for_statement": (),
}  # fmt: skip
_LOGICAL = (b"&&", b"||", b"??", b"and", b"or")


class Evaluator(Calls):
    """An abstract interpreter of PHP: the state at the end is what the program has set, as far as it is known."""

    def evaluate(self, node: Any) -> Any:
        """Run a statement, or return the value of an expression. Raises Leave if the program does not go on behind it.

        Raises EvaluationAborted beyond the bounds.
        """
        self.spend(1)
        if self.depth > _MAX_DEPTH:
            raise EvaluationAborted(self.unknown(node, "what is nested too deeply"))
        self.depth += 1
        kind = "include" if node.type.startswith(("include", "require")) else node.type
        follow = partial(_HANDLERS.get(kind, Evaluator._odd), self, node)
        parts = kind in _PARTING or (kind == "binary_expression" and node.children[1].text.lower() in _LOGICAL)
        value = self.explore(follow, *_PARTING.get(kind, ())) if parts else follow()
        self.depth -= 1
        value = array(value) if type(value) is dict else value
        if isinstance(value, bytes | Array):
            self.spend(len(value) >> 8 if isinstance(value, bytes) else value.weight >> 3)
        if isinstance(value, Unknown) and not value.file:
            value = replace(value, file=self.unit.path, line=line_of(node))
        return value

    def _odd(self, node: Any) -> Any:
        if node.type == "goto_statement":
            raise EvaluationAborted(self.unknown(node, "PHP's goto"))
        loop = node.type in ("while_statement", "do_statement", "for_statement")
        cause = self.unknown(node, "a loop with while or for" if loop else f"PHP's {node.type.replace('_', ' ')}")
        self.vague(node, cause)
        self.perhaps_leave(node, cause)
        return cause

    def _sequence(self, node: Any) -> Any:
        value = None
        for child in named(node):
            value = self.evaluate(child)
        return value if node.type.endswith(("expression", "intrinsic")) else None

    def _text(self, node: Any) -> None:
        if re.search(rb"<\?(?!php|=|xml)", node.text):
            self.perhaps_leave(node, self.blind(node, "a short opening tag, <?"))

    def _if(self, node: Any) -> Any:
        for clause in [node, *(child for child in named(node) if child.type in ("else_if_clause", "else_clause"))]:
            condition, body = part(clause, "condition"), part(clause, "body")
            if condition is None or self.holds(self.evaluate(condition)):
                return self.evaluate(body) if body is not None else None
        return None

    def _switch(self, node: Any) -> None:
        subject = self.evaluate(part(node, "condition"))
        cases = [child for child in named(part(node, "body")) if child.type.endswith("_statement")]
        # The default is the last to be chosen, wherever it stands.
        for number in sorted(range(len(cases)), key=lambda number: cases[number].type == "default_statement"):
            value = part(cases[number], "value")
            if value is None or self.holds(equal(subject, self.evaluate(value))):
                for case in cases[number:]:
                    for child in named(case)[case.type != "default_statement" :]:
                        self.evaluate(child)
                return

    def _foreach(self, node: Any) -> None:
        subject, target = [child for child in named(node) if child.type not in ("php_end_tag", "php_tag")][:2]
        value, body = self.evaluate(subject), part(node, "body")
        key_target, value_target = named(target) if target.type == "pair" else (None, target)

        def one_round(key: Any, item: Any, there: Any) -> None:
            if self.holds(there):
                self.assign(value_target, item)
                if key_target is not None:
                    self.assign(key_target, key)
                self.evaluate(body)

        if isinstance(value, Array) and value_target.type != "by_ref":
            for key, item in value.items():
                there = item if value.rest and isinstance(item, Unknown) else True
                self.explore(partial(one_round, key, item, there), "continue")
        else:
            self.references.update(roots(subject) if value_target.type == "by_ref" else [])
            other = self.unknown(node, "foreach by reference, or over what is no known array")
            cause = value if isinstance(value, Unknown) else other
            self.vague(node, cause)
            self.perhaps_leave(node, cause)

    def _leave(self, node: Any) -> None:
        """Run ``return``, ``break`` or ``continue``."""
        word, value = node.type.removesuffix("_statement"), named(node)[0] if named(node) else None
        if word != "return" and value is not None and value.text != b"1":
            raise EvaluationAborted(self.unknown(node, "a jump out of several loops"))
        raise Leave(word, None if value is None else self.evaluate(value))

    def _const(self, node: Any) -> None:
        for element in (child for child in named(node) if child.type == "const_element"):
            self.constant(inside(self.unit, content(named(element)[0])), self.evaluate(named(element)[-1]))

    def _namespace(self, node: Any) -> None:
        enter_namespace(self.unit, node)
        if part(node, "body") is not None:
            self.evaluate(part(node, "body"))

    def _global(self, node: Any) -> None:
        if self.frame:
            self.blind(node, "a function with global variables")

    def _unset(self, node: Any) -> None:
        for child in named(node):
            self.assign(child, ABSENT)

    def _read(self, node: Any) -> Any:
        value = self.peek(node)
        return None if value is ABSENT else value

    def _unary(self, node: Any) -> Any:
        sign, value = content(node.children[0]), self.evaluate(named(node)[0])
        return negated(to_bool(value)) if sign == "!" else binary_value(sign, 0, value)

    def _conditional(self, node: Any) -> Any:
        value, body = self.evaluate(part(node, "condition")), part(node, "body")
        if self.holds(value):
            return value if body is None else self.evaluate(body)
        return self.evaluate(part(node, "alternative"))

    def _assignment(self, node: Any) -> Any:
        value = self.evaluate(part(node, "right"))
        if node.type == "reference_assignment_expression":
            self.references.update(roots(node))
        else:
            self.assign(part(node, "left"), value)
        return value

    def _binary(self, node: Any) -> Any:
        sign, left_node, right_node = content(part(node, "operator")).lower(), part(node, "left"), part(node, "right")
        if sign == "??":
            left = self.peek(left_node)
            return left if self.holds(is_set(left)) else self.evaluate(right_node)
        if sign in ("&&", "and"):
            return self.holds(self.evaluate(left_node)) and to_bool(self.evaluate(right_node))
        if sign in ("||", "or"):
            return self.holds(self.evaluate(left_node)) or to_bool(self.evaluate(right_node))
        while left_node.type == "parenthesized_expression":
            left_node = named(left_node)[-1]
        if left_node.type == "variable_name":
            right = self.evaluate(right_node)  # PHP reads the variable last: in $a . ($a = 1) it is 1
            return binary_value(sign, self.evaluate(left_node), right)
        left = self.evaluate(left_node)
        return Unknown("instanceof") if sign == "instanceof" else binary_value(sign, left, self.evaluate(right_node))

    def _augmented(self, node: Any) -> Any:
        """Evaluate ``.=``, ``+=`` and the like."""
        sign, target, right = content(part(node, "operator")), part(node, "left"), part(node, "right")
        if sign == "??=":
            return self._odd(node)
        value = self.evaluate(right)  # first, as for a plain variable in _binary()
        value = binary_value(sign[:-1], self._read(target), value)
        self.assign(target, value)
        return value

    def _array(self, node: Any) -> Any:
        """Return the value of ``[...]`` or ``array(...)``."""
        result: dict[Any, Any] = {}
        following = 0
        for item in named(node):
            parts = named(item)
            if any(child.type in ("by_ref", "&") for child in item.children) or parts[0].type == "variadic_unpacking":
                return self.blind(item, "an array with a reference or another array")
            key = to_key(self.evaluate(parts[0])) if len(parts) > 1 else following
            if isinstance(key, Unknown) or (isinstance(key, int) and key < 0):
                return self.blind(item, "an array with a key that is unknown or negative")
            result[key] = self.evaluate(parts[-1])
            following = max(following, key + 1) if isinstance(key, int) else following
        return result


#: What follows a node, by its type.
_HANDLERS: dict[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(_IDLE, lambda self, node: None), **dict.fromkeys(_SEQUENCES, Evaluator._sequence),
    **dict.fromkeys(TARGETS, Evaluator._read),
    **dict.fromkeys(("boolean", "null", "name", "qualified_name", "relative_name"), Evaluator.read_name),
    **dict.fromkeys(("return_statement", "break_statement", "continue_statement"), Evaluator._leave),
    **dict.fromkeys(
        ("encapsed_string", "heredoc", "nowdoc"), lambda self, node: interpolated(node, self.evaluate)
    ),
    "string": lambda self, node: single_quoted(bytes(node.text)),
    "integer": lambda self, node: integer_literal(bytes(node.text)),
    "float": lambda self, node: float(node.text) if node.text[-1:].isdigit() else Unknown("such a number"),
    "cast_expression": lambda self, node: cast_value(
        content(part(node, "type")).lower().strip(), self.evaluate(part(node, "value"))
    ),
    "shell_command_expression": lambda self, node: Unknown("a command of the shell"),
    "text": Evaluator._text, "text_interpolation": Evaluator._text, "if_statement": Evaluator._if,
    "switch_statement": Evaluator._switch, "foreach_statement": Evaluator._foreach,
    "exit_statement": Evaluator.end, "throw_expression": Evaluator.end, "function_definition": Evaluator.function,
    "const_declaration": Evaluator._const,
    "namespace_definition": Evaluator._namespace, "namespace_use_declaration": lambda self, node: use(self.unit, node),
    "global_declaration": Evaluator._global, "unset_statement": Evaluator._unset,
    "unary_op_expression": Evaluator._unary,
    "conditional_expression": Evaluator._conditional, "assignment_expression": Evaluator._assignment,
    "reference_assignment_expression": Evaluator._assignment, "binary_expression": Evaluator._binary,
    "augmented_assignment_expression": Evaluator._augmented,
    "array_creation_expression": Evaluator._array,
    "include": Evaluator.include, "function_call_expression": Evaluator.call,
    "anonymous_function": Evaluator.function, "arrow_function": Evaluator.function,
    "member_call_expression": Evaluator.method_call, "nullsafe_member_call_expression": Evaluator.method_call,
    "scoped_call_expression": Evaluator.method_call, "object_creation_expression": Evaluator.method_call,
    "class_constant_access_expression": Evaluator.class_constant,
}  # fmt: skip
