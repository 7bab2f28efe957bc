<?php
$stage = 'live';
define('DB_NAME', match ($stage) { 'dev', 'test' => 'd', 'live', 'prod' => 'l', default => 'x' });
define('DB_USER', match (true) { $stage == 'dev' => 'd', str_starts_with($stage, 'li') => 'starts', default => 'x' });
define('DB_PASSWORD', match ('1') { 1 => 'loose', '1' => 'strict' });
define('DB_HOST', match (false) { default => 'h' });
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
