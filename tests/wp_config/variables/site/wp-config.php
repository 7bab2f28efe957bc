<?php
$db = ['name' => 'shop', 'more' => ['user' => 'u', 3 => 'three', 'x' => ['y' => 'deep']]];
$db['password'] = 'p'; $db['list'][] = 'zero'; $db['list'][] = 'one';
list($a, , $b) = ['A', 'B', 'C']; ['k' => $k, 'l' => [$l]] = ['k' => 'K', 'l' => ['L']];
$name = 'key'; $$name = 'dynamic';
define('DB_NAME', $db['name'] . $db['list'][1]);
define('DB_USER', "{$db['more']['user']} $db[name] {$db['more'][3]} ${name}$a$b$k$l");
define('DB_PASSWORD', $db['more']['x']['y'] . $key);
define('DB_HOST', array('h' => 'host')['h']);
$table_prefix = "{$a}_"; $table_prefix .= 'x_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
