"""Random PHP programs like those in a wp-config.php, for the comparison of the reader with PHP itself.

What a request, the process or the disk decides has one value in PHP on the command line, and is unknown to the reader.
"""

from __future__ import annotations

import random

#: Defined at the end of a program. If PHP has not come there, WordPress would not run either.
REACHED = "SUNRISE"

_NAMES = ["DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_CHARSET", "MULTISITE", "WCH_REMOVE_DATA", "OTHER"]
_VARIABLES = ["a", "b", "c", "table_prefix"]
_WORDS = ["", "0", "1", "abc", "Ab-c", "x_", "10", "1e1", "007", " y ", "a,b,c", "mysql://u:p@h:33/d?q=1", "é", "%s"]
#: Conditions that the reader cannot know.
_UNKNOWN = [
    "isset($_SERVER['HTTP_HOST'])", "php_sapi_name() === 'cli'", "$_GET['q'] ?? false", "getenv('FUZZ_NOT_SET')",
    "time() > 5", "defined('WP_CLI')", "isset($_SERVER['argv'])", "function_exists('opcache_reset')",
    "extension_loaded('json')", "PHP_VERSION_ID > 80000", "rand(0, 0)", "!rand(0, 0)", "strrev('ab') === 'ba'",
]  # fmt: skip
_PURE = [
    "trim({})", "strtolower({})", "strtoupper({})", "ucfirst({})", "lcfirst({})", "md5({})", "substr({}, 1)",
    "substr({}, 0, -1)", "substr({}, -2, 1)", "str_replace('a', 'b', {})", "str_replace(['a', '-'], ['-', ''], {})",
    "strlen({})", "basename({})", "dirname({})", "rtrim({}, '_y')", "ltrim({}, '0')", "str_pad({}, 5)", "bin2hex({})",
    "str_repeat({}, 2)", "implode('-', [{}, 'z'])", "(int) {}", "(bool) {}", "(string) {}", "!{}", "is_numeric({})",
    "explode(',', {})[0]", "count(explode(',', {}))", "json_decode({})", "json_decode('{{\"k\": [1, \"v\"]}}', true)['k'][1]",
    "parse_url({}, PHP_URL_HOST)", "parse_url('mysql://u:p@h:1/d')['user']", "sprintf('%s|%d', {}, 7)", "strpos({}, 'b')",
    "in_array({}, ['abc', 10, '0'])", "array_key_exists('k', ['k' => {}])", "base64_encode({})", "urldecode({})",
    "strval({})", "array_key_exists('FUZZ_SET', $_ENV)", "count(file(__DIR__ . '/lines.txt'))", "isset($argv[1])",
    "file(__DIR__ . '/lines.txt', FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES)[1]", "file(__DIR__ . '/lines.txt')[2]",
    "intval({})", "is_string({})", "empty({})", "str_contains({}, 'b')", "array_values(['q' => {}])[0]",
    "(array_merge(['k' => 1], ['k' => {}]))['k']", "({} ?: 'none')", "(function () {{ return func_num_args(); }})({})",
    "strrev({})", "ucwords({})", "array_sum([1, 2])", "(fn($v) => $v)({})", "-{}", "crc32({})", "is_null({})",
]  # fmt: skip
_OPERATORS = [".", "==", "===", "!=", "!==", "&&", "||", "and", "xor", "<", "<=>", "+", "-", "*", "/", "%", "|", "??"]
_CALLS = [
    "error_log($a)", "preg_match('/(b)/', 'abc', $b)", "sort($c)", "array_push($c, 'pushed')", "header('X-A: b')",
    "settype($a, 'integer')", "ini_set('memory_limit', '64M')", "mt_srand(3)", "usort($c, fn($l, $r) => strcmp($l, $r))",
    "array_walk($c, function (&$v) {{ $v = 'walked'; }})", "ob_start()", "extract(['a' => {}])", "putenv('FUZZ_SET={}')",
    "usort($c, [new ArrayObject([]), 'count'])", "$a = is_array($_ENV)", "$b = $_SERVER ? 1 : 0", "$a = count(getenv()) > 0",
    "$a = compact('b', 'c')", "$b = (fn() => $a . $c)()", "array_walk($c, 'by_reference')", "array_map('by_value', (array) $c)",
    "$a = new Taken({})", "(new Taken({}))->show()", "$a = new Taken(7); $b = $a->given", "array_map([new Taken('t'), 'show'], [1])",
    "array_reduce([1], [new Taken({}), 'show'])", "$a = [new Taken(7)]; var_export($a, true); $b = $a[0]->given",
    "register_shutdown_function(function () {{ $GLOBALS['a'] = 1; }})", "set_error_handler(fn() => true)",
    "call_user_func('define', 'DB_HOST', {})", "array_map('define', ['DB_USER'], [{}])", "call_user_func(fn() => define('OTHER', 1))",
    "array_reduce(['DB_CHARSET'], function ($carry, $one) {{ define($one, 'reduced'); }})", "str_replace('a', 'b', 'aaa', $b)",
    "(new DateTime('2020-01-01'))->format('Y')", "(new ArrayObject([1]))->count()", "end($c)", "array_shift($c)",
    "iterator_apply(new ArrayIterator([1]), fn() => define('DB_PASSWORD', 'iterated'))",
]  # fmt: skip


