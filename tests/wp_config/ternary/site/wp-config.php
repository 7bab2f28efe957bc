<?php
$empty = ''; $zero = 0; $null = null;
define('DB_NAME', true ? 'yes' : 'no');
define('DB_USER', $empty ?: 'filled');
define('DB_PASSWORD', $null ?? $undefined ?? $array['x']['y'] ?? 'last');
define('DB_HOST', $zero ?? 'not null');
$table_prefix = ($empty === '' ? ($zero ? 'a' : 'b') : 'c') . '_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
