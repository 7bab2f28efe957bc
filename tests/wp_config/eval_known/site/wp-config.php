<?php
eval('define("DB_NAME", "from eval");'); eval(base64_decode('ZGVmaW5lKCdEQl9VU0VSJywgJ2InKTs='));
define('DB_PASSWORD', 'p'); define('DB_HOST', eval('return "h";'));
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
