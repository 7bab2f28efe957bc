<?php
require 'local-config.php';
require_once('conf/user.php');
require_once 'conf/user.php';
include "conf/../conf/host.php";
eval("include 'prefix.php';");

require_once ABSPATH . 'wp-settings.php';
