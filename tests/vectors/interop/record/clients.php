<?php
// Records php-memcached. Run with the extension loaded.

$asked = json_decode(file_get_contents(__DIR__ . '/topologies.json'), true);

$even = [Memcached::OPT_DISTRIBUTION => Memcached::DISTRIBUTION_CONSISTENT];
$presets = [
    'php-memcached-consistent' => $even,
    'php-memcached-consistent-set-after-servers' => $even,
    'php-memcached-default' => [],
    'php-memcached-libketama' => [Memcached::OPT_LIBKETAMA_COMPATIBLE => true],
    'php-memcached-sorted' => [Memcached::OPT_SORT_HOSTS => true],
];
foreach (['crc', 'fnv1_32', 'fnv1_64', 'fnv1a_32', 'fnv1a_64', 'md5', 'murmur'] as $name) {
    $hash = [Memcached::OPT_HASH => constant('Memcached::HASH_' . strtoupper($name))];
    $presets["php-memcached-consistent-$name"] = $even + $hash;
    $presets["php-memcached-modula-$name"] = $hash;
}

function answers(array $servers, array $options, bool $after, array $keys): object
{
    $client = new Memcached();
    if (!$after) {
        $client->setOptions($options);
    }
    foreach ($servers as $server) {
        $client->addServer($server['host'], $server['port'], $server['weight']);
    }
    if ($after) {
        $client->setOptions($options);
    }
    $answers = [];
    foreach ($keys as $key) {
        $found = $client->getServerByKey($key);
        foreach ($servers as $index => $server) {
            // The port of a unix socket comes back as 11211.
            $port = $server['port'] ?: 11211;
            if ($server['host'] === $found['host'] && $port === $found['port']) {
                $answers[$key] = $index;
            }
        }
    }
    return (object) $answers;
}

$recorded = [];
foreach ($presets as $name => $options) {
    $after = str_ends_with($name, 'after-servers');
    $cases = [];
    foreach ($asked['topologies'] as $topology) {
        if (isset($topology['down']) || isset($topology['servers'][0]['name'])) {
            continue;
        }
        $keys = answers($topology['servers'], $options, $after, $asked['keys']);
        $cases[] = $topology + ['options' => (object) [], 'keys' => $keys];
    }
    $recorded[] = [
        'client' => 'php-memcached',
        'version' => phpversion('memcached'),
        'preset' => $name,
        'cases' => $cases,
    ];
}
echo json_encode($recorded, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
