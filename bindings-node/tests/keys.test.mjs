/** Lists of keys, read one by one or collected. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { EmbeddedServer, InvalidKeyError, KeyList, UnsupportedError } from "memoxide";

import { clientOf, fakeServer, onBoth } from "./targets.mjs";

const line = "key=a exp=-1 la=1795218595 cas=2 fetch=no cls=1 size=72\n";

onBoth("keys come one by one or together", async (t, server) => {
  const client = clientOf(t, server.endpoint, { timeout: 10 });
  const keys = Array.from({ length: 5000 }, (_, index) => `user:${index}`);
  await client.setMulti(keys.map((key) => [key, 1]));
  await client.set("other", 1);
  const list = client.keys("user:");
  assert.ok(list instanceof KeyList);
  for (const _ of [1, 2]) {
    const found = [];
    for await (const key of list) found.push(key);
    assert.deepEqual(found.sort(), [...keys].sort());
  }
  assert.deepEqual(await client.keys("oth"), ["other"]);
  assert.equal((await client.keys()).length, 5001);
  const called = await new Promise((resolve) =>
    client.keys("oth", (...results) => resolve(results)),
  );
  assert.deepEqual(called, [null, ["other"]]);
});

test("keys of several servers and of a namespace", async (t) => {
  const servers = await Promise.all([EmbeddedServer.start(), EmbeddedServer.start()]);
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  const client = clientOf(
    t,
    servers.map(({ endpoint }) => endpoint),
  );
  const view = await client.namespace("users");
  await view.setMulti({ a: 1, b: 2, c: 3, d: 4 });
  // So many that each server has some, whatever their ports are.
  await client.setMulti(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`key${n}`, n])));
  const found = [];
  for await (const key of view.keys()) found.push(key);
  assert.deepEqual(found.sort(), ["a", "b", "c", "d"]);
  for (const server of servers) assert.ok(server.items() > 0);
});

test("nothing is asked before a list is read", async (t) => {
  const server = await fakeServer(t, () => {});
  clientOf(t, server.endpoint).keys();
  const failing = clientOf(t, server.endpoint).keys("two\r\nlines", { timeout: "1" });
  await assert.rejects(failing, { kind: "InvalidArgument" });
  await assert.rejects(clientOf(t, server.endpoint).keys(5).finally(), InvalidKeyError);
  assert.equal(server.connections, 0);
});

test("a server that lists no keys says so", async (t) => {
  const server = await fakeServer(t, (socket) => {
    socket.on("data", () => socket.write("ERROR\r\n"));
  });
  const client = clientOf(t, server.endpoint, { protocol: "text" });
  const iterator = client.keys()[Symbol.asyncIterator]();
  await assert.rejects(iterator.next(), UnsupportedError);
  assert.deepEqual(await iterator.next(), { value: undefined, done: true });
  assert.equal(await client.keys().catch((error) => error.kind), "Unsupported");
});

/** A server with a list that does not fit into the buffers on the way. */
async function endless(t) {
  const lines = Buffer.from(line.repeat(1024));
  const state = { sent: 0, total: Math.floor((64 * 2 ** 20) / lines.length) * lines.length };
  const server = await fakeServer(t, (socket) => {
    const go = () => {
      while (state.sent < state.total) {
        state.sent += lines.length;
        if (!socket.write(lines)) return;
      }
      socket.end("END\r\n");
    };
    socket.on("drain", go);
    socket.on("close", () => state.close?.());
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      if (text.includes("metadump")) go();
      else socket.write(text === "version\r\n" ? "VERSION 1.6.45\r\n" : "NOT_FOUND\r\n");
    });
  });
  return Object.assign(state, { endpoint: server.endpoint });
}

test("a server waits for a slow reader, and others do not", async (t) => {
  const server = await endless(t);
  const client = clientOf(t, server.endpoint, { protocol: "text", timeout: 10 });
  let count = 0;
  for await (const key of client.keys()) {
    assert.equal(key, "a");
    if (count++ > 0) continue;
    // Turns of the event loop in which nothing is sent any more.
    for (let quiet = 0; quiet < 500; quiet++) {
      const { sent } = server;
      await client.delete("k");
      if (server.sent !== sent) quiet = 0;
    }
    assert.ok(server.sent < server.total / 2, `${server.sent} bytes were sent`);
  }
  assert.equal(server.sent, server.total);
  assert.equal(count, server.total / line.length);
});

test("leaving the loop closes the connection of the list", async (t) => {
  const server = await endless(t);
  const client = clientOf(t, server.endpoint, { protocol: "text", timeout: 10 });
  const closed = new Promise((resolve) => {
    server.close = resolve;
  });
  for await (const key of client.keys()) {
    assert.equal(key, "a");
    break;
  }
  await closed;
  assert.equal(await client.delete("k"), false);
  const iterator = client.keys()[Symbol.asyncIterator]();
  await iterator.return();
  assert.deepEqual(await iterator.next(), { value: undefined, done: true });
});

test("a signal ends a list", async (t) => {
  const server = await endless(t);
  const client = clientOf(t, server.endpoint, { protocol: "text", timeout: 10 });
  const controller = new AbortController();
  const reason = new Error("enough");
  const read = async () => {
    for await (const _ of client.keys("", { signal: controller.signal })) controller.abort(reason);
  };
  await assert.rejects(read, (error) => error === reason);
});

test("closing the client ends a list", async (t) => {
  const server = await endless(t);
  const client = clientOf(t, server.endpoint, { protocol: "text", timeout: 10 });
  const read = async () => {
    for await (const _ of client.keys()) client.close();
  };
  await assert.rejects(read, { kind: "Closed" });
});

test("a server that ends in the middle of its list fails it after what has come", async (t) => {
  const server = await fakeServer(t, (socket) => {
    socket.on("data", (chunk) => {
      if (chunk.includes("version")) socket.write("VERSION 1.6.45\r\n");
      else socket.end(line.repeat(3));
    });
    once(socket, "end").then(() => socket.end());
  });
  const client = clientOf(t, server.endpoint, { protocol: "text" });
  let count = 0;
  const read = async () => {
    for await (const _ of client.keys()) count++;
  };
  await assert.rejects(read, { kind: "ConnectionLost" });
  assert.equal(count, 3);
});
