<?php
define('DB_NAME', 'first');
define('DB_NAME', 'second');
const DB_USER = 'first';
define('DB_USER', 'second');
define('DB_PASSWORD', 'first');
@define('DB_PASSWORD', 'second');
define('DB_HOST', 'first') or die('no');
$table_prefix = 'first_';
$table_prefix = 'second_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
