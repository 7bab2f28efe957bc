<?php
$GLOBALS['table_prefix'] = 'g_'; $GLOBALS['conf']['user'] = 'gu';
define('DB_NAME', $GLOBALS['missing'] ?? 'n'); define('DB_USER', $conf['user']); define('DB_PASSWORD', ''); define('DB_HOST', 'h');

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