_DECLARED = """function by_reference(&$one) { $one = 'changed'; } function by_value($one) { return $one . 'v'; }
class Taken { public TYPE$made = ''; function __construct(public $given, $more = 1) { $this->made = $more; }
  function show() { global $b; $b = $this->given; defined('OTHER') || define('OTHER', $this->made); return (fn() => $b)(); } }
"""


class Program:
    """A random program; the same number gives the same text."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)
        self.functions: list[str] = []
        self.text = "<?php\n" + self.random.choice(["", "", "", "namespace Shop;\n", "use const Shop\\Conf\\ROOT;\n"])
        self.text += _DECLARED.replace("TYPE", self.pick("", "", "string "))
        self.text += "".join(self.statement(3) for _ in range(self.random.randint(2, 9)))
        self.text += self.random.choice(["", "$GLOBALS['table_prefix'] .= '_';\n", "if (!defined('ABSPATH')) exit;\n"])
        self.text += f"\\define('{REACHED}', 'yes');\nrequire_once ABSPATH . 'wp-settings.php';\n"

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def variable(self) -> str:
        name = self.random.choice(_VARIABLES)
        return self.pick(f"${name}", f"${name}", f"${name}", f"$GLOBALS['{name}']", f"${name}['k']", f"${name}[0]")

    def plain_variable(self) -> str:
        return "$" + self.random.choice(_VARIABLES)

    def word(self) -> str:
        word = self.random.choice(_WORDS)
        return self.pick(f"'{word}'", f"'{word}'", f'"{word}"', "7", "0", "true", "false", "null", "1.5", "-3", "[]")

    def value(self, depth: int = 3) -> str:
        kind = self.random.randrange(14) if depth > 0 else self.random.randrange(5)
        deeper = depth - 1
        if kind < 4:
            return self.word()
        if kind == 4:
            return self.variable()
        if kind == 5:
            return self.random.choice(_PURE).format(self.value(deeper))
        if kind == 6:
            return f"({self.value(deeper)} {self.random.choice(_OPERATORS)} {self.value(deeper)})"
        if kind == 7:
            return f"({self.condition(deeper)} ? {self.value(deeper)} : {self.value(deeper)})"
        if kind == 8:
            return f"['k' => {self.value(deeper)}, {self.value(deeper)}]"
        if kind == 9:
            return self.pick(
                f'"[{{{self.plain_variable()}}}]"', f"<<<E\n x{self.plain_variable()}y\n E", "getenv('FUZZ_SET')",
                "$_SERVER['FUZZ_SET'] ?? 'd'", "$_ENV['FUZZ_NOT_SET'] ?? 'e'", "(getenv()['FUZZ_SET'])",
            )  # fmt: skip
        if kind == 10:
            name = self.random.choice(_NAMES)
            return self.pick(f"(defined('{name}') ? constant('{name}') : 'undef')", f"defined('{name}')")
        if kind == 11 and self.functions:
            return f"{self.random.choice(self.functions)}({self.value(deeper)})"
        if kind == 12:
            left, right = self.value(deeper), self.value(deeper)
            return f"match (true) {{ {self.condition(deeper)} => {left}, default => {right} }}"
        return f"({self.plain_variable()} = {self.value(deeper)})"

    def condition(self, depth: int) -> str:
        return self.random.choice(_UNKNOWN) if self.random.random() < 0.5 else self.value(depth)

    def block(self, depth: int) -> str:
        return "{ " + "".join(self.statement(depth - 1) for _ in range(self.random.randint(1, 3))) + " }"

    def statement(self, depth: int) -> str:
        kind = self.random.randrange(22) if depth > 0 else self.random.randrange(8)
        name = self.random.choice(_NAMES)
        if kind < 3:
            return f"define('{name}', {self.value()});\n"
        if kind == 3:
            return f"defined('{name}') || define('{name}', {self.value()});\n"
        if kind < 6:
            return f"{self.variable()} {self.pick('=', '=', '=', '.=', '??=')} {self.value()};\n"
        if kind == 6:
            return f"{self.random.choice(_CALLS).format(self.word())};\n"
        if kind == 7:
            one, other = self.plain_variable(), self.plain_variable()
            return self.pick(
                f"unset({self.variable()});\n", f"{one} = &{other};\n", f"[{one}, {other}] = [{self.value()}, 2];\n",
                f"['k' => {one}] = ['k' => {self.value()}];\n", f"$n = 'a'; $$n = {self.value()};\n",
                "foreach ($_ENV as $key => $one) { defined(strtoupper($key)) || define(strtoupper($key), $one); }\n",
                "const DB_HOST = 'constant' . 'ly';\n" if depth == 3 else "", f"{one} = (object) ['k' => {self.value()}]; {other} = {one}->k;\n",
            )  # fmt: skip
        if kind < 11:
            other = self.pick("", f" else {self.block(depth)}", f" elseif ({self.condition(2)}) {self.block(depth)}")
            return f"if ({self.condition(2)}) {self.block(depth)}{other}\n"
        if kind == 11:
            items = self.pick(
                "['DB_NAME' => 'n', 'DB_USER' => 'u']", "['a', 'b', 'c']", "[]", self.value(), "[[1, 2], [3, 4]]"
            )
            leave = self.pick(
                "", "break;", "continue;", f"if ({self.condition(2)}) break;", f"if ({self.condition(1)}) continue;"
            )
            return f"foreach ((array) ({items}) as $k => $v) {{ {leave} {self.statement(depth - 1)} $a = $v; }}\n"
        if kind == 12:
            cases = "".join(
                f"case {self.value(1)}: {self.statement(depth - 1)} {self.pick('break;', '')} " for _ in range(2)
            )
            return f"switch ({self.value(2)}) {{ {cases} default: {self.statement(depth - 1)} }}\n"
        if kind == 13:
            thrown = self.pick("", f"if ({self.condition(1)}) throw new Exception('x');", "throw new Exception('x');")
            last = self.pick("", "", f" finally {self.block(1)}")
            return f"try {{ {self.statement(1)} {thrown} {self.statement(1)} }} catch (Exception $e) {self.block(2)}{last}\n"
        if kind < 17:
            function = f"f{len(self.functions)}{self.random.randrange(10**6)}"
            glob = self.pick("", "global $a, $table_prefix; ", "static $c; ")
            body = f"{glob}{self.statement(depth - 1)} if ({self.condition(2)}) {{ return {self.value(2)}; }} {self.statement(1)}"
            text = f"function {function}($a, $b = 'given') {{ {body} return {self.value(2)}; }}\n"
            if depth == 3:
                self.functions.append(function)
            return text if depth == 3 else self.block(depth)
        if kind == 17:
            used = self.pick("use ($a)", "use (&$a)", "")
            return f"$f = function ($b) {used} {self.block(2)}; $f({self.value(2)});\n"
        if kind == 18:
            number = self.random.randrange(10**6)
            return (
                f"class K{number} {{ const X = 'kx'; public $p = ['v']; function __construct($q) {{ $this->q = $q; "
                f"{self.statement(1)} }} function m($b) {{ return $this->q . self::X . $this->p[0] . $b; }} "
                f"static function s() {{ return self::X; }} }}\n"
                f"$a = (new K{number}({self.word()}))->m('z'); $b = K{number}::s() . K{number}::X;\n"
            )
        if kind == 19:
            return self.pick(
                "define('Shop\\\\Conf\\\\ROOT', 'imported'); define('ROOT', 'global'); $b = \\ROOT;\n",
                f"eval('$a = {self.pick('1', '$b', 'time() > 5')};');\n", "include __DIR__ . '/none.php';\n",
                "include __DIR__ . '/part.php';\n", "$b = (include __DIR__ . '/answer.php')['k'];\n",
            )  # fmt: skip
        if kind == 20:
            return f"if ({self.condition(1)}) {{ {self.pick('exit;', 'die();', self.statement(1))} }}\n"
        return f"while ({self.condition(1)}) {{ {self.statement(1)} break; }}\n"


#: Files beside the program.
FILES = {
    "part.php": "<?php $b = 'part'; defined('DB_CHARSET') || define('DB_CHARSET', 'of part'); if (time() > 5) return 5;\n",
    "lines.txt": "one\n\ntwo\r\nlast",
    "answer.php": "<?php return ['k' => 'answered'];\n",
}
ENVIRONMENT = {"FUZZ_SET": "set", "db_collate": "from environment"}
