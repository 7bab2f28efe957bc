<?php
$x = ['a' => 1, 'b' => null]; unset($x['a']); $y = 'y'; unset($y);
define('DB_NAME', isset($x['a']) ? 'set' : 'unset'); define('DB_USER', isset($x['b']) ? 'set' : 'null'); define('DB_PASSWORD', $y ?? 'gone'); define('DB_HOST', empty($x['b']) ? 'empty' : 'full');
$z ??= 'zz'; $z ??= 'no'; define('DB_CHARSET', $z);
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
