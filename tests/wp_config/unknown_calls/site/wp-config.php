<?php
ob_start();
if (extension_loaded('newrelic')) { newrelic_set_appname('shop'); }
$made = new DateTime('now', new DateTimeZone('UTC')); define('BUILD', $made->format('Ymd'));
header('X-Frame-Options: SAMEORIGIN');
set_error_handler(function ($level, $text) { return true; });
register_shutdown_function(function () { if (function_exists('fastcgi_finish_request')) { fastcgi_finish_request(); } });
define('WP_HOME', 'https://' . preg_replace('/[^a-z.]/', '', $_SERVER['HTTP_HOST'] ?? 'localhost'));
$parts = ['b', 'a']; $name = 'shop'; sort($parts); error_log($name); preg_match('/s(h)/', $name, $found);
try { $probe = new PDO('mysql:host=' . $name); } catch (Exception $e) { http_response_code(503); }
define('DB_NAME', $name); define('DB_USER', 'u'); define('DB_PASSWORD', 'p'); define('DB_HOST', 'h');
$table_prefix = 'wp_';
require_once ABSPATH . 'wp-settings.php';
