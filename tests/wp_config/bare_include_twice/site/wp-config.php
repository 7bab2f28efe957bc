<?php
define('DB_NAME', 'known');
require 'local-config.php';
$table_prefix = 'wp_';

require_once ABSPATH . 'wp-settings.php';
