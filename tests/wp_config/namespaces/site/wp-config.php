<?php
namespace Shop\Config;
use function strtoupper as up;
const LOCAL = 'l';
define('DB_NAME', 'n' . LOCAL . namespace\LOCAL); \define('DB_USER', up('u') . \strtolower('X')); define(__NAMESPACE__ . '\DB_HOST', 'wrong');
function host() { return 'h'; }
define('DB_PASSWORD', ''); define('DB_HOST', host() . \Shop\Config\host());
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
