<?php
// Tries to open a session that another process has open.

[, $server, $id] = $argv;
ini_set('memcached.sess_lock_retries', '2');
ini_set('memcached.sess_lock_wait_min', '10');
ini_set('memcached.sess_lock_wait_max', '20');
session_id($id);
$started = @session_start([
    'save_handler' => 'memcached',
    'save_path' => $server,
    'use_cookies' => false,
    'use_only_cookies' => false,
    'cache_limiter' => '',
]);
echo $started ? 'open' : 'locked';
