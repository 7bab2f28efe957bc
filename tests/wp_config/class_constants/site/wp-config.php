<?php
class Settings { const NAME = 'n'; const USER = 'u'; public static function host($port = 3306) { return "h:$port"; } }
define('DB_NAME', Settings::NAME); define('DB_USER', \Settings::USER); define('DB_PASSWORD', ''); define('DB_HOST', Settings::host(3307));
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
