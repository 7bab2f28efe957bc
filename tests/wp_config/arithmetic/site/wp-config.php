<?php
define('DB_NAME', 1 + 2 * 3 . 'x' . 7 / 2 . 'y' . 6 / 2 . 'z' . 7 % 4 . 2 ** 3 . (1 <=> 2));
define('DB_USER', 0x1F . ' ' . 017 . ' ' . 0b11 . ' ' . 1_000 . ' ' . 1.50 . ' ' . -3 . ' ' . 0.1);
define('DB_PASSWORD', 12345);
define('DB_HOST', '127.0.0.' . (1 << 1 | 1));
define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_COMPRESS);
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
