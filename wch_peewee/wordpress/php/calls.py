"""Calls: of functions in the file, of closures, of PHP's own functions, and of unknown ones."""

from dataclasses import dataclass
from typing import Any

from .constants import function_names
from .machine import Machine, Unit, Unreachable, evaluate_arguments
from .state import Frame
from .syntax import arguments_of, content, named
from .values import ABSENT, Closure, Unknown, to_bool, to_string
from .variables import assign_unknown, mark_reference, peek, set_variable, variable_value


def _isset(machine: Machine, node: Any) -> bool | Unknown:
    unsure: Unknown | None = None
    for argument in arguments_of(node):
        value = peek(machine, named(argument)[-1])
        if value is ABSENT or value is None:
            return False
        if isinstance(value, Unknown):
            unsure = unsure or value
    return unsure or True


def _empty(machine: Machine, node: Any) -> bool | Unknown:
    value = peek(machine, named(arguments_of(node)[0])[-1])
    answer = False if value is ABSENT else to_bool(value)
    return answer if isinstance(answer, Unknown) else not answer


def _exit(machine: Machine, node: Any) -> Any:
    evaluate_arguments(machine, node)
    machine.ended = machine.unknown(node, "the program ends here, before WordPress is loaded")
    raise Unreachable


def _compact(machine: Machine, node: Any) -> Any:
    found: dict[Any, Any] = {}
    for name in evaluate_arguments(machine, node) or [Unknown("compact()")]:
        if not isinstance(name, bytes):
            return Unknown("compact()")
        value = variable_value(machine, name.decode("utf-8", "surrogateescape"))
        if value is not ABSENT:
            found[name] = value
    return found


def _extract(machine: Machine, node: Any) -> Any:
    values = evaluate_arguments(machine, node) or [None]
    if len(values) != 1 or not isinstance(values[0], dict):
        machine.frame.variables.havoc(machine.unknown(node, "extract()"))
        machine.current.frames[0].variables.havoc(machine.unknown(node, "extract()"))
        return Unknown("extract()")
    for key, value in values[0].items():
        shown = to_string(key)
        if isinstance(shown, bytes) and isinstance(key, bytes):
            set_variable(machine, shown.decode("utf-8", "surrogateescape"), value)
    return len(values[0])


_CONSTRUCTS = {
    "isset": _isset,
    "empty": _empty,
    "exit": _exit,
    "die": _exit,
    "compact": _compact,
    "extract": _extract,
}


_HARMLESS_NAMES = """
error_reporting ini_set ini_get ini_restore ini_get_all set_time_limit ignore_user_abort umask
date_default_timezone_set date_default_timezone_get setlocale mb_internal_encoding mb_regex_encoding mb_language
error_log trigger_error user_error header header_remove headers_sent headers_list http_response_code setcookie
setrawcookie session_start session_name session_id session_set_cookie_params session_save_path
session_cache_limiter session_status session_write_close session_destroy ob_end_clean ob_end_flush ob_get_clean
ob_get_contents ob_get_level flush time microtime hrtime date gmdate mktime gmmktime strtotime checkdate strftime
gmstrftime getdate localtime idate date_create uniqid rand mt_rand random_int random_bytes lcg_value mt_srand srand
mt_getrandmax getrandmax openssl_random_pseudo_bytes hash hash_hmac hash_algos hash_equals hash_file md5_file
sha1_file crypt password_hash password_verify php_sapi_name php_uname phpversion php_ini_loaded_file
php_ini_scanned_files zend_version gethostname gethostbyname gethostbynamel gethostbyaddr getmypid getmyuid
get_current_user posix_getuid posix_geteuid posix_getpwuid posix_getpid sys_getloadavg sys_get_temp_dir
memory_get_usage memory_get_peak_usage getcwd extension_loaded get_loaded_extensions function_exists class_exists
interface_exists method_exists property_exists is_callable get_defined_constants get_defined_functions
get_declared_classes get_class get_object_vars spl_object_hash spl_object_id debug_backtrace debug_print_backtrace
error_get_last error_clear_last gc_enable gc_disable gc_collect_cycles opcache_get_status opcache_invalidate
opcache_reset apcu_fetch apcu_exists apc_fetch usleep sleep time_nanosleep preg_match preg_match_all preg_split
preg_replace preg_quote preg_grep preg_last_error mb_strlen mb_substr mb_strtolower mb_strtoupper mb_strpos
mb_convert_encoding mb_check_encoding mb_detect_encoding iconv utf8_encode utf8_decode htmlspecialchars
htmlspecialchars_decode htmlentities html_entity_decode strip_tags addslashes stripslashes addcslashes
stripcslashes nl2br wordwrap chunk_split number_format money_format similar_text levenshtein soundex metaphone
str_word_count strrev str_shuffle strtr substr_replace sscanf vsprintf ucwords lcfirst nl_langinfo chr ord dechex
hexdec bindec decbin octdec decoct base_convert abs ceil floor round sqrt pow exp log log10 log2 sin cos tan pi
intdiv fmod max min array_sum array_product is_nan is_finite is_infinite array_rand array_chunk array_pad
array_slice array_fill array_fill_keys array_flip array_reverse array_diff array_diff_key array_diff_assoc
array_intersect array_intersect_key array_intersect_assoc array_column array_combine array_count_values
array_unique array_merge_recursive array_replace_recursive array_search array_change_key_case array_is_list
array_splice array_push array_pop array_shift array_unshift sort rsort ksort krsort asort arsort natsort
natcasesort shuffle range end reset next prev current key serialize unserialize var_export print_r var_dump
json_encode json_last_error json_last_error_msg gettype settype get_debug_type is_iterable is_countable fopen
fclose fread fgets fgetc feof fwrite fputs fflush ftell fseek rewind flock ftruncate fstat fscanf fgetcsv
file_put_contents filemtime fileatime filectime filesize fileperms fileowner filegroup filetype stat lstat
clearstatcache is_link is_executable is_writable is_writeable touch mkdir rmdir unlink rename copy symlink readlink
chmod chown chgrp tempnam tmpfile scandir opendir readdir closedir disk_free_space disk_total_space fnmatch
pathinfo linkinfo parse_ini_string stream_context_create stream_get_contents stream_is_local exec shell_exec system
passthru proc_open popen pclose escapeshellarg escapeshellcmd mail checkdnsrr dns_get_record ip2long long2ip
inet_pton inet_ntop curl_init curl_setopt curl_setopt_array curl_exec curl_close curl_error curl_errno curl_getinfo
openssl_decrypt openssl_encrypt sodium_crypto_secretbox_open sodium_crypto_secretbox sodium_hex2bin
sodium_base642bin gzuncompress gzinflate gzdecode gzcompress gzencode gzdeflate str_rot13 convert_uuencode
convert_uudecode quoted_printable_decode mysqli_report assert_options libxml_disable_entity_loader set_include_path
get_include_path get_cfg_var getopt getlastmod get_magic_quotes_gpc filter_input filter_has_var ctype_alnum
ctype_upper ctype_lower ctype_space ctype_punct cli_set_process_title http_build_query version_compare
spl_autoload_extensions var_representation array_key_first array_key_last fsockopen stream_set_timeout
"""

