<?php define('DB_HOST', 'h');
