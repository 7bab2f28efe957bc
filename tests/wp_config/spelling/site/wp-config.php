<?php
DEFINE('DB_NAME', 'upper');
\define('DB_USER', 'root');
@define('DB_PASSWORD', 'quiet');
define ( "DB_HOST" , "blanks" , false ) ;
Define('db_host', 'another');
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