HARMLESS = frozenset(_HARMLESS_NAMES.split())

#: The positions, from 0, of the arguments that a harmless function assigns; -1 means all.
BY_REFERENCE: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("preg_match", "preg_match_all", "similar_text"), (2,)),
    **dict.fromkeys(("preg_replace", "openssl_encrypt"), (4, 5)),
    **dict.fromkeys(("exec",), (1, 2)),
    **dict.fromkeys(("system", "passthru", "openssl_random_pseudo_bytes", "is_callable"), (1, 2)),
    **dict.fromkeys(("headers_sent",), (0, 1)),
    **dict.fromkeys(("dns_get_record",), (2, 3)),
    **dict.fromkeys(("fsockopen",), (2, 3)),
    **dict.fromkeys(("flock",), (2,)),
    **dict.fromkeys(("proc_open",), (2,)),
    **dict.fromkeys(("getopt",), (2,)),
    **dict.fromkeys(("sscanf", "fscanf"), (-1,)),
    **dict.fromkeys(
        (
            "array_splice", "array_push", "array_pop", "array_shift", "array_unshift", "sort", "rsort", "ksort",
            "krsort", "asort", "arsort", "natsort", "natcasesort", "shuffle", "end", "reset", "next", "prev", "current",
            "key", "settype",
        ),
        (0,),
    ),
}  # fmt: skip


