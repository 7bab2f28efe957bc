<?php
define('DB_NAME', strtolower('SHOP') . trim("  x\n") . ucfirst('abc') . substr('abcdef', 1, -2) . substr('abc', -2) . str_replace(['a', 'b'], ['1', '2'], 'aabbc'));
define('DB_USER', implode('-', explode(',', 'a,b,c')) . sprintf('%s:%d%%', 'x', 7) . rtrim('path/', '/') . ltrim('0012', '0') . strlen("\u{e9}") . strpos('abc', 'c') . join(['p', 'q']));
define('DB_PASSWORD', base64_decode('c2VjcmV0') . md5('x') . substr(sha1('y'), 0, 5) . bin2hex('ab') . urldecode('a%20b+c') . rawurldecode('a%20b+c') . str_repeat('ab', 2) . crc32('x'));
define('DB_HOST', basename('/a/b.php', '.php') . dirname('/a/b/c', 2) . dirname('x') . dirname('/') . strrpos('abab', 'b') . strstr('user@host', '@') . strstr('user@host', '@', true));
$table_prefix = (in_array('1', [1, 2]) ? 'y' : 'n') . (in_array('1', [1], true) ? 'y' : 'n') . count([1, 2]) . (array_key_exists('k', ['k' => null]) ? 'k' : '') . array_keys(['z' => 1])[0] . '_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
