/** Servers that cannot be reached, or do not do what they should. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConnectError,
  ConnectionLostError,
  EmbeddedServer,
  MemoxideError,
  PartialError,
  ProtocolError,
  ResolveError,
  ServerError,
  TimeoutError,
} from "memoxide";

import {
  answerLines,
  clientOf,
  fakeServer,
  nobody,
  opaqueOf,
  patient,
  startMemcached,
} from "./targets.mjs";

/** Seconds that calls may take to a server that does not answer them, and how much later they may end on a busy machine. */
const timeout = 0.3;
const slack = 5;

/** What calls may take that end in one of these ways: where time is none of them, it has to be the other reason. */
function limit(kinds) {
  return kinds.includes("Timeout") ? timeout : patient.timeout;
}

/** Checks that a call fails as it should: in time, and naming the server. */
async function fails(call, kinds, endpoint) {
  const begin = performance.now();
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof MemoxideError, `${error}`);
    assert.ok(kinds.includes(error.kind), `${error.kind}: ${error.message}`);
    assert.equal(error.endpoint, endpoint);
    assert.ok(error.message.length > 0);
    return true;
  });
  assert.ok(performance.now() - begin < (limit(kinds) + slack) * 1000);
}

/** What a misbehaving server does, and how reads and writes then fail. */
const table = [
  {
    name: "closes every connection at once",
    behave: (socket) => socket.end(),
    read: ["ConnectionLost", "Connect"],
    write: ["ConnectionLost", "Connect"],
  },
  {
    name: "resets every connection",
    behave: (socket) => socket.resetAndDestroy(),
    read: ["ConnectionLost", "Connect"],
    write: ["ConnectionLost", "Connect"],
  },
  {
    name: "closes when a request arrives",
    behave: (socket) => socket.once("data", () => socket.end()),
    read: ["ConnectionLost", "Connect"],
    write: ["ConnectionLost", "Connect"],
  },
  {
    name: "stays silent",
    behave: () => {},
    read: ["Timeout"],
    write: ["Timeout"],
  },
  {
    name: "answers nonsense",
    behave: (socket) => socket.on("data", () => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")),
    read: ["Protocol"],
    write: ["Protocol", "UnknownCommand"],
  },
  {
    name: "speaks before it is asked",
    behave: (socket) => socket.write("220 mail.example.com ESMTP\r\n"),
    read: ["Protocol", "Timeout"],
    write: ["Protocol", "Timeout"],
  },
  {
    name: "sends a line without an end",
    behave: (socket) => socket.on("data", () => socket.write("V".repeat(5000))),
    read: ["Protocol"],
    write: ["Protocol"],
  },
  {
    name: "drips single bytes",
    behave: (socket) => {
      const reply = "MN\r\nVA 1000000 f0 O1\r\n";
      let at = 0;
      const drip = setInterval(() => socket.write(reply[at++] ?? "x"), 20);
      socket.on("close", () => clearInterval(drip));
    },
    read: ["Timeout", "Protocol"],
    write: ["Timeout", "Protocol"],
  },
  {
    name: "announces more than it sends, and closes",
    behave: (socket) =>
      answerLines(socket, (words) => {
        if (words[0] === "mn") return "MN\r\n";
        socket.end(`VA 100 f0 ${opaqueOf(words)}\r\npart`);
      }),
    read: ["ConnectionLost", "Protocol", "Connect"],
    write: ["ConnectionLost", "Protocol", "Connect"],
  },
  {
    name: "announces a value beyond all limits",
    behave: (socket) =>
      answerLines(socket, (words) =>
        words[0] === "mn" ? "MN\r\n" : `VA 99999999999 f0 ${opaqueOf(words)}\r\n`,
      ),
    read: ["Protocol"],
    write: ["Protocol"],
  },
  {
    name: "repeats another request's opaque",
    behave: (socket) =>
      answerLines(socket, (words) => (words[0] === "mn" ? "MN\r\n" : "VA 1 f0 O999\r\nx\r\n")),
    read: ["Protocol"],
    write: ["Protocol"],
  },
  {
    name: "answers a text read with another key",
    behave: (socket) =>
      answerLines(socket, (words) =>
        words[0] === "mn" ? "ERROR\r\n" : "VALUE other 0 1\r\nx\r\nEND\r\n",
      ),
    read: ["Protocol"],
    write: ["Protocol"],
  },
  {
    name: "is out of memory",
    behave: (socket) =>
      answerLines(socket, (words) =>
        words[0] === "mn" ? "MN\r\n" : "SERVER_ERROR out of memory storing object\r\n",
      ),
    read: ["Server"],
    write: ["Server"],
  },
];

for (const { name, behave, read, write } of table) {
  test(`a server that ${name}: reads and writes fail in time`, async (t) => {
    const server = await fakeServer(t, behave);
    const client = clientOf(t, server.endpoint, { timeout: limit(read), deadAfter: 100 });
    await fails(client.get("k"), read, server.endpoint);
    await fails(client.set("k", "v"), write, server.endpoint);
    await fails(client.getMulti(["a", "b"]), read, server.endpoint);
    await fails(client.increment("n", 1), write, server.endpoint);
  });

  test(`a server that ${name}: calls made together all end`, async (t) => {
    const server = await fakeServer(t, behave);
    const client = clientOf(t, server.endpoint, { timeout: limit(read), deadAfter: 1000 });
    const begin = performance.now();
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        index % 3 === 0 ? client.set(`k${index}`, index) : client.get(`k${index}`),
      ),
    );
    assert.ok(performance.now() - begin < (limit(read) + slack) * 1000);
    for (const { status, reason } of results) {
      assert.equal(status, "rejected");
      assert.equal(reason.endpoint, server.endpoint);
    }
  });
}

