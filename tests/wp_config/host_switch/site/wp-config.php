<?php
switch ($_SERVER['HTTP_HOST'] ?? '') { case 'shop.example.com': define('DB_NAME', 'live'); define('DB_USER', 'same'); break; default: define('DB_NAME', 'test'); define('DB_USER', 'same'); }
define('DB_PASSWORD', 'p'); define('DB_HOST', 'h');
if (isset($_SERVER['HTTPS'])) { $table_prefix = 'https_'; } else { $table_prefix = 'http_'; }
define('DB_CHARSET', $_GET['charset'] ?? 'utf8');

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
