<?php
define('DB_NAME', getenv('SHOP_NAME') ?: 'shop');
define('DB_USER', $_ENV['SHOP_USER'] ?? 'u');
define('DB_PASSWORD', $_SERVER['SHOP_PASSWORD'] ?? '');
define('DB_HOST', 'h');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
