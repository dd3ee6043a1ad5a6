/** The tools of whoever runs a cluster, by the vectors of all languages. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import {
  Client,
  ConnectError,
  comparePlacements,
  EmbeddedServer,
  explainKey,
  explainValue,
  InvalidArgumentError,
  InvalidKeyError,
  migrate,
  NoServersError,
} from "memoxide";

import { clientOf } from "./targets.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const tools = JSON.parse(readFileSync(path.join(root, "tests/vectors/tools.json"), "utf8"));

const bytesOf = (value) =>
  "utf8" in value ? Buffer.from(value.utf8) : Buffer.from(value.hex, "hex");
const side = ({ servers, hashing }) => new Client(servers, { hashing });
const range = (count, prefix) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Five servers, the first three with the old placement, the others with the new one. */
async function clusters(t) {
  const servers = await Promise.all(Array.from({ length: 5 }, () => EmbeddedServer.start()));
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  const endpoints = servers.map(({ endpoint }) => endpoint);
  return {
    old: clientOf(t, endpoints.slice(0, 3), { hashing: "python-memcached" }),
    target: clientOf(t, endpoints.slice(3)),
  };
}

/** Says something to a server without a client, and returns what it answers. */
async function told(endpoint, request, isComplete) {
  const [host, port] = endpoint.split(":");
  const socket = net.connect(Number(port), host);
  try {
    socket.write(request);
    let reply = Buffer.alloc(0);
    while (!isComplete(reply)) reply = Buffer.concat([reply, ...(await once(socket, "data"))]);
    return reply;
  } finally {
    socket.destroy();
  }
}

async function store(endpoint, { key, flags, ttl, value }) {
  const data = bytesOf(value);
  const head = `set ${key} ${flags} ${ttl} ${data.length}\r\n`;
  const request = Buffer.concat([Buffer.from(head), data, Buffer.from("\r\n")]);
  const reply = await told(endpoint, request, (bytes) => bytes.includes("\r\n"));
  assert.equal(reply.toString(), "STORED\r\n");
}

/** Returns flags, time to live (-1 for none) and bytes of an item. */
async function load(endpoint, key) {
  const reply = await told(endpoint, `mg ${key} f t v\r\nmn\r\n`, (bytes) =>
    bytes.subarray(-4).equals(Buffer.from("MN\r\n")),
  );
  const line = reply.indexOf("\r\n");
  const [code, size, flags, ttl] = reply.subarray(0, line).toString().split(" ");
  assert.equal(code, "VA");
  const bytes = reply.subarray(line + 2, line + 2 + Number(size));
  return { flags: Number(flags.slice(1)), ttl: Number(ttl.slice(1)), bytes };
}

test("keys are explained", () => {
  assert.equal(tools.explain.length, 24);
  for (const { servers, hashing, key, server, ...figures } of tools.explain) {
    const explained = explainKey(side({ servers, hashing }), key);
    assert.equal(explained.server, server);
    assert.equal(explained.order[0], server);
    assert.equal(explained.hashing, hashing);
    assert.equal(explained.key.toString(), key);
    assert.equal(explained.hashed.toString(), key);
    const wide = (number) => (number === undefined ? null : BigInt(number));
    assert.equal(explained.hash, wide(figures.hash), key);
    assert.equal(explained.point, wide(figures.point), key);
    for (const name of ["points", "slot", "slots"]) {
      assert.equal(explained[name], figures[name] ?? null, `${key}: ${name}`);
    }
    assert.match(explained.text, new RegExp(`is on ${server}`));
  }
});

test("a prefix is part of the key and may not be hashed", () => {
  const explained = explainKey(new Client("a,b,c", { prefix: "app:" }), Buffer.from("user:1"));
  assert.equal(explained.key.toString(), "app:user:1");
  assert.equal(explained.hashed.toString(), "user:1");
  const memjs = new Client("a,b,c", { prefix: "app:", hashing: "memjs" });
  assert.equal(explainKey(memjs, "user:1").hashed.toString(), "app:user:1");
});

test("the key of a server that is down goes elsewhere", () => {
  const client = new Client("a,b,c");
  const first = explainKey(client, "user:1");
  const second = explainKey(client, "user:1", { down: [first.server] });
  assert.equal(second.server, first.order[1]);
  assert.ok(!second.order.includes(first.server));
  assert.throws(() => explainKey(client, "user:1", { down: client.servers }), NoServersError);
  const unknown = { kind: "InvalidArgument", message: /no server is called/ };
  assert.throws(() => explainKey(client, "user:1", { down: ["d"] }), unknown);
  const list = { kind: "InvalidArgument", message: /list of names/ };
  assert.throws(() => explainKey(client, "user:1", { down: "a:11211" }), list);
  assert.throws(() => explainKey(client, "two words"), InvalidKeyError);
  assert.throws(() => explainKey(client, 5), InvalidKeyError);
  assert.throws(() => explainKey("a,b,c", "user:1"), InvalidArgumentError);
});

