/** The commands on items, against the embedded server and memcached. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  DecodeError,
  EmbeddedServer,
  EncodeError,
  InvalidArgumentError,
  InvalidKeyError,
  NotNumericError,
  ValueTooLargeError,
} from "memoxide";

import { clientOf, onBoth } from "./targets.mjs";

const miss = { value: null, flags: null };

onBoth("a value comes back as it was stored", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const values = {
    text: "grüße 🦀",
    empty: "",
    bytes: Buffer.from([0, 255, 13, 10]),
    none: Buffer.alloc(0),
    integer: -42,
    large: 2n ** 64n,
    fraction: 1.5,
    truth: false,
    nothing: null,
    list: [1, [2, null]],
    tree: { name: "Ada", tags: ["a", "ü"], deep: { x: 1.5 } },
  };
  for (const [key, value] of Object.entries(values)) {
    assert.equal(await client.set(key, value), true, key);
  }
  for (const [key, value] of Object.entries(values)) {
    assert.deepEqual((await client.get(key)).value, value, key);
  }
  const found = await client.getMulti(Object.keys(values));
  assert.deepEqual([...found], Object.entries(values));
});

onBoth("flags are numbers, and a stored null has some", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  await client.set("text", "x");
  await client.set("null", null);
  assert.deepEqual(await client.get("text"), { value: "x", flags: 16 });
  assert.deepEqual(await client.get("null"), { value: null, flags: 0x10010 });
  assert.deepEqual(await client.get("absent"), miss);
});

onBoth("bytes do not pin or share the buffer that was read", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const sizes = [1, 100, 5000, 65_536, 300_000];
  for (const size of sizes) await client.set(`b${size}`, Buffer.alloc(size, size % 251));
  const results = await Promise.all(sizes.map((size) => client.get(`b${size}`)));
  for (const [index, { value }] of results.entries()) {
    const size = sizes[index];
    assert.ok(value.equals(Buffer.alloc(size, size % 251)), `${size} bytes`);
    // A large one was read to its place together with its line end.
    assert.ok(value.buffer.byteLength <= Math.max(size + 2, Buffer.poolSize), `${size} bytes`);
  }
});

onBoth("large values and small ones follow each other in one stream", async (t, server) => {
  const client = clientOf(t, server.endpoint, { compressAbove: 2 ** 18 });
  const sizes = [10, 1_000_000, 65_534, 65_535, 65_536, 0, 131_072, 900_000, 3, 1_048_576];
  const texts = sizes.map((size, index) => String.fromCharCode(97 + index).repeat(size));
  await client.setMulti(texts.map((text, index) => [`t${index}`, text]));
  const noise = Buffer.from(texts.join("")).map((_, index) => (index * 2_654_435_761) >>> 24);
  const buffers = sizes.map((size) => Buffer.from(noise.subarray(0, size)));
  for (const [index, bytes] of buffers.entries()) await client.set(`b${index}`, bytes);
  const reads = sizes.flatMap((_, index) => [client.get(`t${index}`), client.get(`b${index}`)]);
  const values = (await Promise.all(reads)).map(({ value }) => value);
  for (const [index, size] of sizes.entries()) {
    assert.ok(values[2 * index] === texts[index], `text of ${size}`);
    assert.ok(buffers[index].equals(values[2 * index + 1]), `bytes of ${size}`);
  }
  const all = await client.getMulti([...sizes.keys()].map((index) => `b${index}`));
  assert.ok(buffers.every((bytes, index) => bytes.equals(all.get(`b${index}`))));
});

onBoth("a buffer can be changed once its call was made", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  for (const size of [10, 200_000]) {
    const value = Buffer.alloc(size, 1);
    const stored = client.set("k", value);
    value.fill(2);
    await stored;
    assert.ok((await client.get("k")).value.equals(Buffer.alloc(size, 1)));
  }
});

onBoth("add and replace depend on the key", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.equal(await client.replace("k", 1), false);
  assert.equal(await client.add("k", 1), true);
  assert.equal(await client.add("k", 2), false);
  assert.equal(await client.replace("k", 3), true);
  assert.equal((await client.get("k")).value, 3);
});

onBoth("append and prepend keep the type", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.equal(await client.append("k", "x"), false);
  assert.equal(await client.prepend("k", "x"), false);
  await client.set("k", "b");
  assert.equal(await client.append("k", "c"), true);
  assert.equal(await client.prepend("k", "a"), true);
  assert.equal((await client.get("k")).value, "abc");
});

onBoth("cas stores only what is unchanged", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.deepEqual(await client.gets("k"), { ...miss, cas: null });
  await client.set("k", "one");
  const { value, cas } = await client.gets("k");
  assert.equal(value, "one");
  assert.equal(typeof cas, "bigint");
  assert.equal(await client.cas("k", "two", { cas, expires: 100 }), "stored");
  assert.equal(await client.cas("k", "three", { cas }), "exists");
  assert.equal(await client.delete("k", { cas }), false);
  assert.equal((await client.get("k")).value, "two");
  const fresh = await client.gets("k");
  assert.equal(await client.delete("k", { cas: fresh.cas }), true);
  assert.equal(await client.cas("k", "four", { cas }), "notFound");
  await assert.rejects(client.cas("k", "five"), InvalidArgumentError);
  await assert.rejects(client.cas("k", "five", { cas: 1 }), InvalidArgumentError);
});

onBoth("counters count, wrap at 2^64 and stop at 0", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.deepEqual(await client.increment("n", 1), { success: false, value: null });
  assert.deepEqual(await client.decrement("n"), { success: false, value: null });
  await client.set("n", 5);
  assert.deepEqual(await client.increment("n"), { success: true, value: 6 });
  assert.deepEqual(await client.increment("n", 10n), { success: true, value: 16 });
  assert.deepEqual(await client.decrement("n", 100), { success: true, value: 0 });
  const last = 2n ** 64n - 1n;
  assert.deepEqual(await client.increment("n", last), { success: true, value: last });
  assert.equal((await client.get("n")).value, last);
  assert.deepEqual(await client.increment("n", 2), { success: true, value: 1 });
  await client.set("t", "abc");
  await assert.rejects(client.increment("t", 1), NotNumericError);
  for (const amount of [-1, 1.5, 2 ** 53, Number.NaN, -1n, 2n ** 64n, "1", null, {}]) {
    await assert.rejects(client.increment("n", amount), InvalidArgumentError, String(amount));
  }
});

onBoth("an initial number is stored where there is no counter", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const options = { initial: 10, expires: 100 };
  assert.deepEqual(await client.increment("n", 5, options), { success: true, value: 10 });
  assert.deepEqual(await client.increment("n", 5, options), { success: true, value: 15 });
  assert.deepEqual(await client.decrement("m", 5, { initial: 2n ** 63n }), {
    success: true,
    value: 2n ** 63n,
  });
  assert.deepEqual((await client.get("n")).value, 15);
});

onBoth("what an initial number brings expires once, unless it is touched", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  await client.increment("n", 1, { initial: 1, expires: 100 });
  await client.increment("n", 1, { initial: 1, expires: 1000 });
  assert.ok((await client.getItem("n")).ttl <= 100);
  await client.increment("n", 1, { touch: 1000 });
  assert.ok((await client.getItem("n")).ttl > 100);
});

onBoth("an item tells everything about itself", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.equal(await client.getItem("k"), null);
  await client.set("k", "value", { ttl: 100 });
  const { cas, ttl, lastAccess, ...item } = await client.getItem("k");
  assert.equal(cas, (await client.gets("k")).cas);
  // Some seconds may have begun since.
  assert.ok(ttl > 50 && ttl <= 100, `${ttl}`);
  assert.ok(lastAccess >= 0 && lastAccess < 50, `${lastAccess}`);
  assert.deepEqual(item, { value: "value", flags: 16, size: 5, hitBefore: false });
  await client.set("k", "value");
  assert.equal((await client.getItem("k")).ttl, null);
});

onBoth("times to live are set, changed and told", async (t, server) => {
  const client = clientOf(t, server.endpoint, { defaultTtl: 50 });
  const ttl = async (key) => (await client.getItem(key))?.ttl;
  await client.set("default", 1);
  await client.set("never", 1, { expires: 0 });
  await client.set("gone", 1, { expires: -1 });
  await client.set("fraction", 1, { expires: 99.5 });
  await client.set("month", 1, { expires: 60 * 24 * 3600 });
  const left = await ttl("default");
  assert.ok(left > 10 && left <= 50, `${left}`);
  assert.equal(await ttl("never"), null);
  assert.equal(await ttl("gone"), undefined);
  assert.ok((await ttl("fraction")) > 50);
  assert.ok((await ttl("month")) > 59 * 24 * 3600);
  assert.equal(await client.touch("never", 20), true);
  assert.ok((await ttl("never")) <= 20);
  assert.equal(await client.touch("absent", 20), false);
  assert.equal((await client.gat("default", 500)).value, 1);
  assert.ok((await ttl("default")) > 50);
  const { value, cas } = await client.gats("default", 600);
  assert.equal(value, 1);
  assert.equal(cas, (await client.gets("default")).cas);
  assert.ok((await ttl("default")) > 500);
  assert.deepEqual(await client.gat("absent", 10), miss);
  for (const expires of [2 ** 31, Number.NaN, "60", null]) {
    await assert.rejects(client.set("k", 1, { expires }), InvalidArgumentError);
    await assert.rejects(client.touch("never", expires), InvalidArgumentError);
  }
  await assert.rejects(client.touch("never"), InvalidArgumentError);
  await assert.rejects(client.gat("never"), InvalidArgumentError);
  await assert.rejects(client.set("k", 1, { expires: 1, ttl: 1 }), InvalidArgumentError);
});

onBoth("exists does not read, delete tells whether there was an item", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.equal(await client.exists("k"), false);
  await client.set("k", 1);
  assert.equal(await client.exists("k"), true);
  assert.equal(await client.delete("k"), true);
  assert.equal(await client.delete("k"), false);
});

onBoth("several items are stored, read, touched and deleted at once", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  assert.deepEqual(await client.setMulti({ a: 1, b: "two" }), []);
  assert.deepEqual(await client.setMulti(new Map([["c", [3]]]), { expires: 100 }), []);
  assert.deepEqual(
    await client.addMulti([
      ["a", 0],
      ["d", 4],
    ]),
    ["a"],
  );
  assert.deepEqual(
    await client.getMulti(["a", "x", "b", "c", "d"]),
    new Map([
      ["a", 1],
      ["b", "two"],
      ["c", [3]],
      ["d", 4],
    ]),
  );
  assert.deepEqual(await client.getMulti(new Set(["b", "b"])), new Map([["b", "two"]]));
  assert.deepEqual(await client.getMulti(["b", "b"]), new Map([["b", "two"]]));
  assert.deepEqual(await client.getMulti([]), new Map());
  assert.deepEqual(await client.touchMulti(["a", "x", "y"], 100), ["x", "y"]);
  assert.deepEqual(await client.deleteMulti(["x", "a", "y", "b"]), ["x", "y"]);
  assert.deepEqual(await client.deleteMulti([]), []);
  assert.deepEqual(await client.setMulti({}), []);
  for (const keys of ["abc", undefined, null, 5, { a: 1 }]) {
    await assert.rejects(client.getMulti(keys), InvalidArgumentError);
    await assert.rejects(client.deleteMulti(keys), InvalidArgumentError);
  }
  for (const items of ["ab", undefined, null, ["ab"]]) {
    await assert.rejects(client.setMulti(items), InvalidArgumentError);
  }
});

onBoth("more keys than one event array has room for", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const keys = Array.from({ length: 20_000 }, (_, index) => `key:${index}`);
  assert.deepEqual(await client.setMulti(keys.map((key, index) => [key, index])), []);
  const found = await client.getMulti(keys);
  assert.equal(found.size, keys.length);
  assert.equal(found.get("key:19999"), 19_999);
  const singles = await Promise.all(keys.map((key) => client.get(key)));
  assert.ok(singles.every(({ value }, index) => value === index));
  assert.equal((await client.deleteMulti([...keys, "absent"])).length, 1);
});

onBoth("many calls of all kinds at once keep apart", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const all = await Promise.all(
    Array.from({ length: 500 }, async (_, index) => {
      const key = `k${index}`;
      await client.set(key, { index });
      const [{ value }, found, item] = await Promise.all([
        client.get(key),
        client.getMulti([key, `${key}x`]),
        client.getItem(key),
        client.increment(`n${index}`, 1, { initial: index }),
      ]);
      assert.deepEqual(found.get(key), { index });
      assert.deepEqual(item.value, { index });
      return value.index;
    }),
  );
  assert.deepEqual(all, [...all.keys()]);
});

onBoth("keys are text or bytes, and checked before anything is sent", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  await client.set(Buffer.from("schlüssel"), 1);
  assert.equal((await client.get("schlüssel")).value, 1);
  await client.set("k".repeat(250), 2);
  assert.equal((await client.get(new Uint8Array(250).fill(0x6b))).value, 2);
  const keys = ["", "two words", "tab\t", "\x7f", "k".repeat(251), "ü".repeat(126), "\ud800"];
  for (const key of [...keys, Buffer.alloc(0), undefined, null, 5, 5n, {}, ["a"], Symbol("a")]) {
    await assert.rejects(client.get(key), InvalidKeyError);
    await assert.rejects(client.set(key, 1), InvalidKeyError);
    await assert.rejects(client.deleteMulti(["fine", key]), InvalidKeyError);
  }
  await assert.rejects(
    client.setMulti([
      ["fine", 1],
      ["not fine", 2],
    ]),
    InvalidKeyError,
  );
  assert.deepEqual(await client.get("fine"), miss);
});

onBoth("values that would not come back as they are are refused", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  await client.set("k", "old");
  for (const value of [undefined, () => 1, Symbol("s"), new Date(), new Map(), { a: undefined }]) {
    await assert.rejects(client.set("k", value), EncodeError);
  }
  await assert.rejects(client.set("k", Buffer.alloc(2 ** 20 + 1)), ValueTooLargeError);
  assert.equal((await client.get("k")).value, "old");
  const generous = clientOf(t, server.endpoint, { maxValueSize: 2 ** 23 });
  await assert.rejects(
    generous.set("k", Buffer.alloc(2 ** 21)),
    (error) => error instanceof ValueTooLargeError && error.endpoint === server.endpoint,
  );
  assert.deepEqual(await client.get("k"), miss);
});

onBoth(
  "a value of another dialect is told with its bytes, the next one is read",
  async (t, server) => {
    const writer = clientOf(t, server.endpoint, { values: "python" });
    const reader = clientOf(t, server.endpoint);
    await writer.set("python", "x");
    await reader.set("own", "y");
    const [python, own] = await Promise.allSettled([reader.get("python"), reader.get("own")]);
    if (python.status === "rejected") {
      assert.ok(python.reason instanceof DecodeError);
      assert.ok(Buffer.isBuffer(python.reason.raw.bytes));
    }
    assert.equal(own.value.value, "y");
  },
);

onBoth("compressed values are opened, and large ones of several chunks", async (t, server) => {
  const client = clientOf(t, server.endpoint, { compressAbove: 100 });
  const text = "all work and no play ".repeat(20_000);
  await client.set("text", text);
  assert.ok((await client.getItem("text")).size < 10_000);
  assert.equal((await client.get("text")).value, text);
  const plain = clientOf(t, server.endpoint);
  await plain.set("plain", text);
  assert.equal((await plain.get("plain")).value, text);
  const tree = { lines: text.split(" ") };
  await plain.set("tree", tree);
  assert.deepEqual((await plain.get("tree")).value, tree);
});

onBoth("options that are none are refused", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  for (const options of [60, "60", true, null]) {
    await assert.rejects(client.set("k", 1, options), InvalidArgumentError);
  }
  for (const timeout of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1"]) {
    await assert.rejects(client.get("k", { timeout }), InvalidArgumentError);
  }
  assert.deepEqual(await client.get("k", { timeout: 5 }), miss);
});

test("connections keep apart what they read while the room for it grows", async (t) => {
  const servers = await Promise.all([EmbeddedServer.start(), EmbeddedServer.start()]);
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  const names = servers.map(({ endpoint }) => endpoint);
  const hashing = (key) => (key.toString().startsWith("large") ? 0 : 1);
  const client = clientOf(t, names, { hashing });
  const pairs = (name, size) =>
    Array.from({ length: 400 }, (_, index) => [`${name}${index}`, `${index}`.padEnd(size, "x")]);
  const large = pairs("large", 10_000);
  const small = pairs("small", 10);
  await client.setMulti([...large, ...small]);
  for (let round = 0; round < 3; round++) {
    const singly = async () => {
      for (const [key, value] of small) assert.equal((await client.get(key)).value, value);
    };
    const [found] = await Promise.all([client.getMulti(large.map(([key]) => key)), singly()]);
    assert.deepEqual([...found], large);
  }
});
