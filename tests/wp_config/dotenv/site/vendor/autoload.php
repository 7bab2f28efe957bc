<?php
// Stands in for Composer's, and for the three libraries.
namespace Dotenv\Repository { class RepositoryBuilder { public static function createWithNoAdapters() { return new self(); } public function addAdapter($a) { return $this; } public function immutable() { return $this; } public function make() { return $this; } } }
namespace Dotenv\Repository\Adapter { class EnvConstAdapter {} class PutenvAdapter {} }
namespace Dotenv { class Dotenv {
  private $values = [];
  public static function create($repository, $folder, $names = null, $short = true) { return self::read($folder, $names, $short); }
  public static function createImmutable($folder, $names = null) { return self::read($folder, $names, true); }
  public static function createUnsafeImmutable($folder, $names = null, $short = true) { return self::read($folder, $names, $short); }
  private static function read($folder, $names, $short) { $made = new self(); foreach ((array) ($names ?? '.env') as $name) { foreach (file("$folder/$name") as $line) { if (preg_match('/^(?:export )?(\w+)=(.*?)(\s+#.*)?\s*$/', $line, $m)) { $v = $m[2]; $q = substr($v, 0, 1); if ($q === "'" || $q === '"') { preg_match("/^$q([^$q]*)$q/", trim(substr($line, strpos($line, '=') + 1)), $n); $v = $n[1]; } if ($q !== "'") { $v = preg_replace_callback('/\$\{(\w+)\}/', fn($x) => $made->values[$x[1]], $v); } $made->values[$m[1]] = $v; } } if ($short) break; } return $made; }
  public function load() { foreach ($this->values as $name => $value) { if (getenv($name) === false) { putenv("$name=$value"); $_ENV[$name] = $value; $_SERVER[$name] = $value; } } return $this->values; }
  public function required($names) { return $this; } public function notEmpty() { return $this; }
} }
namespace Env { class Env { public static $options = 15; public static function init() {} } function env($name) { $v = getenv($name); if ($v === false) return null; switch (strtolower($v)) { case 'true': return true; case 'false': return false; case 'null': return null; } return ctype_digit($v) ? (int) $v : $v; } }
namespace Roots\WPConfig { class Config { private static $map = []; public static function define($k, $v) { self::$map[$k] = $v; } public static function get($k) { return self::$map[$k]; } public static function apply() { foreach (self::$map as $k => $v) { defined($k) || define($k, $v); } } } }
