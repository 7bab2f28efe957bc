<?php
define('DB_NAME', 'shop');
defined('DB_NAME') || define('DB_NAME', 'other');
defined('DB_USER') or define('DB_USER', 'filled');
if (!defined('DB_PASSWORD')) define('DB_PASSWORD', 'p');
if (defined('DB_PASSWORD') === false) { define('DB_PASSWORD', 'q'); }
! defined('DB_HOST') && define('DB_HOST', 'h');
defined('DB_HOST') and $seen = true;
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
