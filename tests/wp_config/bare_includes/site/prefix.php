<?php $table_prefix = "bare_";
