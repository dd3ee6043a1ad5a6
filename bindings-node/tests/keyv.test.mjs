/** The adapter for Keyv, by itself and under both versions of Keyv. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import Keyv6 from "keyv";
import Keyv5 from "keyv5";
import { Client, ConfigError, EmbeddedServer } from "memoxide";
import { KeyvMemoxide } from "memoxide/keyv";

import { clientOf, onBoth } from "./targets.mjs";

const versions = { 5: Keyv5, 6: Keyv6 };

/** Registers a test for each version of Keyv and each server; `make` makes a Keyv. */
function onAll(name, body) {
  for (const [version, Keyv] of Object.entries(versions)) {
    onBoth(`${name}, Keyv ${version}`, async (t, server) => {
      const client = clientOf(t, server.endpoint);
      const make = (options) => {
        const store = new KeyvMemoxide(client, { keyv: Number(version), generationAge: 0 });
        const keyv = new Keyv({ store, ...options });
        keyv.on("error", (error) => {
          throw error;
        });
        return keyv;
      };
      await body(t, make, client, Number(version));
    });
  }
}

onAll("values come back as they were", async (_t, make) => {
  const keyv = make();
  assert.equal(await keyv.get("key"), undefined);
  for (const value of [
    "text",
    "",
    "'",
    '"',
    0,
    1.5,
    false,
    null,
    { a: [1, null] },
    Buffer.from([0, 255]),
  ]) {
    assert.equal(await keyv.set("key", value), true);
    assert.deepEqual(await keyv.get("key"), value);
  }
  assert.equal(await keyv.has("key"), true);
  assert.equal(await keyv.delete("key"), true);
  assert.equal(await keyv.delete("key"), false);
  assert.equal(await keyv.has("key"), false);
});

onAll("several keys at once", async (_t, make) => {
  const keyv = make();
  await keyv.setMany([
    { key: "a", value: 1 },
    { key: "b", value: 2, ttl: 60_000 },
    { key: "c", value: 3 },
  ]);
  assert.deepEqual(await keyv.get(["a", "nothing", "b"]), [1, undefined, 2]);
  assert.deepEqual(await keyv.hasMany(["a", "nothing"]), [true, false]);
  assert.ok(await keyv.delete(["a", "b"]));
  assert.deepEqual(await keyv.get(["a", "b", "c"]), [undefined, undefined, 3]);
});

onAll("values end to the millisecond, and their items not before", async (t, make, client) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const keyv = make({ namespace: "app" });
  // Ten seconds: the server's clock goes on, and its item has to be there in the end.
  await keyv.set("short", "text", 10_000);
  await keyv.set("long", "text", 60_000);
  await keyv.set("ever", "text");
  t.mock.timers.tick(9999);
  assert.equal(await keyv.get("short"), "text");
  t.mock.timers.tick(2);
  assert.equal(await keyv.get("short"), undefined);
  assert.equal(await keyv.get("long"), "text");
  const view = await client.namespace("app");
  const left = {};
  for (const key of await view.keys()) left[key.split(":").at(-1)] = (await view.getItem(key)).ttl;
  assert.equal(left.ever, null);
  assert.ok(left.long > 30 && left.long <= 60, `${left.long}`);
});

onAll("namespaces are apart, and cleared apart", async (_t, make, client) => {
  const [one, two] = [make({ namespace: "one" }), make({ namespace: "two" })];
  await client.set("key", "of somebody else");
  await one.set("key", 1);
  await two.set("key", 2);
  assert.equal(await one.get("key"), 1);
  assert.equal(await one.clear(), undefined);
  assert.equal(await one.get("key"), undefined);
  assert.equal(await two.get("key"), 2);
  await one.set("key", 3);
  assert.equal(await one.get("key"), 3);
  assert.equal((await client.get("key")).value, "of somebody else");
});

onBoth("another process sees what was cleared", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const here = new KeyvMemoxide(client);
  const asking = new KeyvMemoxide(client, { generationAge: 0 });
  await here.set("key", "text");
  assert.equal(await asking.get("key"), "text");
  await here.clear();
  assert.equal(await here.get("key"), undefined);
  assert.equal(await asking.get("key"), undefined);
});

test("one round trip, and one more for the generation once in a while", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = clientOf(t, server.endpoint);
  await client.get("begun");
  server.logRequests();
  const store = new KeyvMemoxide(client, { generationAge: 3600 });
  const costs = async (act) => {
    server.clearLog();
    await act();
    return server.loggedRequests().map(({ command }) => command);
  };
  assert.equal((await costs(() => store.get("key"))).length, 3);
  assert.deepEqual(await costs(() => store.get("key")), ["mg"]);
  assert.deepEqual(await costs(() => store.set("key", "text")), ["ms"]);
  assert.deepEqual(await costs(() => store.delete("key")), ["md"]);
  assert.equal((await costs(() => store.getMany(["a", "b", "c"]))).length, 1);
});

