/** Placement: every recorded key through the client, and functions of the program. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

import {
  Client,
  EmbeddedServer,
  explainKey,
  InvalidArgumentError,
  InvalidKeyError,
  migrate,
  NoServersError,
} from "memoxide";

import { clientOf } from "./targets.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const vectors = path.join(root, "tests/vectors");
const tools = JSON.parse(readFileSync(path.join(vectors, "tools.json"), "utf8"));

function clientOver(preset, servers) {
  const described = servers.map(({ host, port, name, weight }) => {
    const place = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    const address = host.startsWith("/") ? `unix:${host}` : place;
    const named = name === undefined ? "" : `;name=${name}`;
    return `${address};weight=${weight}${named}`;
  });
  // As recorded, `app_` was added before sending.
  const prefix = preset.startsWith("php-memcached-prefix") ? "app_" : undefined;
  return new Client(described, { hashing: preset, prefix });
}

/** Where a key goes; nothing when no server is left. */
function serverOf(client, key, down) {
  try {
    return down.length > 0 ? explainKey(client, key, { down }).server : client.serverFor(key);
  } catch (error) {
    if (error instanceof NoServersError) return undefined;
    throw error;
  }
}

// Some keys are too long with their prefix: the clients were asked where they
// would go, but could not have stored them.
for (const [file, presets, keys, tooLong] of [
  ["distribution", 68, 120_120, 30],
  ["distribution-more", 46, 53_352, 0],
]) {
  test(`every key recorded in ${file} goes to its server`, () => {
    const packed = readFileSync(path.join(vectors, `interop/${file}.json.gz`));
    const recorded = JSON.parse(gunzipSync(packed)).presets;
    let seen = 0;
    let refused = 0;
    const wrong = [];
    for (const { preset, cases } of recorded) {
      for (const { topology, servers, down = [], keys } of cases) {
        const client = clientOver(preset, servers);
        const names = client.servers;
        const dead = down.map((index) => names[index]);
        for (const [key, index] of Object.entries(keys)) {
          seen++;
          try {
            const expected = index === null ? undefined : names[index];
            if (serverOf(client, key, dead) !== expected) wrong.push({ preset, topology, key });
          } catch (error) {
            assert.ok(error instanceof InvalidKeyError, error);
            assert.ok(Buffer.byteLength(key) > 246);
            refused++;
          }
        }
      }
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual([recorded.length, seen, refused], [presets, keys, tooLong]);
  });
}

/** The md5 of the key modulo the number of servers. */
function md5Modulo(key, servers) {
  const digest = BigInt(`0x${createHash("md5").update(key).digest("hex")}`);
  return Number(digest % BigInt(servers.length));
}

test("md5 modulo is a function of the program", () => {
  assert.equal(tools.md5_modulo.length, 324);
  for (const { servers, key, index } of tools.md5_modulo) {
    const client = new Client(servers, { hashing: md5Modulo });
    assert.equal(client.serverFor(key), servers[index]);
  }
});

test("a function gets the bare key and the names", async () => {
  const asked = [];
  const hashing = (key, servers) => {
    asked.push([key, servers]);
    return 0;
  };
  const servers = ["a;weight=3", { host: "b", port: 11311, weight: 2 }];
  const client = new Client(servers, { hashing, prefix: "app:" });
  assert.equal(client.serverFor("grüße"), "a:11211");
  assert.deepEqual(asked, [[Buffer.from("grüße"), ["a:11211", "b:11311"]]]);
  assert.equal(explainKey(client, "key").hashing, "custom");
});

const byLength = (key) => key.length % 2;

async function pair(t) {
  const servers = await Promise.all([EmbeddedServer.start(), EmbeddedServer.start()]);
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  return servers.map(({ endpoint }) => endpoint);
}

test("a function places every call", async (t) => {
  const [one, two] = await pair(t);
  const client = clientOf(t, [one, two], { hashing: byLength });
  const even = clientOf(t, one);
  const odd = clientOf(t, two);
  await client.set("k", 1);
  await client.setMulti({ kk: 2, kkk: 3 });
  const keys = ["k", "kk", "kkk"];
  const found = async (from) => Object.fromEntries(await from.getMulti(keys));
  assert.deepEqual(await found(client), { k: 1, kk: 2, kkk: 3 });
  assert.deepEqual(await found(even), { kk: 2 });
  assert.deepEqual(await found(odd), { k: 1, kkk: 3 });
  await client.set("k", 4, { serverKey: "kk" });
  assert.equal((await even.get("k")).value, 4);
  assert.equal((await client.get("k")).value, 1);
  const { copied, inPlace, misplaced } = await migrate(client, odd);
  // Misplaced are what the server key has put there, and the copy of kk.
  assert.deepEqual({ copied, inPlace, misplaced }, { copied: 1, inPlace: 2, misplaced: 2 });
});

test("a function places what is counted, changed, locked and within namespaces", async (t) => {
  const [one, two] = await pair(t);
  const asked = [];
  const hashing = (key) => {
    asked.push(key.toString());
    return byLength(key);
  };
  const client = clientOf(t, [one, two], { hashing });
  const even = clientOf(t, one);
  await client.increment("kk", 1, { initial: 5 });
  assert.equal(await client.update("kk", (value) => value + 1), 6);
  assert.equal((await even.get("kk")).value, 6);
  const lock = await client.lock("lock", 10);
  assert.equal(await even.exists("lock"), true);
  await lock.release();
  assert.equal(await even.exists("lock"), false);
  assert.equal((await client.take("kk")).value, 6);
  const view = await client.namespace("space");
  asked.length = 0;
  await view.set("kk", 7);
  assert.equal(view.serverFor("kk"), one);
  assert.deepEqual(asked, ["kk", "kk"]);
  assert.equal((await view.get("kk")).value, 7);
  await client.invalidate("space");
  assert.equal((await (await client.namespace("space")).get("kk")).value, null);
});

test("a function that fails fails the call, and only that", async (t) => {
  const [one, two] = await pair(t);
  for (const [answer, message] of [
    [2, /named server 2, there are 2/],
    [-1, /named server -1/],
    [0.5, /named server 0.5/],
    ["1", /named server 1/],
    [undefined, /named server undefined/],
  ]) {
    const hashing = (key) => (key.toString() === "bad" ? answer : 1);
    const client = clientOf(t, [one, two], { hashing });
    const calls = [client.set("good", 1), client.set("bad", 1), client.get("good")];
    const [first, second, third] = await Promise.allSettled(calls);
    assert.equal(first.value, true);
    assert.ok(second.reason instanceof InvalidArgumentError);
    assert.match(second.reason.message, message);
    assert.equal(third.value.value, 1);
    assert.throws(() => client.serverFor("bad"), InvalidArgumentError);
  }
  const thrown = new RangeError("no");
  const throwing = () => {
    throw thrown;
  };
  const client = clientOf(t, [one, two], { hashing: throwing });
  await assert.rejects(client.get("k"), (error) => error === thrown);
  await assert.rejects(client.getMulti(["k"]), (error) => error === thrown);
});

test("a function cannot use the client that asks it", async (t) => {
  const [one, two] = await pair(t);
  let own;
  const hashing = () => {
    own.get("other").catch((error) => refused.push(error));
    return 0;
  };
  const refused = [];
  const client = clientOf(t, [one, two], { hashing });
  own = client;
  assert.equal(await client.set("k", 1), true);
  assert.equal(refused.length, 1);
  assert.match(refused[0].message, /cannot use the client/);
});
