<?php
// The life of one session, through `handler.php`; prints what each step gave.

declare(strict_types=1);

require __DIR__ . '/../../examples/session-handler/handler.php';

$server = $argv[1];
[$handler, $other] = [new MemcachedSessionHandler(), new MemcachedSessionHandler(lockWait: 0.05)];
$handler->open($server, 'PHPSESSID');
$other->open($server, 'PHPSESSID');
$sid = $handler->create_sid();
$steps = [
    $handler->validateId('../made up'),
    $handler->validateId($sid),
    $handler->read($sid) === '',
    $handler->write($sid, serialize(['user' => 'Ada'])),
    $other->read($sid) === false ? 'locked' : 'open',
];
$handler->close();
$handler->open($server, 'PHPSESSID');
$data = $handler->read($sid);
array_push(
    $steps,
    $handler->validateId($sid),
    $data !== '',
    $handler->updateTimestamp($sid, $data),
    $handler->gc(1440),
    $handler->destroy($sid),
    $other->read($sid) === '',
    $other->close(),
    $handler->validateId($sid),
    $handler->close(),
);
echo json_encode(['sid' => $sid, 'steps' => $steps]);
