<?php
$ini = parse_ini_file(__DIR__ . '/db.ini'); $parts = parse_ini_file(__DIR__ . '/db.ini', true);
$json = json_decode(file_get_contents(__DIR__ . '/db.json'), true); $object = json_decode(file_get_contents(__DIR__ . '/db.json'));
define('DB_NAME', $ini['name']); define('DB_USER', $parts['database']['user']);
define('DB_PASSWORD', $json['db']['password'] . $json['list'][1]); define('DB_HOST', $object->db->host);
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
