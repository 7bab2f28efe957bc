<?php
const DB_NAME = 'shop', DB_USER = DB_NAME . 'per';
const DB_PASSWORD = "pass" . 7 . true . null;
const DB_HOST = \DB_NAME . '.example.com';
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