test("values are explained", () => {
  const [first] = explainValue(0x10010, Buffer.from('{"id":1}'));
  assert.equal(first.dialect, "memoxide");
  assert.equal(first.kind, "map");
  assert.equal(first.compression, null);
  assert.equal(first.size, 8);
  assert.equal(first.confidence, "likely");
  assert.match(first.text, /^likely memoxide: map, 8 bytes/);
  const strange = explainValue(0xdeadbeef, Buffer.from([0xff]));
  assert.ok(strange.length > 0);
  for (const flags of [-1, 1.5, 2 ** 32, "1"]) {
    assert.throws(() => explainValue(flags, Buffer.alloc(0)), InvalidArgumentError);
  }
  assert.throws(() => explainValue(0, "text"), InvalidArgumentError);
});

test("placements are compared", async () => {
  for (const { keys, ...wanted } of tools.compare) {
    const names = range(keys.count, keys.prefix);
    const compared = await comparePlacements(side(wanted.old), side(wanted.new), names, {
      limit: 10,
    });
    assert.equal(compared.keys, keys.count);
    assert.equal(compared.moved, wanted.moved);
    assert.equal(compared.share, wanted.moved / keys.count);
    const flowing = compared.flows.reduce((sum, flow) => sum + flow.keys, 0);
    assert.equal(flowing, wanted.moved);
    assert.deepEqual(compared.shares, wanted.shares);
    assert.equal(compared.moving.length, Math.min(10, wanted.moved));
  }
});

