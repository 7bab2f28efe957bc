<?php
define('DB_NAME', 'n');
if (function_exists('vault_read')) { define('DB_USER', vault_read('user')); }
defined('DB_USER') || define('DB_USER', 'u');
define('DB_PASSWORD', 'p'); define('DB_HOST', 'h');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