test("a port that nobody listens on", async (t) => {
  const client = clientOf(t, nobody);
  await fails(client.get("k"), ["Connect"], nobody);
  await assert.rejects(client.set("k", 1), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.sent, "not_sent");
    assert.equal(error.code, "ERR_MEMOXIDE_CONNECT");
    assert.equal(error.isRetryable, true);
    return true;
  });
});

test("a host name that does not exist", async (t) => {
  // An empty label: no name server is asked, which might take its time.
  const client = clientOf(t, "no-such-host..invalid");
  await assert.rejects(
    client.get("k"),
    (error) => error instanceof ResolveError && error.endpoint === "no-such-host..invalid:11211",
  );
});

test("a unix socket that is not there", async (t) => {
  const client = clientOf(t, "unix:/nonexistent/cache.sock");
  await fails(client.get("k"), ["Connect"], "unix:/nonexistent/cache.sock");
});

test("a server that fails repeatedly is left alone for a while", async (t) => {
  const server = await fakeServer(t, (socket) => socket.destroy());
  const client = clientOf(t, server.endpoint, { deadAfter: 2, deadRetry: 600 });
  for (let attempt = 0; attempt < 4; attempt++) await assert.rejects(client.set("k", 1));
  const { connections } = server;
  await fails(client.set("k", 1), ["Connect"], server.endpoint);
  assert.equal(server.connections, connections);
});

test("a call's own timeout counts, shorter or longer than the client's", async (t) => {
  const server = await fakeServer(t, () => {});
  for (const [usual, options] of [
    [30, { timeout: 0.2 }],
    [0.2, {}],
  ]) {
    const client = clientOf(t, server.endpoint, { timeout: usual });
    const controller = new AbortController();
    let isOver = false;
    const long = client.get("long", { timeout: 30, signal: controller.signal }).finally(() => {
      isOver = true;
    });
    const begin = performance.now();
    await assert.rejects(
      client.get("short", options),
      (error) => error instanceof TimeoutError && error.isTimeout && error.phase === "read",
    );
    assert.ok(performance.now() - begin >= 199);
    assert.equal(isOver, false);
    controller.abort();
    await assert.rejects(long, { name: "AbortError" });
  }
});

