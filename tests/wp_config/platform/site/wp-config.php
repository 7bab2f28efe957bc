<?php
$relationships = json_decode(base64_decode(getenv('PLATFORM_RELATIONSHIPS')), TRUE);
if ($relationships) { foreach ($relationships as $key => $list) { if ($key == 'database') { $db = $list[0]; define('DB_NAME', $db['path']); define('DB_USER', $db['username']); define('DB_PASSWORD', $db['password']); define('DB_HOST', $db['host'] . ':' . $db['port']); } } }
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
