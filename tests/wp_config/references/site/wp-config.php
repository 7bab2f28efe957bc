<?php
$a = 'one'; $b = &$a; $b = 'two';
define('DB_NAME', $a);
function set(&$x) { $x = 'three'; } $c = 'c'; set($c);
define('DB_USER', $c); define('DB_PASSWORD', 'p'); define('DB_HOST', 'h');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
