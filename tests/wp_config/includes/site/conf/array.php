<?php
return [
  'db' => ['password' => 'from array'],
];
