<?php
// Stores and fetches items with php-memcached; see work.py. With the argument
// "session" it works on a session instead, which standard input describes.

function item_of($value) {
    if ($value === false) return null;
    if (is_string($value)) return ['text' => $value];
    return is_int($value) ? ['int' => $value] : ['json' => $value];
}

function client_of($job) {
    $client = new Memcached();
    if ($job['options']['ketama'] ?? false) {
        $client->setOption(Memcached::OPT_LIBKETAMA_COMPATIBLE, true);
    }
    if ($job['options']['json'] ?? false) {
        $client->setOption(Memcached::OPT_SERIALIZER, Memcached::SERIALIZER_JSON_ARRAY);
    }
    foreach ($job['servers'] as $server) {
        [$host, $port] = explode(':', $server);
        $client->addServer($host, (int) $port);
    }
    return $client;
}

function clients($jobs) {
    $answers = [];
    foreach ($jobs as $job) {
        $client = client_of($job);
        if ($job['do'] === 'set') {
            foreach ($job['items'] as $key => $item) {
                $client->set($key, current($item)) or exit(1);
            }
            $answers[] = null;
        } else {
            $found = [];
            foreach ($job['keys'] as $key) $found[$key] = item_of($client->get($key));
            $answers[] = $found;
        }
    }
    return $answers;
}

/** What only PHP understands: an object with a private member. */
class Visit {
    public $page = 'home';
    private $count;

    function __construct($count) { $this->count = $count; }
    function count() { return $this->count; }
}

function session($job) {
    ini_set('session.save_handler', 'memcached');
    ini_set('session.save_path', implode(',', $job['servers']));
    ini_set('session.serialize_handler', $job['format']);
    ini_set('session.use_cookies', 0);
    session_id($job['id']);
    session_start() or exit(1);
    foreach ($job['set'] ?? [] as $name => $value) $_SESSION[$name] = $value;
    if (isset($job['visit'])) {
        $_SESSION['visit'] = new Visit($job['visit']);
        // The same object, not another one like it.
        $_SESSION['last'] = $_SESSION['visit'];
    }
    $found = $_SESSION;
    if (isset($found['visit'])) {
        $is_same = $found['visit'] === $found['last'];
        $found['visit'] = [get_class($found['visit']), $found['visit']->count(), $is_same];
        unset($found['last']);
    }
    session_write_close() or exit(1);
    return $found;
}

$input = json_decode(stream_get_contents(STDIN), true);
$answer = ($argv[1] ?? '') === 'session' ? session($input) : clients($input);
echo json_encode($answer, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);
