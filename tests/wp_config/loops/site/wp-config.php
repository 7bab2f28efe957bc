<?php
foreach (['DB_NAME' => 'n', 'DB_USER' => 'u'] as $k => $v) { define($k, $v); }
for ($i = 0, $p = ''; $i < 5; $i++) { if ($i == 1) continue; if ($i == 4) break; $p .= $i; }
define('DB_PASSWORD', $p);
$n = 3; $h = ''; while ($n--) { $h .= $n; foreach ([1, 2] as $m) { if ($m == 2) { continue 2; } $h .= 'm'; } $h .= 'never'; }
do { $h .= 'd'; } while (false);
define('DB_HOST', $h);
$table_prefix = ''; foreach ([['a', 'b'], ['c', 'd']] as [$x, $y]): $table_prefix .= $x . $y; endforeach;
$table_prefix .= '_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
