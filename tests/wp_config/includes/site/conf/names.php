<?php
define('DB_NAME', basename(__FILE__) . basename(__DIR__));
$table_prefix = 'inc_';
