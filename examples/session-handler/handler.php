<?php
/**
 * A session handler over php-memcached, whose sessions Python and Node can open.
 *
 * The item "sess:" + id holds the session as JSON text, "sess:lock:" + id the token of
 * whoever has it open.
 *
 *     php handler.php SERVER ID [COUNT]
 *
 * visits the session COUNT times and prints it after each visit.
 */

declare(strict_types=1);

final class MemcachedSessionHandler implements
    SessionHandlerInterface,
    SessionIdInterface,
    SessionUpdateTimestampHandlerInterface
{
    private Memcached $memcached;
    private ?string $lockKey = null;
    private string $token = '';

    /**
     * @param int $lifetime Seconds that a session is kept after its last use.
     * @param int $lockTime Seconds after which a request that broke off gives it back.
     * @param float $lockWait Seconds to wait for a request that has it open.
     */
    public function __construct(
        private int $lifetime = 1440,
        private int $lockTime = 30,
        private float $lockWait = 10.0,
    ) {
    }

    public function open(string $path, string $name): bool
    {
        $this->memcached = new Memcached();
        $this->memcached->setOptions([
            // The text is for others to read.
            Memcached::OPT_COMPRESSION => false,
            // Several servers share the keys as memoxide does it.
            Memcached::OPT_LIBKETAMA_COMPATIBLE => true,
            Memcached::OPT_TCP_NODELAY => true,
        ]);
        foreach (explode(',', $path) as $server) {
            [$host, $port] = explode(':', trim($server)) + [1 => '11211'];
            $this->memcached->addServer($host, (int) $port);
        }
        return true;
    }

    public function close(): bool
    {
        $this->release();
        $this->memcached->quit();
        return true;
    }

    /** PHP hands over and takes back what serialize() makes of $_SESSION. */
    public function read(string $id): string|false
    {
        if (!$this->acquire("sess:lock:$id")) {
            return false;
        }
        $text = $this->memcached->get("sess:$id");
        if ($text === false) {
            return $this->memcached->getResultCode() === Memcached::RES_NOTFOUND ? '' : false;
        }
        return serialize(json_decode($text, true, flags: JSON_THROW_ON_ERROR));
    }

    public function write(string $id, string $data): bool
    {
        $session = unserialize($data, ['allowed_classes' => false]);
        $flags = JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE;
        // An object even if it is empty.
        $text = json_encode((object) $session, $flags);
        return $this->memcached->set("sess:$id", $text, $this->expiry());
    }

    public function updateTimestamp(string $id, string $data): bool
    {
        return $this->memcached->touch("sess:$id", $this->expiry()) || $this->write($id, $data);
    }

    public function destroy(string $id): bool
    {
        $this->memcached->delete("sess:$id");
        $this->release();
        return true;
    }

    /** Removes nothing: memcached does that itself. */
    public function gc(int $max_lifetime): int|false
    {
        return 0;
    }

    public function create_sid(): string
    {
        return bin2hex(random_bytes(16));
    }

    public function validateId(string $id): bool
    {
        return preg_match('/^[A-Za-z0-9,-]{22,128}$/D', $id) === 1
            && $this->memcached->get("sess:$id") !== false;
    }

    /** Takes the lock, waiting for whoever has it. */
    private function acquire(string $key): bool
    {
        $token = bin2hex(random_bytes(16));
        $until = microtime(true) + $this->lockWait;
        while (!$this->memcached->add($key, $token, $this->lockTime)) {
            if ($this->memcached->getResultCode() !== Memcached::RES_NOTSTORED || microtime(true) > $until) {
                return false;
            }
            usleep(random_int(2_000, 20_000));
        }
        [$this->lockKey, $this->token] = [$key, $token];
        return true;
    }

    /** Gives the lock back if it is still ours: a late request must not take another's. */
    private function release(): void
    {
        if ($this->lockKey === null) {
            return;
        }
        $found = $this->memcached->get($this->lockKey, null, Memcached::GET_EXTENDED);
        if (is_array($found) && $found['value'] === $this->token) {
            // Expired at once: php-memcached has no delete with a cas id.
            $this->memcached->cas($found['cas'], $this->lockKey, $this->token, -1);
        }
        $this->lockKey = null;
    }

    /** Above thirty days memcached takes a time for a date. */
    private function expiry(): int
    {
        return $this->lifetime > 2_592_000 ? time() + $this->lifetime : $this->lifetime;
    }
}

if (PHP_SAPI !== 'cli' || realpath($argv[0]) !== __FILE__) {
    return;
}

[, $server, $id] = $argv;
session_set_save_handler(new MemcachedSessionHandler(), true);
for ($left = (int) ($argv[3] ?? 1); $left > 0; $left--) {
    session_id($id);
    $started = session_start([
        'cache_limiter' => '',
        'save_path' => $server,
        'serialize_handler' => 'php_serialize',
        'use_cookies' => false,
        'use_only_cookies' => false,
    ]);
    if (!$started) {
        exit(1);
    }
    $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
    $_SESSION['last'] = 'php';
    session_write_close();
    fwrite(STDOUT, json_encode($_SESSION, JSON_UNESCAPED_UNICODE) . "\n");
}
