"""``.env`` files as PHP's dotenv library (vlucas/phpdotenv 3 to 5) understands them.

NAME=value, NAME="value with \\n and ${OTHER}", NAME='literal', export NAME=value, # comments. What the versions read
differently, or refuse, makes the value Unknown.
"""

from __future__ import annotations

import re

from .values import Unknown

_NAME = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*|(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*$")
_NESTED = re.compile(r"\$\{([A-Za-z0-9_.]+)\}")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", '"': '"', "\\": "\\", "$": "$"}


def parse_dotenv(source: str, elsewhere: frozenset[str] = frozenset()) -> dict[str, str | Unknown]:
    """Return the variables; of two of a name the last one holds. What is ``elsewhere``, ``${}`` has from there."""
    found: dict[str, str | Unknown] = {}
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    number = 0
    while number < len(lines):
        line = lines[number].strip()
        number += 1
        if not line or line.startswith("#"):
            continue
        match = _NAME.match(line)
        if not match:
            return dict.fromkeys(found, Unknown(f"line {number} of .env is no NAME=value"))
        if match[2]:
            continue  # a name alone sets nothing
        value = line[match.end() :]
        # A value in double quotes may go on in the next lines.
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
