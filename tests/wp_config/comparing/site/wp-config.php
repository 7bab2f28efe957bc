<?php
$n = '';
$n .= ('1' == '01') ? 'a' : '-'; $n .= ('10' == '1e1') ? 'b' : '-'; $n .= (100 == '1e2') ? 'c' : '-';
$n .= (null == false) ? 'd' : '-'; $n .= ('abc' == 'ABC') ? 'e' : '-'; $n .= ([] == false) ? 'f' : '-';
$n .= ('0' == false) ? 'g' : '-'; $n .= ('' == null) ? 'h' : '-'; $n .= ('a' <=> 'b'); $n .= (2 > '1') ? 'i' : '-';
$n .= (true xor true) ? 'j' : '-'; $n .= ('1' === 1) ? 'k' : '-'; $n .= (1.0 === 1) ? 'l' : '-'; $n .= ('x' != 'y') ? 'm' : '-';
define('DB_NAME', $n); define('DB_USER', 'u'); define('DB_PASSWORD', ''); define('DB_HOST', 'h');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