onBoth("the iterator goes through a namespace", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const keyv = new Keyv6({ store: new KeyvMemoxide(client), namespace: "one" });
  const other = new Keyv6({ store: new KeyvMemoxide(client), namespace: "two" });
  const wanted = new Map(Array.from({ length: 250 }, (_, index) => [`k${index}`, index]));
  await Promise.all([...wanted].map(([key, value]) => keyv.set(key, value)));
  await other.set("k0", "other");
  const found = new Map();
  for await (const [key, value] of keyv.iterator()) found.set(key, value);
  assert.deepEqual(new Map([...found].sort()), new Map([...wanted].sort()));
});

onBoth("the contract of Keyv 6, without it", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const store = new KeyvMemoxide(client, { namespace: "app" });
  assert.equal(store.capabilities.expires, true);
  assert.equal(new Keyv6({ store }).store, store);
  assert.equal(await store.set("gone", "text", Date.now() - 1), true);
  assert.equal(await store.get("gone"), undefined);
  await store.set("key", { tree: [1, "two"] }, Date.now() + 60_000);
  assert.deepEqual(await store.get("key"), { tree: [1, "two"] });
  // What has ended takes what was there with it.
  await store.set("key", "text", Date.now());
  assert.equal(await store.has("key"), false);
  const entries = [
    { key: "a", value: "1", expires: Date.now() + 60_000 },
    { key: "b", value: "2" },
  ];
  assert.deepEqual(await store.setMany(entries), [true, true]);
  assert.deepEqual(await store.getMany(["b", "c", "a"]), ["2", undefined, "1"]);
  assert.deepEqual(await store.deleteMany(["a", "c"]), [true, false]);
  assert.deepEqual(await store.hasMany(["a", "b"]), [false, true]);
  assert.equal(await store.clear(), undefined);
});

test("errors are emitted, and calls go on without an answer", async (t) => {
  const client = clientOf(t, "127.0.0.1:1", { retryAttempts: 0 });
  const store = new KeyvMemoxide(client);
  await assert.rejects(store.get("key"), { code: "ERR_MEMOXIDE_CONNECT" });
  const errors = [];
  store.on("error", (error) => errors.push(error.code));
  assert.equal(await store.get("key"), undefined);
  assert.equal(await store.set("key", "text"), false);
  assert.deepEqual(await store.setMany([{ key: "a", value: 1 }]), [false]);
  assert.deepEqual(await store.getMany(["a", "b"]), [undefined, undefined]);
  assert.deepEqual(await store.deleteMany(["a"]), [false]);
  assert.deepEqual(await store.hasMany(["a"]), [false]);
  assert.equal(await store.delete("key"), false);
  assert.equal(await store.has("key"), false);
  await store.clear();
  assert.deepEqual(errors, Array(9).fill("ERR_MEMOXIDE_CONNECT"));

  const keyv = new Keyv6({ store: new KeyvMemoxide(client) });
  const told = once(keyv, "error").catch(([error]) => error);
  keyv.on("error", () => {});
  assert.equal(await keyv.get("key"), undefined);
  await told;
});

test("a server that comes back is used again", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = clientOf(t, server.endpoint, { deadAfter: 1000 });
  const store = new KeyvMemoxide(client, { generationAge: 3600 });
  // It keeps its port, which a server that has stopped may lose.
  await server.refuseConnections();
  await assert.rejects(store.get("key"), { code: "ERR_MEMOXIDE_CONNECT" });
  await server.acceptConnections();
  assert.equal(await store.get("key"), undefined);
});

test("a client of its own is closed with it, another is not", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const own = new KeyvMemoxide(server.endpoint);
  assert.ok(own.client instanceof Client);
  await own.set("key", "text");
  await own.disconnect();
  await assert.rejects(own.get("key"), { code: "ERR_MEMOXIDE_CLOSED" });
  const client = clientOf(t, server.endpoint);
  const lent = new KeyvMemoxide(client);
  await lent.disconnect();
  assert.equal(await lent.get("key"), "text");
});

test("wrong options", () => {
  assert.throws(() => new KeyvMemoxide("a", { generationAge: -1 }), ConfigError);
  assert.throws(() => new KeyvMemoxide("a", { keyv: 4 }), ConfigError);
  assert.throws(() => new KeyvMemoxide(5), ConfigError);
});
