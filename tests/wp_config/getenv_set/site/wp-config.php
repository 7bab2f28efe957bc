<?php
define('DB_NAME', getenv('SHOP_NAME'));
define('DB_USER', getenv('SHOP_USER') ?: 'fallback');
define('DB_PASSWORD', $_ENV['SHOP_PASSWORD'] ?? 'none');
define('DB_HOST', isset($_SERVER['SHOP_HOST']) ? $_SERVER['SHOP_HOST'] : 'localhost');
putenv('SHOP_PREFIX=put_');
$table_prefix = getenv('SHOP_PREFIX');

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
