<?php
use Dotenv\Dotenv;
use Dotenv\Repository\Adapter\{EnvConstAdapter, PutenvAdapter};
use Dotenv\Repository\RepositoryBuilder;
use Roots\WPConfig\Config;
use function Env\env;

Env\Env::$options = 31;
$root_dir = dirname(__DIR__);
$webroot_dir = $root_dir . '/web';
if (file_exists($root_dir . '/.env')) {
    $env_files = file_exists($root_dir . '/.env.local') ? ['.env', '.env.local'] : ['.env'];
    $repository = RepositoryBuilder::createWithNoAdapters()->addAdapter(EnvConstAdapter::class)->addAdapter(PutenvAdapter::class)->immutable()->make();
    $dotenv = Dotenv::create($repository, $root_dir, $env_files, false);
    $dotenv->load();
    $dotenv->required(['WP_HOME', 'WP_SITEURL']);
    if (!env('DATABASE_URL')) { $dotenv->required(['DB_NAME', 'DB_USER', 'DB_PASSWORD'])->notEmpty(); }
}
define('WP_ENV', env('WP_ENV') ?: 'production');
if (!env('WP_ENVIRONMENT_TYPE') && in_array(WP_ENV, ['production', 'staging', 'development', 'local'])) { Config::define('WP_ENVIRONMENT_TYPE', WP_ENV); }
Config::define('WP_HOME', env('WP_HOME'));
Config::define('CONTENT_DIR', '/app');
Config::define('WP_CONTENT_DIR', $webroot_dir . Config::get('CONTENT_DIR'));
if (env('DB_SSL')) { Config::define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL); }
Config::define('DB_NAME', env('DB_NAME'));
Config::define('DB_USER', env('DB_USER'));
Config::define('DB_PASSWORD', env('DB_PASSWORD'));
Config::define('DB_HOST', env('DB_HOST') ?: 'localhost');
Config::define('DB_CHARSET', 'utf8mb4');
Config::define('DB_COLLATE', '');
$table_prefix = env('DB_PREFIX') ?: 'wp_';
if (env('DATABASE_URL')) {
    $dsn = (object) parse_url(env('DATABASE_URL'));
    Config::define('DB_NAME', substr($dsn->path, 1));
    Config::define('DB_USER', $dsn->user);
    Config::define('DB_PASSWORD', isset($dsn->pass) ? $dsn->pass : null);
    Config::define('DB_HOST', isset($dsn->port) ? "{$dsn->host}:{$dsn->port}" : $dsn->host);
}
if (isset($_SERVER['HTTP_X_FORWARDED_PROTO']) && $_SERVER['HTTP_X_FORWARDED_PROTO'] === 'https') { $_SERVER['HTTPS'] = 'on'; }
$env_config = __DIR__ . '/environments/' . WP_ENV . '.php';
if (file_exists($env_config)) { require_once $env_config; }
Config::apply();
if (!defined('ABSPATH')) { define('ABSPATH', $webroot_dir . '/wp/'); }
