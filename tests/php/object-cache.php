<?php
/**
 * A persistent object cache for the tests: one file beside this one, written through at each change.
 *
 * WordPress fills in what is missing here from these functions (wp-includes/cache-compat.php).
 */

final class Wch_Test_Cache {
	private string $file;
	private array $groups = array();

	public function __construct( string $file ) {
		$this->file = $file;
		if ( is_file( $file ) ) {
			$this->groups = unserialize( file_get_contents( $file ) );
		}
	}

	public function get( $key, $group, &$found ) {
		$group = $group ?: 'default';
		$found = isset( $this->groups[ $group ] ) && array_key_exists( $key, $this->groups[ $group ] );
		return $found ? $this->groups[ $group ][ $key ] : false;
	}

	public function set( $key, $value, $group ) {
		$this->groups[ $group ?: 'default' ][ $key ] = is_object( $value ) ? clone $value : $value;
		return $this->keep();
	}

	public function delete( $key, $group ) {
		$this->get( $key, $group, $found );
		unset( $this->groups[ $group ?: 'default' ][ $key ] );
		return $found && $this->keep();
	}

	public function flush() {
		$this->groups = array();
		return $this->keep();
	}

	private function keep() {
		return false !== file_put_contents( $this->file, serialize( $this->groups ) );
	}
}

function wp_cache_init() {
	$GLOBALS['wp_object_cache'] = new Wch_Test_Cache( __DIR__ . '/object-cache.store' );
}

function wp_cache_get( $key, $group = '', $force = false, &$found = null ) {
	return $GLOBALS['wp_object_cache']->get( $key, $group, $found );
}

function wp_cache_set( $key, $data, $group = '', $expire = 0 ) {
	return $GLOBALS['wp_object_cache']->set( $key, $data, $group );
}

function wp_cache_add( $key, $data, $group = '', $expire = 0 ) {
	wp_cache_get( $key, $group, false, $found );
	return ! $found && wp_cache_set( $key, $data, $group );
}

function wp_cache_replace( $key, $data, $group = '', $expire = 0 ) {
	wp_cache_get( $key, $group, false, $found );
	return $found && wp_cache_set( $key, $data, $group );
}

function wp_cache_delete( $key, $group = '' ) {
	return $GLOBALS['wp_object_cache']->delete( $key, $group );
}

function wp_cache_incr( $key, $offset = 1, $group = '' ) {
	return wp_cache_set( $key, (int) wp_cache_get( $key, $group ) + $offset, $group );
}

function wp_cache_decr( $key, $offset = 1, $group = '' ) {
	return wp_cache_incr( $key, -$offset, $group );
}

function wp_cache_flush() {
	return $GLOBALS['wp_object_cache']->flush();
}

function wp_cache_close() {
	return true;
}

function wp_cache_add_global_groups( $groups ) {}

function wp_cache_add_non_persistent_groups( $groups ) {}

function wp_cache_switch_to_blog( $blog_id ) {}
