"""Functions of PHP that define nothing and set no variable but those named here; what they return is not known."""

from __future__ import annotations

_NAMES = """
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

HARMLESS = frozenset(_NAMES.split())

#: The arguments, counted from 0, that such a function sets; -1 is all of them.
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
