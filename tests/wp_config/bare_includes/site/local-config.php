<?php define('DB_NAME', 'beside');