#: The deepest nesting of calls between functions of the file.
_MAX_CALLS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function that the file declares: the declaration, and its file."""

    node: Any
    unit: Unit


def call_expression(machine: Machine, node: Any) -> Any:
    """Evaluate ``name(...)``, ``$closure(...)``, or a construct in the form of a call: isset, empty, exit."""
    function = node.child_by_field_name("function")
    if function.type not in ("name", "qualified_name", "namespace_name", "relative_name"):
        return call_callable(machine, node, machine.evaluate(function))
    written = content(function)
    lower = written.lower().lstrip("\\")
    if lower in _CONSTRUCTS:
        return _CONSTRUCTS[lower](machine, node)
    return call_named(machine, node, function_names(machine.unit, written))


def call_callable(machine: Machine, node: Any, called: Any) -> Any:
    """Call a closure, or a function by its name in a string."""
    if isinstance(called, Closure):
        captured = Frame()
        captured.variables.known.update(called.captured)
        return call_function(machine, node, Function(called.node, Unit(called.file)), captured)
    if isinstance(called, bytes) and b"::" not in called:
        return call_named(machine, node, [called.decode("utf-8", "replace").lower().lstrip("\\")])
    evaluate_arguments(machine, node)
    return machine.unreadable(node, "a call of what is known only when it runs")


def call_named(machine: Machine, node: Any, names: list[str]) -> Any:
    """Call the first function of these names that exists.

    After an unknown function everything that it could have changed is unknown.
    """
    functions = machine.current.functions
    for name in names:
        found = functions.known.get(name)
        if isinstance(found, Function):
            return call_function(machine, node, found, Frame())
        if isinstance(found, Unknown):
            break
        if isinstance(found, str):  # a builtin under another name
            return _builtin(machine, node, found)
        if functions.rest is not None and "\\" in name:
            break
        if name in machine.builtins:
            return _builtin(machine, node, name)
        if name in HARMLESS:
            return _harmless(machine, node, name)
    evaluate_arguments(machine, node)
    for argument in arguments_of(node):
        if argument.type == "argument" and named(argument)[-1].type in ("variable_name", "subscript_expression"):
            mark_argument(machine, named(argument)[-1])
    return machine.unreadable(node, f"{names[-1]}(), a function that is not known", local=False)


def mark_argument(machine: Machine, node: Any) -> None:
    """Record that a variable was passed to a function that may keep a reference to it."""
    if node.type == "variable_name":
        mark_reference(machine, node)
    else:
        assign_unknown(machine, node)


def _builtin(machine: Machine, node: Any, name: str) -> Any:
    values = evaluate_arguments(machine, node)
    if values is None:
        return machine.unreadable(node, f"{name}() with arguments by name or unpacked")
    return machine.builtins[name](machine, node, values)


def _harmless(machine: Machine, node: Any, name: str) -> Any:
    evaluate_arguments(machine, node)
    arguments = arguments_of(node)
    for position in BY_REFERENCE.get(name, ()):
        for argument in arguments[position : position + 1] if position >= 0 else arguments:
            assign_unknown(machine, named(argument)[-1])
    machine.may_throw(machine.unknown(node, f"{name}()"))
    return Unknown(f"{name}()")


def call_function(machine: Machine, node: Any, function: Function, frame: Frame) -> Any:
    """Run a function of the file with the call's arguments."""
    declaration = function.node
    values = evaluate_arguments(machine, node)
    if values is None or len(machine.current.frames) > _MAX_CALLS:
        return machine.unreadable(node, "a call too deep or too clever to be followed")
    arguments = arguments_of(node)
    parameters = named(declaration.child_by_field_name("parameters"))
    for position, parameter in enumerate(parameters):
        name = content(parameter.child_by_field_name("name"))[1:]
        if any(child.type == "reference_modifier" for child in parameter.children):
            if position < len(arguments):
                mark_argument(machine, named(arguments[position])[-1])
            frame.variables.known[name] = Unknown(f"the parameter ${name} by reference")
        elif parameter.type == "variadic_parameter":
            frame.variables.known[name] = dict(enumerate(values[position:]))
        elif position < len(values):
            frame.variables.known[name] = _coerced(values[position], parameter)
        else:
            default = parameter.child_by_field_name("default_value")
            if default is None:
                raise Unreachable  # PHP's ArgumentCountError
            frame.variables.known[name] = machine.evaluate(default)
    body = declaration.child_by_field_name("body")
    if any(child.type == "reference_modifier" for child in declaration.children) or _yields(body):
        return machine.unreadable(node, "a function that returns a reference or yields")
    if declaration.type == "arrow_function":
        result: list[Any] = []
        machine.call(lambda: result.append(machine.evaluate(body)), frame, function.unit)
        return result[0]
    value = machine.call(lambda: machine.run(named(body)), frame, function.unit)
    return _coerced(None if value is ... else value, declaration, "return_type")


def _coerced(value: Any, node: Any, field: str = "type") -> Any:
    """Return a value as a parameter or return value of that type; unknown if PHP would convert or reject it."""
    declared = node.child_by_field_name(field)
    if declared is None or isinstance(value, Unknown):
        return value
    kinds = content(declared).lower().replace(" ", "").lstrip("?").split("|")
    fits = {
        bytes: "string", bool: "bool", int: "int", float: "float", dict: "array", type(None): "null",
    }.get(type(value), "object")  # fmt: skip
    if fits in kinds or "mixed" in kinds or (value is None and content(declared).startswith("?")):
        return value
    if value is None and ("void" in kinds or field == "type"):
        return value
    return Unknown(f"a value that PHP makes {content(declared)}")


def _yields(node: Any) -> bool:
    if node is None:
        return True
    pending = [node]
    while pending:
        one = pending.pop()
        if one.type == "yield_expression":
            return True
        if one.type not in ("anonymous_function", "function_definition", "class_declaration"):
            pending.extend(one.named_children)
    return False


def closure(machine: Machine, node: Any) -> Any:
    """Return the closure of ``function () use ($a) {...}`` or ``fn() => ...``."""
    captured: dict[str, Any] = {}
    if node.type == "arrow_function":
        captured = {name: value for name, value in machine.frame.variables.known.items() if isinstance(name, str)}
    for child in node.children:
        if child.type == "anonymous_function_use_clause":
            for used in named(child):
                if used.type == "by_ref":
                    mark_reference(machine, named(used)[0])
                    used = named(used)[0]
                value = variable_value(machine, content(used)[1:])
                captured[content(used)[1:]] = None if value is ABSENT else value
    return Closure(node, captured, machine.unit.path)
