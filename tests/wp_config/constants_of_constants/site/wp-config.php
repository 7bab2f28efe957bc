<?php
define('BASE', 'shop'); define('DB_NAME', BASE); define('DB_USER', constant('BASE') . 'u'); $n = 'DB_' . 'PASSWORD'; define($n, 'p'); define('DB_HOST', defined('NOT_THERE') ? NOT_THERE : 'h');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
