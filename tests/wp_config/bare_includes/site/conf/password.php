<?php define('DB_PASSWORD', 'beside the including file');