test("keys come from an iterable, from a file or from the servers", async (t) => {
  const { old, target } = await clusters(t);
  const keys = range(300, "user:");
  await old.setMulti(keys.map((key) => [key, 1]));
  const folder = mkdtempSync(path.join(tmpdir(), "memoxide-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "keys");
  const dumped = keys.slice(150).map((key) => `key=${key} exp=-1`);
  writeFileSync(file, [...keys.slice(0, 150), ...dumped].join("\n"));
  async function* slowly() {
    for (const key of keys) yield await Promise.resolve(key);
  }
  for (const source of [keys, new Set(keys), slowly(), { file }, undefined]) {
    const compared = await comparePlacements(old, target, source);
    const { keys: count, moved, passedOver } = compared;
    assert.deepEqual({ count, moved, passedOver }, { count: 300, moved: 300, passedOver: 0 });
    assert.deepEqual(compared.moving.map(String).sort(), [...keys].sort());
  }
  assert.equal((await comparePlacements(old, old)).moved, 0);
  const unreadable = { kind: "InvalidArgument", message: /cannot be read/ };
  await assert.rejects(
    comparePlacements(old, target, { file: path.join(folder, "none") }),
    unreadable,
  );
  for (const wrong of [5, null, "key", Buffer.from("key"), { path: file }, { file: 5 }]) {
    await assert.rejects(comparePlacements(old, target, wrong), InvalidArgumentError);
  }
  await assert.rejects(comparePlacements(old, target, [5]), InvalidKeyError);
  for (const limit of [-1, 0.5, "1"]) {
    await assert.rejects(comparePlacements(old, target, keys, { limit }), InvalidArgumentError);
  }
});

test("items are migrated as they are", async (t) => {
  const { old, target } = await clusters(t);
  for (const item of tools.items) await store(old.serverFor(item.key), item);
  const summary = await migrate(old, target);
  const count = tools.items.length;
  assert.ok(summary.finished);
  const { listed, copied, moved } = summary;
  assert.deepEqual({ listed, copied, moved }, { listed: count, copied: count, moved: count });
  const bytes = tools.items.reduce((sum, { value }) => sum + bytesOf(value).length, 0);
  assert.equal(summary.bytes, bytes);
  for (const { key, flags, ttl, value } of tools.items) {
    const found = await load(target.serverFor(key), key);
    assert.deepEqual([found.flags, found.bytes], [flags, bytesOf(value)]);
    if (ttl === 0) assert.equal(found.ttl, -1);
    else assert.ok(ttl - 60 <= found.ttl && found.ttl <= ttl);
  }
  const verified = await migrate(old, target, { mode: "verify" });
  assert.equal(verified.same, count);
  assert.deepEqual(verified.unresolved, []);
  const again = await migrate(old, target, { checkFirst: true });
  assert.deepEqual([again.copied, again.present], [0, count]);
  assert.match(again.text, new RegExp(`^${count} keys: ${count} already there; 0 bytes in `));
});

test("what differs is told and can be given again", async (t) => {
  const { old, target } = await clusters(t);
  await old.setMulti(range(20, "user:").map((key, index) => [key, index]));
  const planned = await migrate(old, target, { mode: "dry-run" });
  assert.equal(planned.copied, 20);
  assert.equal((await target.get("user:1")).value, null);
  await migrate(old, target);
  await target.set("user:3", "other");
  await target.delete("user:4");
  const verified = await migrate(old, target, { mode: "verify" });
  assert.deepEqual([verified.same, verified.different, verified.missing], [18, 1, 1]);
  const unresolved = [...verified.unresolved].sort((a, b) => Buffer.compare(a.key, b.key));
  const expected = [
    ["user:3", "different"],
    ["user:4", "missing"],
  ];
  assert.deepEqual(
    unresolved,
    expected.map(([key, reason]) => {
      return { key: Buffer.from(key), server: target.serverFor(key), reason, error: null };
    }),
  );
  const keys = unresolved.map(({ key }) => key);
  const repaired = await migrate(old, target, { keys, overwrite: true });
  assert.deepEqual([repaired.listed, repaired.copied], [2, 2]);
  const values = await target.getMulti(["user:3", "user:4"]);
  assert.deepEqual([...values.values()], [3, 4]);
});

test("progress is told and may end the run", async (t) => {
  const { old, target } = await clusters(t);
  await old.setMulti(range(1000, "user:").map((key, index) => [key, index]));
  const seen = [];
  const summary = await migrate(old, target, {
    onProgress(progress) {
      seen.push(progress);
      return progress.counts.copied < 300;
    },
  });
  assert.equal(summary.finished, false);
  assert.ok(300 <= summary.copied && summary.copied < 1000);
  assert.equal(seen[0].servers, 3);
  assert.equal(seen[0].expected, 1000);
  assert.ok(old.servers.includes(seen[0].server));
  assert.equal(seen.at(-1).counts.copied, summary.copied);
  // What is no `false` goes on.
  const rest = await migrate(old, target, { onProgress: (progress) => seen.push(progress) });
  assert.ok(rest.finished);
  assert.equal(seen.at(-1).serversDone, 3);
});

test("what the program throws comes out", async (t) => {
  const { old, target } = await clusters(t);
  await old.set("key", 1);
  const thrown = new RangeError("enough");
  const fail = () => {
    throw thrown;
  };
  const is = (error) => error === thrown;
  function* keys() {
    yield "key";
    fail();
  }
  await assert.rejects(migrate(old, target, { onProgress: fail }), is);
  await assert.rejects(migrate(old, target, { keys: keys() }), is);
  await assert.rejects(comparePlacements(old, target, keys()), is);
  const placing = new Client(old.servers, { hashing: fail });
  await assert.rejects(comparePlacements(placing, target, ["key"]), is);
  await assert.rejects(migrate(placing, target), is);
  const refused = (message) => ({ kind: "InvalidArgument", message });
  await assert.rejects(migrate(old, target, { mode: "move" }), refused(/mode/));
  await assert.rejects(migrate(old, target, { mode: {} }), refused(/mode/));
  await assert.rejects(migrate(old, target, { keysPerSecond: 0 }), refused(/keys_?per_?second/i));
  await assert.rejects(migrate(old, target, { onProgress: 5 }), refused(/onProgress/));
  await assert.rejects(migrate(old, target, { speed: 5 }), refused(/speed/));
  await assert.rejects(migrate(old, "a,b"), InvalidArgumentError);
});

test("a signal ends a run that waits", async (t) => {
  const { old, target } = await clusters(t);
  await old.setMulti(range(100, "user:").map((key) => [key, 1]));
  const controller = new AbortController();
  const reason = new Error("enough");
  // At this rate it would take three hours.
  const run = migrate(old, target, {
    keysPerSecond: 0.01,
    onProgress: () => setImmediate(() => controller.abort(reason)),
    signal: controller.signal,
  });
  await assert.rejects(run, (error) => error === reason);
  const { signal } = controller;
  await assert.rejects(migrate(old, target, { signal }), (error) => error === reason);
  await assert.rejects(comparePlacements(old, target, undefined, { signal }), reason);
});

test("the event loop goes on meanwhile", async (t) => {
  const { old, target } = await clusters(t);
  await old.setMulti(range(50, "user:").map((key) => [key, 1]));
  let turns = 0;
  const count = () => {
    turns++;
    turning = setImmediate(count);
  };
  let turning = setImmediate(count);
  t.after(() => clearImmediate(turning));
  const summary = await migrate(old, target, { keysPerSecond: 10, onProgress: () => turns < 3 });
  assert.ok(0 < summary.copied && summary.copied < 50);
});

test("a server that is down is told", async (t) => {
  const { old } = await clusters(t);
  const server = await EmbeddedServer.start();
  const gone = clientOf(t, server.endpoint);
  await server.stop();
  await assert.rejects(migrate(gone, old), ConnectError);
  await old.set("key", 1);
  const summary = await migrate(old, gone, { maxFailures: 1 });
  assert.equal(summary.finished, false);
  assert.equal(summary.unresolved.length, 1);
  const [{ key, reason, error }] = summary.unresolved;
  assert.deepEqual([key.toString(), reason], ["key", "failed"]);
  assert.ok(error instanceof ConnectError);
});
