<?php
define('DB_NAME', "latin \xe4");
define('DB_USER', "\400\777\0end");
define('DB_PASSWORD', "\xff\xfe");
define("DB_HOST", "h");
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
