<?php
define('DB_NAME', 'it\'s \\ a \n "name" $x {$y}');
define("DB_USER", "tab\tnew\nline \$dollar \\ \"quoted\" 'single' \x41\x7e \101 \u{1F600} \e[0m \q \8 {notvar} $");
define('DB_PASSWORD', '\\\\');
define("DB_HOST", "db\x2eexample.com");
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
