<?php
$count = ($count ?? 0) + 1;
if ($count == 1) define('DB_USER', 'user' . $count); else define('DB_HOST', 'twice');
