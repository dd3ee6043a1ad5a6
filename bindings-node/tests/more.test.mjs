/** Operations that decide on the way, and values and lists beyond the everyday. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, ConflictError, DecodeError, EmbeddedServer, EncodeError, Lock } from "memoxide";

import { clientOf, fakeServer, onBoth } from "./targets.mjs";

const miss = { value: null, flags: null };

onBoth("several items come with cas ids, or with everything", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  await client.setMulti({ a: 1, b: "two" }, { expires: 100 });
  const hits = await client.getsMulti(["b", "x", "a"]);
  assert.deepEqual([...hits.keys()], ["b", "a"]);
  assert.equal(hits.get("a").cas, (await client.gets("a")).cas);
  assert.equal(await client.cas("a", 3, hits.get("a")), "stored");
  const items = await client.getItemMulti(["a", "x", "b"]);
  assert.deepEqual([...items.keys()], ["a", "b"]);
  const { value, flags, ttl, size } = items.get("b");
  assert.deepEqual([value, flags, size], ["two", 16, 3]);
  assert.ok(ttl > 90 && ttl <= 100);
});

onBoth("bytes and flags pass any dialect", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.equal(await client.getRaw("k"), null);
  await client.set("k", { a: 1 });
  assert.deepEqual(await client.getRaw("k"), { flags: 0x10010, bytes: Buffer.from('{"a":1}') });
  const bytes = Buffer.from([0xff, 0, 0x0d, 0x0a]);
  assert.equal(await client.setRaw("k", bytes, { flags: 0xffff_ffff, expires: 100 }), true);
  assert.deepEqual(await client.getRaw("k"), { flags: 0xffff_ffff, bytes });
  await assert.rejects(client.get("k"), DecodeError);
  for (const [value, flags] of [
    ["text", 0],
    [5, 0],
    [bytes, -1],
    [bytes, 2 ** 32],
    [bytes, "1"],
  ]) {
    await assert.rejects(client.setRaw("k", value, { flags }), { kind: "InvalidArgument" });
  }
});

onBoth("one of several callers takes an item", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.deepEqual(await client.take("k"), miss);
  await client.set("k", "once");
  const taken = await Promise.all(Array.from({ length: 10 }, () => client.take("k")));
  assert.deepEqual(
    taken.filter(({ flags }) => flags !== null),
    [{ value: "once", flags: 16 }],
  );
  assert.deepEqual(await client.get("k"), miss);
});

onBoth("updates lose no change", async (t, server) => {
  const client = clientOf(t, server.endpoint, { timeout: 10 });
  assert.equal(await client.update("n", (value) => value ?? 0), 0);
  const limit = 1000;
  const add = (value) => value + 1;
  const later = async (value) => {
    await new Promise(setImmediate);
    return value + 1;
  };
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      client.update("n", index % 2 ? add : later, { limit }),
    ),
  );
  assert.equal((await client.get("n")).value, 20);
});

onBoth("an update may leave the item, fail, or set its expiry", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.equal(await client.update("k", () => undefined), undefined);
  assert.equal(await client.exists("k"), false);
  assert.equal(await client.update("k", () => null, { expires: 100 }), null);
  assert.ok((await client.getItem("k")).ttl > 90);
  const failure = new Error("not now");
  const failing = () => {
    throw failure;
  };
  await assert.rejects(client.update("k", failing), (error) => error === failure);
  await assert.rejects(
    client.update("k", async () => failing()),
    (error) => error === failure,
  );
  await assert.rejects(
    client.update("k", () => new Date()),
    EncodeError,
  );
  await assert.rejects(client.update("k", "no function"), { kind: "InvalidArgument" });
  await client.setRaw("k", Buffer.from("?"), { flags: 0xffff });
  await assert.rejects(
    client.update("k", () => 1),
    DecodeError,
  );
  const meanwhile = async () => {
    await client.set("k", "other");
    return "own";
  };
  await client.set("k", "first");
  await assert.rejects(client.update("k", meanwhile, { limit: 2 }), ConflictError);
  assert.equal((await client.get("k")).value, "other");
});

test("an update that has ended does not answer for the next call", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = clientOf(t, server.endpoint);
  await client.set("k", "old");
  let answer;
  const asked = new Promise((resolve) => {
    answer = { asked: resolve };
  });
  const change = () => {
    answer.asked();
    return new Promise((resolve) => {
      answer.give = resolve;
    });
  };
  const controller = new AbortController();
  const update = client.update("k", change, { signal: controller.signal });
  await asked;
  controller.abort();
  await assert.rejects(update, { name: "AbortError" });
  const next = client.update("other", async () => {
    answer.give("late");
    await new Promise(setImmediate);
    return "own";
  });
  assert.equal(await next, "own");
  assert.equal((await client.get("k")).value, "old");
  assert.equal((await client.get("other")).value, "own");
  await assert.rejects(
    client.update("k", () => new Promise(() => {}), { timeout: 0.1 }),
    {
      kind: "Timeout",
    },
  );
});

onBoth("a lock has one owner, until it is given back or over", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const lock = await client.lock("lock", 30);
  assert.ok(lock instanceof Lock);
  assert.equal(lock.key, "lock");
  assert.equal(await client.lock("lock", 30), null);
  assert.equal(await lock.extend(60), true);
  assert.ok((await client.getItem("lock")).ttl > 30);
  const waiting = client.lock("lock", 30, { wait: 10 });
  assert.equal(await lock.release(), true);
  const next = await waiting;
  assert.notEqual(next.token, lock.token);
  assert.equal(await lock.release(), false);
  assert.equal(await lock.extend(10), false);
  await next[Symbol.asyncDispose]();
  assert.equal(await client.exists("lock"), false);
  for (const expires of [0, -1, Number.NaN, "1", undefined]) {
    await assert.rejects(client.lock("lock", expires), { kind: "InvalidArgument" });
  }
  await assert.rejects(client.lock("lock", 1, { wait: -1 }), { kind: "InvalidArgument" });
});

onBoth("a namespace keeps keys apart, and is emptied at once", async (t, server) => {
  const client = clientOf(t, server.endpoint, { prefix: "app:" });
  const users = await client.namespace("users");
  assert.ok(users instanceof Client);
  await users.set("k", 1);
  await client.set("k", 2);
  assert.equal((await users.get("k")).value, 1);
  assert.equal((await client.get("k")).value, 2);
  const inner = await users.namespace("inner");
  await inner.setMulti({ k: 3, other: 4 });
  assert.deepEqual(
    await inner.getMulti(["k", "other"]),
    new Map([
      ["k", 3],
      ["other", 4],
    ]),
  );
  assert.equal((await users.get("k")).value, 1);
  // memcached leaves out items that another thread just touches.
  assert.ok((await users.keys("k")).every((key) => key === "k"));
  assert.equal(users.serverFor("k"), server.endpoint);
  assert.equal(await client.invalidate("users"), true);
  assert.equal((await users.get("k")).value, 1);
  const fresh = await client.namespace("users");
  assert.deepEqual(await fresh.get("k"), miss);
  assert.equal((await client.get("k")).value, 2);
  await assert.rejects(client.namespace("two words"), { kind: "InvalidKey" });
  users.close();
  await assert.rejects(client.get("k"), { kind: "Closed" });
});

onBoth("keys are listed, without the client's prefix", async (t, server) => {
  const client = clientOf(t, server.endpoint, { timeout: 10 });
  assert.deepEqual(await client.keys(), []);
  const keys = Array.from({ length: 300 }, (_, index) => `user:${index}`);
  await client.setMulti(keys.map((key) => [key, key]));
  await client.set(Buffer.from([0xff, 0x80]), 1);
  await client.set("ü%", 1);
  assert.deepEqual((await client.keys("user:")).sort(), [...keys].sort());
  assert.deepEqual((await client.keys("user:29")).length, 11);
  const others = (await client.keys()).filter((key) => !keys.includes(key));
  assert.equal(others.length, 2);
  assert.ok(others.includes("ü%"));
  assert.ok(others.some((key) => Buffer.isBuffer(key) && key.equals(Buffer.from([0xff, 0x80]))));
  const prefixed = clientOf(t, server.endpoint, { timeout: 10, prefix: "user:" });
  assert.deepEqual((await prefixed.keys("29")).sort()[0], "29");
});

onBoth("reports are typed", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  await client.set("k", 1);
  const general = (await client.report())[server.endpoint];
  assert.equal(typeof general.pid, "number");
  assert.equal(general.curr_items, 1);
  const settings = (await client.report("settings"))[server.endpoint];
  assert.equal(typeof settings.maxbytes, "number");
  assert.equal(typeof settings.cas_enabled, "boolean");
  await assert.rejects(client.report("nothing"), { kind: "UnknownCommand" });
  await assert.rejects(client.report(5), { kind: "InvalidArgument" });
});

test("a list of keys that stops fails in time and leaves other calls alone", async (t) => {
  const server = await fakeServer(t, (socket) => {
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      if (text.includes("metadump"))
        socket.write("key=a exp=-1 la=1 cas=1 fetch=no cls=1 size=63\r\n");
      else if (text.includes("mn\r\n")) socket.write("MN\r\n");
      else socket.write(text.replace(/md k (O\d+)\r\n/g, "HD $1\r\n"));
    });
  });
  const client = clientOf(t, server.endpoint, { timeout: 10, protocol: "meta" });
  const listing = client.keys("", { timeout: 0.2 });
  assert.equal(await client.delete("k"), true);
  await assert.rejects(listing, { kind: "Timeout" });
  assert.equal(await client.delete("k"), true);
});
