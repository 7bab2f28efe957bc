<?php
$stage = 'live';
switch ($stage) { case 'dev': define('DB_NAME', 'd'); break; case 'live': define('DB_NAME', 'l'); break; default: define('DB_NAME', 'x'); }
switch (true) { case $stage === 'dev': $u = 'd'; break; default: $u = 'x'; case 'falls': $u .= 'y'; }
define('DB_USER', $u);
switch ('1') { case 1: define('DB_PASSWORD', 'loose'); }
switch ($stage): case 'other': define('DB_HOST', 'o'); endswitch;
define('DB_HOST', 'h');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
