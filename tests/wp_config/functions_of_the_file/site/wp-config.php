<?php
function pick(string $name, $default = 'none') { $all = ['user' => 'fu']; if (isset($all[$name])) { return $all[$name]; } return $default; }
$up = fn($x) => strtoupper($x) . $GLOBALS['suffix'];
$suffix = '_s'; $with = function ($x) use ($suffix) { return $x . $suffix; };
function setter($name, $value) { if (!defined($name)) { define($name, $value); } }
function prefix() { global $table_prefix; $table_prefix = 'glob_'; }
setter('DB_NAME', pick('name')); setter('DB_USER', pick('user')); setter('DB_PASSWORD', $with('p')); setter('DB_HOST', $up('h'));
setter('DB_HOST', 'late');
prefix();

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
