<?php
// define('DB_NAME', 'one');
# define('DB_NAME', 'two');
/* define('DB_NAME', 'three'); */
/** define('DB_NAME', 'four'); **/
define( /* in between */ 'DB_NAME' /* ' */ , // behind "
  # and '
  'five' );
define('DB_USER', 'http://not.a.comment'); // define('DB_USER', 'x');
define('DB_PASSWORD', '/* no comment */ # nor this // or that ?> <?php');
define("DB_HOST", "a#b//c/*d*/?>"); /* ?> */
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
