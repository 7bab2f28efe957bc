<?php define('DB_USER', 'where PHP runs');