test("a program that keeps the event loop busy does not lose replies that are there", async (t) => {
  const server = await startMemcached(t);
  if (server === undefined) return t.skip("there is no memcached on this machine");
  const client = clientOf(t, server.endpoint, { connectTimeout: 0.05 });
  // Asleep and not at work: the server may need the CPU.
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const lookAway = () => Atomics.wait(cell, 0, 0, 1000);
  // The connection is opened, and then the reply comes, while nobody looks.
  const first = client.set("k", 1);
  process.nextTick(() => process.nextTick(lookAway));
  assert.equal(await first, true);
  const second = client.get("k", { timeout: 0.1 });
  process.nextTick(() => process.nextTick(lookAway));
  assert.equal((await second).value, 1);
});

test("a late reply is not taken for the next call's", async (t) => {
  const late = [];
  const server = await fakeServer(t, (socket) =>
    answerLines(socket, (words) => {
      if (words[1] === "slow") late.push(`VA 4 f16 ${opaqueOf(words)}\r\nlate\r\n`);
      else return `${late.splice(0).join("")}VA 4 f16 ${opaqueOf(words)}\r\nnext\r\n`;
    }),
  );
  const client = clientOf(t, server.endpoint, { protocol: "meta" });
  assert.deepEqual(await client.get("first"), { value: "next", flags: 16 });
  await assert.rejects(client.get("slow", { timeout: 0.1 }), TimeoutError);
  assert.deepEqual(await client.get("fast"), { value: "next", flags: 16 });
  assert.equal(server.connections, 1);
});

test("a read is made again on another connection, a write is not", async (t) => {
  const server = await fakeServer(t, (socket, number) =>
    answerLines(socket, (words) => {
      if (number === 0) socket.destroy();
      else return words[0] === "mg" ? `VA 2 f16 ${opaqueOf(words)}\r\nok\r\n` : "HD\r\n";
    }),
  );
  const client = clientOf(t, server.endpoint, { protocol: "meta" });
  assert.equal((await client.get("k")).value, "ok");

  const other = await fakeServer(t, (socket, number) =>
    answerLines(socket, () => {
      if (number === 0) socket.destroy();
      else return "HD\r\n";
    }),
  );
  const writer = clientOf(t, other.endpoint, { protocol: "meta" });
  await assert.rejects(
    writer.set("k", 1),
    (error) => error instanceof ConnectionLostError && error.sent === "maybe_applied",
  );
  assert.equal(other.received.match(/ms k/g).length, 1);
});

test("a refused request leaves the others of the connection alone", async (t) => {
  const server = await fakeServer(t, (socket) =>
    answerLines(socket, (words) => {
      if (words[1] === "bad") return "SERVER_ERROR busy\r\n";
      return `VA 2 f16 ${opaqueOf(words)}\r\nok\r\n`;
    }),
  );
  const client = clientOf(t, server.endpoint, { protocol: "meta" });
  const touched = ["a", "bad", "b"].map((key) => client.gat(key, 10));
  const [a, bad, b] = await Promise.allSettled(touched);
  assert.equal(a.value.value, "ok");
  assert.ok(bad.reason instanceof ServerError);
  assert.equal(b.value.value, "ok");
});

test("a large value may come slowly, stop, or be given up", async (t) => {
  const size = 500_000;
  const server = await fakeServer(t, (socket) =>
    answerLines(socket, (words) => {
      const header = `VA ${size} f0 ${opaqueOf(words)}\r\n`;
      if (words[1] === "stops") return header + "x".repeat(100_000);
      if (words[1] === "wrong") return `${header}${"x".repeat(size)}!!`;
      if (words[1] === "ends") {
        socket.end(header + "x".repeat(400_000));
        return undefined;
      }
      let sent = 0;
      const send = () => {
        socket.write(sent === 0 ? header : "x".repeat(50_000));
        sent++;
        if (sent <= 10) setImmediate(send);
        else socket.write("\r\n");
      };
      send();
    }),
  );
  const client = clientOf(t, server.endpoint, { protocol: "meta", deadAfter: 100 });
  assert.equal((await client.get("slow")).value.toString(), "x".repeat(size));
  await assert.rejects(client.get("ends"), ConnectionLostError);
  await assert.rejects(client.get("wrong"), ProtocolError);
  assert.equal((await client.get("slow")).value.length, size);
  await assert.rejects(client.get("stops", { timeout: 0.1 }), TimeoutError);
  const aborted = client.get("stops", { signal: AbortSignal.timeout(50) });
  await assert.rejects(aborted, { name: "TimeoutError" });
});

