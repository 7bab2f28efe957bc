"""The reader of wp-config.php on random files: it never crashes, hangs or guesses.

PHP's values are computed while the file is put together; no PHP is needed.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.php_answers import CASES
from wch_peewee.models.namespace import WCH
from wch_peewee.wordpress.php.bedrock import parse_dotenv
from wch_peewee.wordpress.php.reader import CONNECTING, ConfigValues, read_config
from wch_peewee.wordpress.php.values import ABSENT, Unknown
from wch_peewee.wordpress.site import parse_db_host

FILES = sorted(path.read_bytes() for path in CASES.glob("*/site/**/*.php"))
TOKENS = [
    "<?php ", "?>", "define", "(", ")", "'", '"', ";", ",", "{", "}", "[", "]", "$a", "$b", "$table_prefix", "=",
    "==", ".", "DB_NAME", "'DB_NAME'", "'x'", "1", "0", "if", "else", "while", "for", "foreach", "as", "function",
    "f", "return", "&", "&&", "||", "??", "?", ":", "!", "++", "include", "eval", "switch", "case", "break",
    "continue", "exit", "try", "catch", "new", "::", "->", "=>", "fn", "match", "<<<A\n", "\nA", "global", "static",
    "unset", "isset", "$_SERVER", "getenv", "const", "class", "namespace", "use", "goto", "\\", "#", "//", "/*",
    "*/", "\n", "`", "@", "**", "list",
]  # fmt: skip


def read(folder: Path, source: bytes, environment: dict[str, str] | None = None) -> ConfigValues:
    config = folder / "wp-config.php"
    config.write_bytes(source)
    begun = time.monotonic()
    reading = read_config(config, folder, environment or {})
    assert time.monotonic() - begun < 20  # it takes milliseconds; the bound is for a busy machine
    assert set(reading.constants) == {*CONNECTING, WCH.remove_data}
    return reading


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@given(st.binary(max_size=300))
@example(b"")
@example(b"<?php")
@example(b"<?php \x00")
@example(b"<?php " + b"(" * 20_000)
@example(b"<?php $a = " + b"[" * 3_000 + b"]" * 3_000 + b";")
@example(b"<?php $a = " + b"!" * 5_000 + b"1;")
@example(b"<?php $a = 'a'" + b" . 'a'" * 5_000 + b";")
@example(b"<?php " + b"if (1) " * 2_000 + b";")
@example(b"<?php " + b"if ($_GET['a']) { " * 60 + b"}" * 60)
@example(b"<?php " + b"if ($_GET['a']) { define('A', 1); } " * 500)
@example("".join(f"<?php if ($_GET['a']) {{ $x{n} = 1; define('C{n}', 1); }} ?>" for n in range(1500)).encode())
@example(b"<?php while (true) { $a = ($a ?? 'x') . $a; }")
@example(b"<?php while ($_GET['a']) { $a[] = $a; }")
@example(b"<?php $a = 'x'; for (;;) $a .= $a;")
@example(b"<?php function f() { return f() . f(); } f();")
@example(b"<?php $f = fn($x) => $x($x); $f($f);")
@example(b"<?php include __FILE__; eval(file_get_contents(__FILE__));")
@example(b"<?php eval('eval(' . var_export('eval(1);', true) . ');');")
@example(b"<?php $a = [1, 2]; foreach ($a as $k => &$v) { $a[] = $v; }")
@example(b"<?php $a = str_repeat('x', 1000000000); $b = 9 ** 99999; $c = 1 << 999999;")
@example(b"<?php switch (1) { default: continue 99; } break 7;")
@example(b"<?php if (function_exists('\xff')) { $a = 1; }")
@example(b"<?php file_get_contents('/dev/zero'); include '/dev/random'; glob('/*/*/*/*');")
def test_any_bytes_are_read_to_an_end(folder: Path, source: bytes) -> None:
    read(folder, source)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(TOKENS), max_size=40), st.sampled_from(["", " "]))
def test_any_tokens_are_read_to_an_end(folder: Path, tokens: list[str], between: str) -> None:
    read(folder, ("<?php " + between.join(tokens)).encode())


@settings(max_examples=150)
@given(st.sampled_from(FILES), st.randoms(use_true_random=False))
def test_a_damaged_file_is_read_to_an_end(folder: Path, source: bytes, chance: random.Random) -> None:
    damaged = bytearray(source)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(damaged) + 1)
        damaged[start : start + chance.choice((0, 1, 5, 40))] = chance.choice((b"", b"'", b"}", b"(", b"\xff", b" $x "))
    read(folder, bytes(damaged))


# --- the values of files that are put together here


def in_single(value: bytes) -> bytes:
    return b"'" + value.replace(b"\\", b"\\\\").replace(b"'", b"\\'") + b"'"


def in_double(value: bytes) -> bytes:
    return (
        b'"'
        + b"".join(b"\\x%02x" % byte if byte in b'"\\$' or byte > 126 or byte < 32 else bytes([byte]) for byte in value)
        + b'"'
    )


def as_heredoc(value: bytes) -> bytes:
    escaped = value.replace(b"\\", b"\\\\").replace(b"$", b"\\$").replace(b"\r", b"\\r").replace(b"\0", b"\\000")
    return b"<<<END_OF_IT\n" + escaped.replace(b"END", b"\\x45ND") + b"\nEND_OF_IT"


WRITTEN = [in_single, in_double, as_heredoc]
NOISE = [
    b"",
    b"// define('DB_NAME', 'no');\n",
    b"/* ' */",
    b'# " ?\n',
    b"if (isset($_GET['x'])) { $_SERVER['HTTPS'] = 'on'; }\n",
]


@given(st.binary(max_size=40), st.sampled_from(WRITTEN), st.sampled_from(NOISE), st.sampled_from(NOISE))
def test_any_string_is_read_as_it_was_written(
    folder: Path, value: bytes, written: object, before: bytes, after: bytes
) -> None:
    literal = written(value)  # type: ignore[operator]
    reading = read(folder, b"<?php\n" + before + b"define('DB_PASSWORD', " + literal + b"\n);\n" + after)
    found = reading.constants["DB_PASSWORD"]
    # A zero byte is the one that the parser does not take as it is.
    assert found == value or (isinstance(found, Unknown) and b"\0" in literal)


@st.composite
def programs(draw: st.DrawFn) -> tuple[str, set[str]]:
    """Draw a program of definitions under unknown conditions, and the values that DB_NAME may have after it."""
    lines: list[str] = []
    possible = {""}  # "" is not defined

    def define(current: set[str], value: str) -> set[str]:
        return {name or value for name in current}

    for number in range(draw(st.integers(1, 4))):
        one, other = draw(st.sampled_from("abc")), draw(st.sampled_from("abc"))
        kind = draw(st.sampled_from(["plain", "if", "else", "or", "loop", "die", "known", "call", "switch", "try"]))
        asked = f"$_GET['q{number}']"
        if kind == "plain":
            lines.append(f"define('DB_NAME', '{one}');")
            possible = define(possible, one)
        elif kind == "if":
            lines.append(f"if ({asked}) {{ define('DB_NAME', '{one}'); }}")
            possible |= define(possible, one)
        elif kind == "else":
            lines.append(f"if ({asked}) define('DB_NAME', '{one}'); else define('DB_NAME', '{other}');")
            possible = define(possible, one) | define(possible, other)
        elif kind == "or":
            lines.append(f"defined('DB_NAME') || define('DB_NAME', '{one}');")
            possible = define(possible, one)
        elif kind == "loop":
            lines.append(f"foreach ({asked} as $x) {{ define('DB_NAME', '{one}'); if ($x) break; }}")
            possible |= define(possible, one)
        elif kind == "die":
            lines.append(f"if ({asked}) {{ define('DB_NAME', '{one}'); exit; }}")
        elif kind == "known":
            lines.append(f"if (1 + 1 === 2) define('DB_NAME', '{one}'); else define('DB_NAME', '{other}');")
            possible = define(possible, one)
        elif kind == "call":
            lines.append(f"(function ($v) {{ if ({asked}) return; define('DB_NAME', $v); }})('{one}');")
            possible |= define(possible, one)
        elif kind == "switch":
            cases = f"case 1: define('DB_NAME', '{one}'); break; case 2: exit; default: define('DB_NAME', '{other}');"
            lines.append(f"switch ({asked}) {{ {cases} }}")
            possible = define(possible, one) | define(possible, other)
        else:
            body = f"if ({asked}) throw new Exception('x'); define('DB_NAME', '{one}');"
            lines.append(f"try {{ {body} }} catch (Exception $e) {{ define('DB_NAME', '{other}'); }}")
            possible = define(possible, one) | define(possible, other)
    return "\n".join(lines), possible


@given(programs())
def test_what_a_condition_decides_is_known_only_when_all_ways_agree(
    folder: Path, program: tuple[str, set[str]]
) -> None:
    source, possible = program
    value = read(folder, f"<?php\n{source}\n".encode()).constants["DB_NAME"]
    if isinstance(value, Unknown):
        return
    assert possible == {"" if value is ABSENT else value.decode()}


@given(st.text(alphabet="ab:/[]0123456789.%", max_size=20))
def test_any_host_is_taken_apart(written: str) -> None:
    host = parse_db_host(written)
    assert host.socket is None or host.socket.startswith("/")
    assert host.port is None or host.port > 0 or "0" in written


@given(st.text(max_size=60))
def test_any_env_file_is_read(text: str) -> None:
    assert all(isinstance(value, str | Unknown) for value in parse_dotenv(text).values())
