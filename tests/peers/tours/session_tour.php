<?php
// Uses PHP's own sessions with php-memcached's handler, as it is set up by default.

declare(strict_types=1);

// A warning would make a tour that leads nowhere.
set_error_handler(fn ($kind, $text, $file, $line) => throw new ErrorException($text, 0, $kind, $file, $line));

[, $server, $variant] = $argv;
[$host, $port] = explode(':', $server);

function write(string $call, mixed $result): void
{
    // Not echo: PHP would send headers, after which there are no more sessions.
    fwrite(STDOUT, json_encode(['call' => $call, 'result' => $result]) . "\n");
}

function start(string $id, array $more = []): bool
{
    global $server, $variant;
    session_id($id);
    return session_start($more + [
        'save_handler' => 'memcached',
        'save_path' => $server,
        'gc_maxlifetime' => 1440,
        'use_strict_mode' => false,
        'use_cookies' => false,
        'use_only_cookies' => false,
        'cache_limiter' => '',
    ]);
}

if ($variant === 'sasl') {
    ini_set('memcached.sess_sasl_username', 'user');
    ini_set('memcached.sess_sasl_password', 'secret');
}
$looking = new Memcached();
$looking->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
if ($variant === 'sasl') {
    $looking->setSaslAuthData('user', 'secret');
}
$looking->addServer($host, (int) $port);
$looking->flush();
$id = 'a-session-of-php-and-nobody-else';
$seen = function (string $call) use ($looking, $id): void {
    $stored = $looking->get("memc.sess.key.$id", null, Memcached::GET_EXTENDED);
    write($call, is_array($stored) ? [$stored['value'], $stored['flags']] : $looking->getResultMessage());
};

write('binary by default', ini_get('memcached.sess_binary_protocol'));
write('start', start($id));
write('empty', $_SESSION);
write('lock', $looking->get("memc.sess.key.lock.$id"));
$_SESSION = ['user' => 'Ada Ölçer', 'cart' => [1, 2.5, null], 'bytes' => base64_encode("\0\xff")];
write('close', session_write_close());
write('no lock', $looking->get("memc.sess.key.lock.$id"));
$seen('stored');
write('start again', start($id));
write('as written', $_SESSION);
// Another process waits for the lock, and gives up.
if ($variant !== 'sasl') {
    $other = proc_open([PHP_BINARY, __DIR__ . '/locked.php', $server, $id], [1 => ['pipe', 'w']], $pipes);
    write('another process', stream_get_contents($pipes[1]));
    proc_close($other);
}
$_SESSION['visits'] = 1;
write('close', session_write_close());
$seen('changed');
$touched = fn () => array_values($looking->getStats())[0];
$before = $touched();
write('start', start($id));
write('close unchanged', session_write_close());
$after = $touched();
write('touched and not written', [
    $after['cmd_touch'] - $before['cmd_touch'],
    $after['cmd_set'] - $before['cmd_set'],
]);
// The lock is one set, made by add.
write('start', start($id));
write('another id', session_regenerate_id(true) && session_id() !== $id);
$seen('removed under the old one');
write('kept under the new one', $_SESSION);
$fresh = session_id();
write('close', session_write_close());
write('start', start($fresh));
write('still there', $_SESSION);
write('gc', session_gc());
write('destroy', session_destroy());
write('gone', $looking->get("memc.sess.key.$fresh"));
write('strict', start('made-up-by-somebody-else', ['use_strict_mode' => true]));
write('not adopted', session_id() !== 'made-up-by-somebody-else');
write('reserved', $looking->get('memc.sess.key.' . session_id()));
write('destroy', session_destroy());
write('short', start($id, ['gc_maxlifetime' => 1]));
$_SESSION['a'] = 1;
session_write_close();
$seen('there for a second');
for ($until = microtime(true) + 10; $looking->get("memc.sess.key.$id") !== false && microtime(true) < $until;) {
    usleep(20_000);
}
$seen('expired in time');
write('large', start($id));
$_SESSION['large'] = str_repeat('x', 1_000_000);
write('close', session_write_close());
start($id);
write('length', strlen($_SESSION['large']));
session_destroy();
