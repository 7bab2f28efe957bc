<?php
$url = parse_url(getenv('DATABASE_URL'));
define('DB_NAME', ltrim($url['path'], '/')); define('DB_USER', $url['user']); define('DB_PASSWORD', urldecode($url['pass'])); define('DB_HOST', $url['host'] . (isset($url['port']) ? ':' . $url['port'] : ''));
parse_url('mysql://h/d?x=1', PHP_URL_QUERY) === 'x=1' and define('DB_CHARSET', 'ok');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
