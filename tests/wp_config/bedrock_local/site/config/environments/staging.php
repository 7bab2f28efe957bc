<?php
use Roots\WPConfig\Config;
Config::define('WCH_REMOVE_DATA', true);
Config::define('DB_COLLATE', 'utf8mb4_bin');
