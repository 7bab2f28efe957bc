<?php
try { define('DB_NAME', 'n'); throw new Exception('x'); define('DB_USER', 'never'); } catch (RuntimeException | Exception $e) { define('DB_USER', 'caught'); } finally { define('DB_PASSWORD', 'finally'); }
function fails() { throw new RuntimeException('x'); }
try { $h = 'h'; } catch (Exception $e) { $h = 'x'; }
define('DB_HOST', $h);
$table_prefix = 'wp_';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
