<?php
define('DB_NAME', <<<EOT
shop
EOT);
$name = 'inner';
define('DB_USER', <<<"WORDS"
    a $name {$name}s
      b\tc \x41
    "quoted" 'too'
    WORDS
);
define('DB_PASSWORD', <<<'RAW'
  $name {$name} \t \\
   EOT

  RAW . 'x');
define('DB_HOST', <<<E
E);
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
