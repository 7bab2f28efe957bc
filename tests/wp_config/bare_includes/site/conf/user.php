<?php define('DB_USER', 'user' . (defined('DB_USER') ? 2 : 1)); include 'password.php';
