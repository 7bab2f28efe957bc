<?php
if (defined('WP_CLI') && WP_CLI) { define('DB_HOST', '127.0.0.1'); } else { define('DB_HOST', 'localhost'); }
define('DB_NAME', 'n'); define('DB_USER', 'u'); define('DB_PASSWORD', 'p');
if (defined('DOING_CRON')) { ini_set('memory_limit', '1G'); }
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