test("nonsense closes the connection, and the next call gets a fresh one", async (t) => {
  const server = await fakeServer(t, (socket, number) =>
    answerLines(socket, () => {
      return number === 0 ? "WHAT\r\n" : "HD\r\n";
    }),
  );
  const client = clientOf(t, server.endpoint, { protocol: "meta" });
  await assert.rejects(client.set("k", 1), ProtocolError);
  assert.equal(server.connections, 1);
  await assert.rejects(client.set("k", 1), ProtocolError);
  assert.equal(server.connections, 2);
});

test("with onError miss a failing server reads as a miss", async (t) => {
  const client = clientOf(t, nobody, { onError: "miss" });
  assert.deepEqual(await client.get("k"), { value: null, flags: null });
  assert.equal(await client.set("k", 1), false);
  assert.deepEqual(await client.getMulti(["a", "b"]), new Map());
  await assert.rejects(client.add("k", 1), ConnectError);
});

test("one server of two is down: its keys fail, and calls on both tell which", async (t) => {
  const server = await startMemcached(t);
  if (server === undefined) return t.skip("there is no memcached on this machine");
  const client = clientOf(t, [server.endpoint, nobody], { deadAfter: 100 });
  const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
  const up = keys.filter((key) => client.serverFor(key) === server.endpoint);
  assert.ok(up.length > 0 && up.length < keys.length);
  const results = await Promise.allSettled(keys.map((key) => client.set(key, key)));
  for (const [index, { status, reason }] of results.entries()) {
    const isUp = up.includes(keys[index]);
    assert.equal(status, isUp ? "fulfilled" : "rejected");
    if (!isUp) assert.equal(reason.endpoint, nobody);
  }
  for (const call of [client.getMulti(keys), client.setMulti(keys.map((key) => [key, 1]))]) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof PartialError, `${error}`);
      assert.ok(error.message.includes(nobody));
      assert.ok(error.parts.every((part) => part.endpoint === nobody));
      return true;
    });
  }
  await assert.rejects(client.version(), PartialError);
});

test("what the others answered is attached to the error about one server", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const { endpoint } = server;
  const client = clientOf(t, [endpoint, nobody], { deadAfter: 100 });
  const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
  const up = keys.filter((key) => client.serverFor(key) === endpoint);
  const lost = keys.filter((key) => !up.includes(key));
  const results = async (call) => {
    try {
      await call;
    } catch (error) {
      assert.ok(error instanceof PartialError, `${error}`);
      assert.deepEqual(
        error.parts.map((part) => part.endpoint),
        [nobody],
      );
      return error.results;
    }
    return assert.fail("the call did not fail");
  };
  assert.deepEqual(
    (await results(client.setMulti(keys.map((key) => [key, 1])))).sort(),
    lost.sort(),
  );
  const found = await results(client.getMulti(keys));
  assert.deepEqual(
    [...found],
    up.map((key) => [key, 1]),
  );
  const items = await results(client.getItemMulti(keys));
  assert.deepEqual([...items.keys()], up);
  assert.deepEqual((await results(client.touchMulti(keys, 60))).sort(), lost);
  assert.deepEqual(Object.keys(await results(client.version())), [endpoint]);
  assert.deepEqual(Object.keys(await results(client.stats("settings"))), [endpoint]);
  assert.equal((await results(client.report()))[endpoint].curr_items, up.length);
  assert.deepEqual(await results(client.verbosity(0)), { [endpoint]: true });
  assert.deepEqual((await results(client.keys())).sort(), up.sort());
  assert.deepEqual((await results(client.deleteMulti(keys))).sort(), lost);
});
