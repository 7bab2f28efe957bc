<html>
<?php define( 'DB_NAME', 'shop' );
define( 'DB_USER', 'shopper' );
define( 'DB_PASSWORD', 'secret' );
define( 'DB_HOST', 'localhost' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
 ?>
 some define('DB_NAME', 'no'); text
<?php if (true): ?>x<?php $table_prefix = 'a_'; else: ?><?php $table_prefix='b_'; endif ?>
<?= 'x' ?>
<?php
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
?>
