<?php
// Calls everything that php-memcached has, in the protocol that the variant names.

declare(strict_types=1);

// A warning would make a tour that leads nowhere.
set_error_handler(fn ($kind, $text, $file, $line) => throw new ErrorException($text, 0, $kind, $file, $line));

[, $server, $variant] = $argv;
[$host, $port] = explode(':', $server);
$ids = [];

function client(bool $compressed = false): Memcached
{
    global $host, $port, $variant;
    $client = new Memcached();
    $client->setOption(Memcached::OPT_BINARY_PROTOCOL, $variant !== 'text');
    $client->setOption(Memcached::OPT_COMPRESSION, $compressed);
    if ($variant === 'sasl') {
        $client->setSaslAuthData('user', 'secret');
    }
    $client->addServer($host, (int) $port);
    return $client;
}

function write(string $call, mixed $result): void
{
    $flags = JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION;
    echo json_encode(['call' => $call, 'result' => $result], $flags), "\n";
}

function show(mixed $value): mixed
{
    global $ids;
    if (is_string($value) && strlen($value) > 200) {
        return ['length' => strlen($value), 'crc32' => crc32($value)];
    }
    if (is_array($value)) {
        if (isset($value['cas'])) {
            $value['cas'] = $ids[(string) $value['cas']] ??= 'cas ' . count($ids) + 1;
        }
        ksort($value);
        return array_map(show(...), $value);
    }
    return $value;
}

function see(Memcached $client, string $call, mixed ...$arguments): mixed
{
    $result = $client->$call(...$arguments);
    write($call, [show($result), $client->getResultCode(), $client->getResultMessage()]);
    return $result;
}

function counted(array $stats): array
{
    $names = explode(' ', 'cas_badval cas_hits cas_misses cmd_flush cmd_get cmd_set cmd_touch  decr_hits '
        . 'decr_misses delete_hits delete_misses evictions get_hits get_misses incr_hits incr_misses '
        . 'limit_maxbytes store_too_large total_items touch_hits touch_misses auth_cmds auth_errors');
    return array_intersect_key($stats, array_flip($names));
}

$client = client();
see($client, 'flush');
see($client, 'get', 'key');
foreach (["bytes \0\xff", 'ü', 12, true, false, null, 1.5, ['a' => [1]], new ArrayObject([1])] as $value) {
    see($client, 'set', 'key', $value);
    write('get', serialize($client->get('key')));
}
see($client, 'set', 'empty', '');
see($client, 'get', 'empty');
see($client, 'set', str_repeat('k', 250), 'v');
see($client, 'get', str_repeat('k', 250));
see($client, 'set', str_repeat('k', 251), 'v');
see($client, 'set', 'a b', 'v');
see($client, 'add', 'added', '1');
see($client, 'add', 'added', '2');
see($client, 'replace', 'added', '3');
see($client, 'replace', 'nothing', '3');
see($client, 'append', 'added', '4');
see($client, 'prepend', 'added', '2');
see($client, 'append', 'nothing', '4');
see($client, 'get', 'added');
$keys = array_map(fn ($number) => "many:$number", range(0, 299));
see($client, 'setMulti', array_combine($keys, $keys));
see($client, 'getMulti', [...$keys, 'nothing']);
see($client, 'getMulti', ['many:1', 'nothing', 'many:2'], Memcached::GET_PRESERVE_ORDER);
see($client, 'getMulti', ['many:1', 'many:2'], Memcached::GET_EXTENDED);
see($client, 'getDelayed', ['many:1', 'many:2', 'nothing'], true);
see($client, 'fetchAll');
see($client, 'deleteMulti', ['many:1', 'many:2', 'nothing']);
$found = see($client, 'get', 'added', null, Memcached::GET_EXTENDED);
see($client, 'cas', $found['cas'], 'added', '5');
see($client, 'cas', $found['cas'], 'added', '6');
see($client, 'cas', $found['cas'], 'nothing', '6');
see($client, 'set', 'number', 5);
see($client, 'increment', 'number', 10);
see($client, 'decrement', 'number', 3);
see($client, 'decrement', 'number', 1000);
see($client, 'increment', 'nothing');
if ($variant !== 'text') {
    see($client, 'increment', 'fresh', 5, 100, 60);
    see($client, 'increment', 'fresh', 5, 100, 60);
}
see($client, 'set', 'text', 'x');
see($client, 'increment', 'text');
see($client, 'touch', 'text', 100);
see($client, 'touch', 'nothing', 100);
see($client, 'checkKey', 'text');
see($client, 'delete', 'text');
see($client, 'delete', 'text');
see($client, 'set', 'date', 'v', 4000000000);
see($client, 'get', 'date');
see($client, 'set', 'old', 'v', time() - 100);
see($client, 'get', 'old');
see($client, 'set', 'large', str_repeat('x', 1048000));
see($client, 'get', 'large');
see($client, 'set', 'large', random_bytes(1048576));
see($client, 'get', 'large');
$compressing = client(true);
see($compressing, 'set', 'long', str_repeat('abc', 5000));
see($compressing, 'get', 'long');
see($client, 'getByKey', 'server key', 'number');
see($client, 'setByKey', 'server key', 'number', 1);
$stats = array_values($client->getStats())[0];
write('stats', ['counted' => counted($stats), 'names' => (function ($names) { sort($names); return $names; })(array_keys($stats))]);
$client->set('short', 'v', 1);
for ($until = microtime(true) + 10; $client->get('short') !== false && microtime(true) < $until;) {
    usleep(20_000);
}
see($client, 'get', 'short');
write('version', str_starts_with(array_values($client->getVersion())[0], '1.6.'));
see($client, 'flush', 100);
see($client, 'get', 'number');
see($client, 'flush');
see($client, 'get', 'number');
see($client, 'quit');
if ($variant === 'sasl') {
    $client = client();
    $client->setSaslAuthData('user', 'wrong');
    see($client, 'set', 'key', 'v');
}
