<?php
// Evaluates a wp-config.php as wp-cli does, and writes what it has defined, as JSON, to a file descriptor.
// Arguments: the file; ABSPATH, or nothing; the names of the constants, as JSON; the number of the descriptor.
// Files are read through a wrapper, in which every wp-settings.php, wherever it is included, is an empty file.

final class wch_files {
    public $context;
    private $file;
    static $found;
    static $names;
    static $descriptor;
    static function plainly($action) {
        stream_wrapper_restore('file');
        try { return $action(); } finally { self::wrap(); }
    }
    static function wrap() { stream_wrapper_unregister('file'); stream_wrapper_register('file', self::class); }
    static function encoded($value) {
        if (is_string($value)) { return ['string', base64_encode($value)]; }
        return is_scalar($value) || $value === null ? ['plain', $value] : ['other', !empty($value)];
    }
    static function values() {
        $values = [];
        foreach (self::$names as $name) {
            if (defined($name)) { $values[$name] = self::encoded(constant($name)); }
        }
        $prefix = array_key_exists('table_prefix', $GLOBALS) ? self::encoded($GLOBALS['table_prefix']) : null;
        return ['constants' => (object) $values, 'prefix' => $prefix];
    }
    static function report() {
        $error = error_get_last();
        $fatal = $error !== null && ($error['type'] & (E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR));
        $answer = ['found' => self::$found, 'last' => self::values(), 'fatal' => $fatal ? $error['line'] : 0];
        stream_wrapper_restore('file');
        file_put_contents('php://fd/' . self::$descriptor, json_encode($answer, JSON_PRESERVE_ZERO_FRACTION));
    }
    function stream_open($path, $mode, $options) {
        if (($options & 128) && basename($path) === 'wp-settings.php') {
            self::$found ??= self::values();
            $this->file = fopen('php://memory', 'r');
        } else {
            $this->file = self::plainly(fn() => @fopen($path, $mode, (bool) ($options & STREAM_USE_PATH)));
        }
        return $this->file !== false;
    }
    function stream_read($count) { return fread($this->file, $count); }
    function stream_write($data) { return fwrite($this->file, $data); }
    function stream_eof() { return feof($this->file); }
    function stream_stat() { return fstat($this->file); }
    function stream_tell() { return ftell($this->file); }
    function stream_seek($offset, $from) { return fseek($this->file, $offset, $from) === 0; }
    function stream_flush() { return fflush($this->file); }
    function stream_close() { fclose($this->file); }
    function stream_lock($operation) { return $operation ? flock($this->file, $operation) : true; }
    function stream_truncate($size) { return ftruncate($this->file, $size); }
    function stream_set_option($option, $first, $second) { return false; }
    function stream_metadata($path, $option, $value) { return false; }
    function url_stat($path, $flags) {
        return self::plainly(fn() => $flags & STREAM_URL_STAT_LINK ? @lstat($path) : @stat($path));
    }
    function dir_opendir($path) { return ($this->file = self::plainly(fn() => @opendir($path))) !== false; }
    function dir_readdir() { return readdir($this->file); }
    function dir_rewinddir() { rewinddir($this->file); return true; }
    function dir_closedir() { closedir($this->file); return true; }
}
wch_files::$names = json_decode($argv[3]);
wch_files::$descriptor = $argv[4];
register_shutdown_function(['wch_files', 'report']);
if ($argv[2] !== '') { define('ABSPATH', $argv[2]); }
wch_files::wrap();
require $argv[1];
