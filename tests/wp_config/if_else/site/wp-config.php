<?php
$stage = 'live';
if ($stage == 'test') { define('DB_NAME', 't'); }
elseif ($stage === 'live' && !false) { define('DB_NAME', 'l'); }
else { define('DB_NAME', 'x'); }
if ($stage === 'live') : define('DB_USER', 'l'); else : define('DB_USER', 't'); endif;
if (0): define('DB_PASSWORD', 1); elseif ('0'): define('DB_PASSWORD', 2); elseif ('0.0'): define('DB_PASSWORD', 3); endif;
if ($stage) if (!$stage) define('DB_HOST', 'a'); else define('DB_HOST', 'b');
else if ('x') define('DB_HOST', 'c');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
