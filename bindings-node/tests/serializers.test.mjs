/** Serializers of the program's own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import v8 from "node:v8";

import { decode, encode } from "@msgpack/msgpack";
import { Client, ConfigError, DecodeError, EncodeError, InvalidArgumentError } from "memoxide";

import { clientOf, onBoth } from "./targets.mjs";

const msgpack = { format: "msgpack", serialize: encode, deserialize: decode };
/** The flags of MessagePack in the dialect `memoxide`. */
const marked = 0x40000;

onBoth("values go through MessagePack", async (t, server) => {
  const client = clientOf(t, server.endpoint, { serializer: msgpack });
  const tree = { id: 1, tags: ["a", null], at: new Date(5000), bytes: Buffer.from("b") };
  await client.set("tree", tree);
  assert.deepEqual((await client.get("tree")).value, tree);
  const raw = await client.getRaw("tree");
  assert.equal(raw.flags, marked);
  assert.deepEqual(raw.bytes, Buffer.from(encode(tree)));
  // As any MessagePack writer writes it.
  await client.setRaw("foreign", Buffer.from("82a26964cd012ca26f6bc3", "hex"), { flags: marked });
  assert.deepEqual((await client.get("foreign")).value, { id: 300, ok: true });
});

onBoth("MessagePack by its name", async (t, server) => {
  const client = clientOf(t, server.endpoint, { serializer: "msgpack" });
  const tree = {
    id: 2 ** 40,
    tags: ["a", null, [1.5, -5]],
    at: new Date(5000),
    b: Buffer.from("b"),
  };
  await client.set("tree", tree);
  assert.deepEqual((await client.get("tree")).value, tree);
  assert.equal((await client.getRaw("tree")).flags, marked);
  await client.set("n", 5);
  assert.deepEqual(await client.increment("n"), { success: true, value: 6 });
  // 2^53 - 1 and 2^53 as other languages write them: nothing is rounded.
  const bytes = Buffer.from("92cf001fffffffffffffcf0020000000000000", "hex");
  await client.setRaw("foreign", bytes, { flags: marked });
  assert.deepEqual((await client.get("foreign")).value, [2 ** 53 - 1, 2n ** 53n]);
  await assert.rejects(client.set("k", { n: 1n }), EncodeError);
});

onBoth("bytes, text and integers are stored as such", async (t, server) => {
  const client = clientOf(t, server.endpoint, { serializer: msgpack });
  const plain = clientOf(t, server.endpoint);
  for (const value of ["text", Buffer.from("bytes"), 5, 2n ** 70n]) {
    await client.set("k", value);
    assert.deepEqual((await plain.get("k")).value, value);
    assert.deepEqual((await client.get("k")).value, value);
  }
  await plain.set("k", { by: "JSON" });
  assert.deepEqual((await client.get("k")).value, { by: "JSON" });
  for (const value of [1.5, true, null, []]) {
    await client.set("k", value);
    assert.deepEqual((await client.get("k")).value, value);
    assert.equal((await client.getRaw("k")).flags, marked);
  }
});

onBoth("every way to store and to read", async (t, server) => {
  const client = clientOf(t, server.endpoint, { serializer: msgpack });
  const value = (number) => ({ number });
  assert.equal(await client.add("a", value(1)), true);
  assert.equal(await client.replace("a", value(2)), true);
  const { cas } = await client.gets("a");
  assert.equal(await client.cas("a", value(3), { cas }), "stored");
  await client.setMulti({ b: value(4), c: "text" });
  await client.addMulti({ d: value(5) });
  const found = await client.getMulti(["a", "b", "c", "d"]);
  assert.deepEqual([...found.values()], [value(3), value(4), "text", value(5)]);
  assert.deepEqual((await client.getItem("a")).value, value(3));
  assert.deepEqual((await client.gat("a", 60)).value, value(3));
  const hits = await client.getsMulti(["a", "b"]);
  assert.deepEqual(hits.get("b").value, value(4));
  const updated = await client.update("a", ({ number }) => value(number + 1));
  assert.deepEqual(updated, value(4));
  assert.deepEqual((await client.take("a")).value, value(4));
  const called = await new Promise((resolve) => client.get("b", (...results) => resolve(results)));
  assert.deepEqual(called, [null, value(4), marked]);
});

onBoth("large values, compressed and not", async (t, server) => {
  const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `user${id}` }));
  for (const options of [{}, { compressAbove: 1000 }]) {
    const client = clientOf(t, server.endpoint, { ...options, serializer: msgpack });
    await client.set("rows", rows);
    assert.deepEqual((await client.get("rows")).value, rows);
  }
});

onBoth("values are known by flags of the program's", async (t, server) => {
  const serializer = { flags: 0xabcd_0001, serialize: v8.serialize, deserialize: v8.deserialize };
  const client = clientOf(t, server.endpoint, { serializer });
  const value = { map: new Map([["a", 1n]]), at: new Date(0), set: new Set([1]) };
  await client.setMulti({ a: value, b: "text" });
  assert.deepEqual([...(await client.getMulti(["a", "b"])).values()], [value, "text"]);
  assert.equal((await client.getRaw("a")).flags, 0xabcd_0001);
  assert.deepEqual((await client.getRaw("a")).bytes, v8.serialize(value));
  await assert.rejects(clientOf(t, server.endpoint).get("a"), DecodeError);
});

