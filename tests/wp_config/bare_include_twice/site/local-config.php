<?php define('DB_USER', 'beside the including file');
