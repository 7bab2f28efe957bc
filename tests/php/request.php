<?php
/**
 * Runs one snippet inside WordPress, as one request, and prints what it returns as JSON in the last line.
 *
 *     echo '{"code": "return get_option( $option );", "values": {"option": "siteurl"}}' | php request.php FOLDER_OF_THE_SITE
 *
 * The snippet sees the values as variables, and $wpdb. What it prints is thrown away.
 */

$_SERVER['HTTP_HOST']   = 'localhost';
$_SERVER['SERVER_NAME'] = 'localhost';
$_SERVER['REQUEST_URI'] = '/';
$_SERVER['REMOTE_ADDR'] = '127.0.0.1';

ob_start();
require $argv[1] . '/wp-config.php';

$wch_answer = ( static function ( array $request ) {
	global $wpdb;
	extract( $request['values'] );
	return eval( $request['code'] );
} )( json_decode( stream_get_contents( STDIN ), true, 512, JSON_THROW_ON_ERROR ) );

ob_end_clean();
echo "\n" . json_encode( $wch_answer, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES );
