<?php
// Records what PHP does with values: serialize(), sessions, and the compression
// of its memcached extension. Needs the extensions memcached, igbinary, msgpack
// and a memcached on loopback:
//
//     memcached -l 127.0.0.1 -p 22122 -U 0 &
//     php values.php 127.0.0.1 22122
//
// It writes ../values-php/php.json.gz.

[$host, $port] = [$argv[1], (int) $argv[2]];

class P { public $a; protected $b = 2; private $c = 3; function __construct($a, $b = 2) { $this->a = $a; $this->b = $b; } }
class Q { public $peer; public $list = []; }
class M { public $v = [1]; function __serialize(): array { return ['v' => $this->v, 7 => 'x']; } function __unserialize(array $d): void {} }
enum Suit: string { case Hearts = 'h'; case Spades = 's'; }

function bytes(string $s): string { return base64_encode($s); }

// --- serialize() ---------------------------------------------------------
$expressions = [
    'null', 'true', 'false', '0', '-1', 'PHP_INT_MAX', 'PHP_INT_MIN',
    '0.1', '-0.0', '100.0', '1e15', '1e16', '1e17', '123456789012345680.0', '1e22', '0.0001', '0.00001',
    '1.25e-7', '1/3', '5e-324', '1.7976931348623157e308', '123456.789', '12345678901234567.0', 'INF', '-INF', 'NAN',
    "''", "'hello'", '"caf\u{e9} \u{65e5}\u{1f680}"', '"\x00\xff\";}"', "str_repeat('x', 300)",
    '[]', '[1, 2.5, "three", null, true]', '[1 => "a", 2 => "b"]', '["a" => 1, "b" => ["x" => []]]',
    '["5" => 1, "-5" => 2, "05" => 3, "-0" => 4, "" => 5, "9223372036854775807" => 6, "9223372036854775808" => 7]',
    '[0 => "a", "k" => "v"]',
    'new P("v")', '(object) ["a" => 1]', 'new ArrayObject([1, "two"])', 'new DateTime("2024-01-02 03:04:05 UTC")',
    'new M', 'Suit::Hearts', '[Suit::Hearts, Suit::Spades, Suit::Hearts]',
    '(function () { $p = new P(1); return [$p, $p, [$p]]; })()',
    '(function () { $x = [1]; $x["r"] = &$x[0]; return $x; })()',
    '(function () { $x = [[1, 2], "k" => null]; $x["again"] = &$x[0]; $x["deep"] = [&$x["k"], &$x[0][1]]; return $x; })()',
    '(function () { $q = new Q; $q->peer = $q; $q->list = [$q, 5]; return $q; })()',
    '(function () { $a = new Q; $b = new Q; $a->peer = $b; $b->peer = $a; return [$a, $b, &$a]; })()',
    '(function () { $s = new SplObjectStorage; $p = new P(1); $s[$p] = "data"; return [$s, $p]; })()',
];
$serialize = [];
foreach ($expressions as $expression) {
    $value = eval("return $expression;");
    $json = json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION);
    $plain = !preg_match('/(^|[;{])[OCE]:\d/', serialize($value));
    $serialize[] = ['php' => $expression, 'serialized_base64' => bytes(serialize($value))]
        + ($json !== false && $plain ? ['json' => $json] : []);
}

// Data that unserialize() refuses, or reads only part of.
$refused = [];
foreach (['', 'x', 'N', 'b:2;', 'i:;', 'i:1', 'i:1.5;', 'd:;', 'd:x;', 'd:inf;', 's:3:"ab";', 's:1:"ab";', 's:-1:"";', 's:1:"a"',
          'a:1:{i:0;}', 'a:1:{i:0;N;', 'a:2:{i:0;N;}', 'a:-1:{}', 'a:1:{N;N;}', 'a:1:{d:0.5;N;}', 'a:999999999:{', 'R:1;', 'r:1;', 'a:1:{i:0;R:5;}',
          'a:2:{i:0;i:1;i:1;r:2;}', 'O:1:"P":1:{}', 'O:1:"P";', 'E:3:"a:b', 'a:1:{i:0;r:2;}', 'C:1:"P":3:{ab}'] as $data) {
    if (@unserialize($data, ['allowed_classes' => true]) === false && $data !== 'b:0;') $refused[] = bytes($data);
}

