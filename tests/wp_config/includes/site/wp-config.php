<?php
require __DIR__ . '/conf/names.php';
require_once(dirname(__FILE__) . '/conf/user.php');
require_once __DIR__ . '/conf/user.php';
include_once __DIR__ . '/conf/../conf/user.php';
$settings = include __DIR__ . '/conf/array.php';
define('DB_PASSWORD', $settings['db']['password']);
if (file_exists(__DIR__ . '/conf/missing.php')) { include __DIR__ . '/conf/missing.php'; }
if (is_readable(__DIR__ . '/conf/host.php')) { include __DIR__ . '/conf/host.php'; }
@include __DIR__ . '/conf/nowhere.php';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
