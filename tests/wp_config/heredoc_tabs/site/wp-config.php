<?php
define('DB_NAME', <<<A
	x

		y\
	A);
define('DB_USER', <<<A
 \x20two
 A);
define('DB_PASSWORD',<<<'A'
line

A);
define('DB_HOST', <<<A
{$table_prefix}x
A);
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