// --- sessions --------------------------------------------------------------
ini_set('session.use_cookies', '0');
ini_set('session.cache_limiter', '');
ini_set('session.save_path', sys_get_temp_dir());
ob_start();
$starts = [
    '["user_id" => 42, "name" => "Ada", "roles" => ["admin", "ops"]]',
    '["p" => new P("v"), "n" => 1, "q" => (function () { $q = new Q; $q->peer = $q; return $q; })()]',
    '(function () { $x = ["r" => [1, 2], "m" => "x"]; $x["s"] = &$x["r"]; $x["t"] = &$x["r"][1]; return $x; })()',
    '(function () { $p = new P(1); return ["first" => $p, "second" => $p, "third" => [$p, $p]]; })()',
    '(function () { $x = ["a" => 1]; $x["b"] = &$x["a"]; $x["c"] = &$x["a"]; return $x; })()',
];
// Each step is done by PHP here and by the reader of this file there. Variables that
// are set are never references, through which PHP would write.
$changes = [
    [],
    [['set_json', 'added', '{"id":7,"tags":["x","y"],"f":1.5,"none":null}']],
    [['set_json', 'name', '"Grace"'], ['remove', 'roles'], ['remove', 'n']],
    [['remove', 'r'], ['remove', 'first'], ['remove', 'a'], ['remove', 'p']],
    [['set_json', 'm', '[1,2,3]'], ['set_json', 'first', 'true'], ['remove', 'second'], ['set_json', 'n', '[[],[]]']],
    [['remove', 's'], ['remove', 'b'], ['set_json', 'zz', '0.1']],
];
$sessions = [];
foreach (['php', 'php_binary', 'php_serialize'] as $handler) {
    foreach ($starts as $start) {
        foreach ($changes as $steps) {
            ini_set('session.serialize_handler', $handler);
            session_id('record' . count($sessions));
            session_start();
            $_SESSION = eval("return $start;");
            $before = session_encode();
            $_SESSION = [];
            session_decode($before);
            foreach ($steps as $step) {
                if ($step[0] === 'remove') unset($_SESSION[$step[1]]);
                else $_SESSION[$step[1]] = json_decode($step[2], true);
            }
            $after = session_encode();
            session_abort();
            $sessions[] = ['handler' => $handler, 'php' => $start, 'before_base64' => bytes($before),
                'steps' => $steps, 'after_base64' => bytes($after)];
        }
    }
}
ob_end_clean();

// --- compression and serializers of the memcached extension -----------------
function raw(string $host, int $port, string $key): array {
    $socket = fsockopen($host, $port);
    fwrite($socket, "get $key\r\n");
    [, , $flags, $length] = explode(' ', trim(fgets($socket)));
    $data = stream_get_contents($socket, (int) $length);
    fclose($socket);
    return ['flags' => (int) $flags, 'raw_base64' => bytes($data)];
}
function noise(int $seed, int $length): string {
    for ($out = '', $i = 0; strlen($out) < $length; $i++) $out .= md5("$seed.$i");
    return substr($out, 0, $length);
}
// A block, and how often it is repeated.
$values = [
    'zeros 65535' => ["\0", 65535],
    'zeros 65536' => ["\0", 65536],
    'x 70000' => ['x', 70000],
    'rows' => [serialize(array_map(fn ($i) => ['id' => $i, 'name' => "user$i"], range(0, 1999))), 1],
    'far 8191' => [noise(1, 8191), 9],
    'far 8192' => [noise(2, 8192), 9],
    'far 8193' => [noise(3, 8193), 9],
    'far 73725' => [noise(5, 73725), 2],
    'near 4000' => [noise(6, 4000), 3],
];
$compressed = [];
$client = new Memcached();
$client->addServer($host, $port);
foreach (['fastlz' => Memcached::COMPRESSION_FASTLZ, 'zlib' => Memcached::COMPRESSION_ZLIB] as $name => $type) {
    $client->setOption(Memcached::OPT_COMPRESSION_TYPE, $type);
    foreach ($values as $label => [$block, $times]) {
        // The far ones are there for FastLZ.
        if ($name === 'zlib' && str_starts_with($label, 'far')) continue;
        $client->set('k', str_repeat($block, $times)) or exit("set: " . $client->getResultMessage() . "\n");
        $stored = raw($host, $port, 'k');
        if ($stored['flags'] !== 0) $compressed[] = ['type' => $name, 'label' => $label, 'block_base64' => bytes($block), 'times' => $times] + $stored;
    }
}
$rows = "array_map(fn(\$i)=>['id'=>\$i,'name'=>\"user\$i\"],range(0,199))";
$serializers = [];
foreach (['igbinary' => Memcached::SERIALIZER_IGBINARY, 'msgpack' => Memcached::SERIALIZER_MSGPACK] as $name => $serializer) {
    $plain = new Memcached();
    $plain->setOptions([Memcached::OPT_COMPRESSION => false, Memcached::OPT_SERIALIZER => $serializer]);
    $plain->addServer($host, $port);
    $plain->set('k', eval("return $rows;"));
    $serializers[] = ['id' => "php-memcached-$name", 'php' => $rows] + raw($host, $port, 'k');
}

$record = ['format' => 1, 'php_version' => PHP_VERSION, 'memcached_extension' => phpversion('memcached'),
    'ini' => ['serialize_precision' => ini_get('serialize_precision')],
    'serialize' => $serialize, 'refused_base64' => $refused, 'sessions' => $sessions,
    'compressed' => $compressed, 'serializers' => $serializers];
file_put_contents(__DIR__ . '/../values-php/php.json.gz', gzencode(json_encode($record, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR), 9));
printf("%d serialized, %d refused, %d sessions, %d compressed\n", count($serialize), count($refused), count($sessions), count($compressed));
