<?php
require_once __DIR__ . '/vendor/autoload.php';
$dotenv = Dotenv\Dotenv::createUnsafeImmutable(__DIR__);
$dotenv->load();
define('DB_NAME', $_ENV['DB_NAME']);
define('DB_USER', getenv('DB_USER'));
define('DB_PASSWORD', $_SERVER['DB_PASSWORD']);
define('DB_HOST', $_ENV['DB_HOST'] ?? 'none');
$table_prefix = $_ENV['DB_PREFIX'];

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