onBoth("who has no serializer is told flags and bytes", async (t, server) => {
  await clientOf(t, server.endpoint, { serializer: msgpack }).set("k", { id: 1 });
  for (const options of [{}, { foreign: "msgpack" }]) {
    await assert.rejects(clientOf(t, server.endpoint, options).get("k"), (error) => {
      assert.ok(error instanceof DecodeError);
      assert.deepEqual(error.raw, { flags: marked, bytes: Buffer.from(encode({ id: 1 })) });
      return true;
    });
  }
});

onBoth("what a serializer throws fails its call, and only that", async (t, server) => {
  const thrown = new RangeError("no");
  const serializer = {
    format: "msgpack",
    serialize(value) {
      if (value.bad) throw thrown;
      return value.nothing ? undefined : encode(value);
    },
    deserialize(bytes) {
      const value = decode(bytes);
      if (value.worse) throw thrown;
      return value;
    },
  };
  const client = clientOf(t, server.endpoint, { serializer });
  const calls = [
    client.set("a", { good: 1 }),
    client.set("b", { bad: 1 }),
    client.set("c", { nothing: 1 }),
    client.set("d", { worse: 1 }),
  ];
  const [a, b, c, d] = await Promise.allSettled(calls);
  assert.deepEqual([a.value, d.value], [true, true]);
  for (const { reason } of [b, c]) assert.ok(reason instanceof EncodeError);
  assert.equal(b.reason.cause, thrown);
  const [good, worse] = await Promise.allSettled([client.get("a"), client.get("d")]);
  assert.deepEqual(good.value.value, { good: 1 });
  assert.ok(worse.reason instanceof DecodeError);
  assert.equal(worse.reason.cause, thrown);
  assert.equal(worse.reason.raw.flags, marked);
  await assert.rejects(
    client.update("d", (value) => value),
    DecodeError,
  );
});

onBoth("a serializer may use the client to read, and not to write", async (t, server) => {
  const refused = [];
  const serializer = {
    format: "msgpack",
    serialize(value) {
      client.get("other").catch((error) => refused.push(error));
      return encode(value);
    },
    deserialize(bytes) {
      reading.push(client.get("other"));
      return decode(bytes);
    },
  };
  const reading = [];
  const client = clientOf(t, server.endpoint, { serializer });
  await client.set("other", "text");
  assert.equal(await client.set("k", { id: 1 }), true);
  assert.deepEqual((await client.get("k")).value, { id: 1 });
  assert.equal((await reading[0]).value, "text");
  assert.equal(refused.length, 1);
  assert.ok(refused[0] instanceof InvalidArgumentError);
});

test("a serializer is complete", () => {
  const { serialize, deserialize } = msgpack;
  for (const serializer of [
    {},
    { ...msgpack, serialize: undefined },
    { format: "msgpack", serialize },
    { serialize, deserialize },
    { ...msgpack, flags: 5 },
    { ...msgpack, format: "opaque" },
    { ...msgpack, format: "yaml" },
    { flags: 0, serialize, deserialize },
    { flags: 2 ** 32, serialize, deserialize },
    { flags: 1.5, serialize, deserialize },
    "yaml",
  ]) {
    assert.throws(() => new Client("a", { serializer }), ConfigError);
  }
});

onBoth("what a serializer of the program's writes is compressed", async (t, server) => {
  const own = { flags: 0xabc0_0000, serialize: v8.serialize, deserialize: v8.deserialize };
  const client = clientOf(t, server.endpoint, { serializer: own, compressAbove: 1000 });
  const plain = clientOf(t, server.endpoint, { serializer: own });
  const rows = new Map(Array.from({ length: 2000 }, (_, id) => [id, "user"]));
  await client.set("rows", rows);
  const raw = await client.getRaw("rows");
  assert.equal(raw.flags, (own.flags | 8) >>> 0);
  assert.ok(raw.bytes.length < v8.serialize(rows).length / 2);
  for (const reader of [client, plain]) {
    assert.deepEqual((await reader.get("rows")).value, rows);
    assert.deepEqual((await reader.getMulti(["rows"])).get("rows"), rows);
  }
  await client.update("rows", (found) => found.set(0, "first"));
  assert.equal((await client.getRaw("rows")).flags, (own.flags | 8) >>> 0);
  assert.equal((await plain.get("rows")).value.get(0), "first");
  await client.set("small", new Map());
  assert.equal((await client.getRaw("small")).flags, own.flags);
  // Where the flags have the mark already, nothing is compressed.
  const marked = { ...own, flags: (own.flags | 8) >>> 0 };
  const other = clientOf(t, server.endpoint, { serializer: marked, compressAbove: 1000 });
  await other.set("rows", rows);
  assert.deepEqual((await other.getRaw("rows")).bytes, v8.serialize(rows));
  assert.deepEqual((await other.get("rows")).value, rows);
  await client.setRaw("broken", Buffer.from("no zlib"), { flags: (own.flags | 8) >>> 0 });
  await assert.rejects(client.get("broken"), DecodeError);
});
