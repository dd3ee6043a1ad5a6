/** What JavaScript values become for the core, and how they come back. */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

import { ConfigError, DecodeError, EncodeError, ValueTooLargeError } from "memoxide";

const require = createRequire(import.meta.url);
const native = require("../native.js");
const { Kind, lower, raise } = require("../dist/values.js");
const { calling } = require("../dist/rebuild.js");

/** Raises what was lowered from the middle of a chunk, as the driver does. */
function returned({ kind, data }) {
  const bytes = Buffer.from(data);
  const chunk = Buffer.concat([Buffer.from("VA 1\r\n"), bytes, Buffer.from("\r\n")]);
  return raise(kind, chunk, 6, 6 + bytes.length);
}

const stored = [
  ["text", Kind.Text, "text"],
  ["", Kind.Text, ""],
  ["grüß 🦀\0\n", Kind.Text, "grüß 🦀\0\n"],
  [0, Kind.Integer, "0"],
  [-1, Kind.Integer, "-1"],
  [Number.MAX_SAFE_INTEGER, Kind.Integer, "9007199254740991"],
  [Number.MIN_SAFE_INTEGER, Kind.Integer, "-9007199254740991"],
  [2n ** 53n, Kind.Integer, "9007199254740992"],
  [-(10n ** 30n), Kind.Integer, "-1000000000000000000000000000000"],
  [1.5, Kind.Json, "1.5"],
  [-0, Kind.Json, "-0.0"],
  [2 ** 53, Kind.Json, "9007199254740992.0"],
  [-(2 ** 60), Kind.Json, "-1152921504606847000.0"],
  [1e21, Kind.Json, "1e+21"],
  [5e-324, Kind.Json, "5e-324"],
  [Number.NaN, Kind.NonFinite, "NaN"],
  [Number.POSITIVE_INFINITY, Kind.NonFinite, "Infinity"],
  [Number.NEGATIVE_INFINITY, Kind.NonFinite, "-Infinity"],
  [true, Kind.Json, "true"],
  [false, Kind.Json, "false"],
  [null, Kind.Json, "null"],
  [[], Kind.Json, "[]"],
  [{}, Kind.Json, "{}"],
  [
    { id: 1, tags: ["a", null], deep: { x: 1.5 } },
    Kind.Json,
    '{"id":1,"tags":["a",null],"deep":{"x":1.5}}',
  ],
];

for (const [value, kind, data] of stored) {
  test(`${typeof value} ${data.slice(0, 40)} goes and comes back as it is`, () => {
    assert.deepEqual(lower(value), { kind, data });
    assert.deepEqual(returned(lower(value)), value);
  });
}

test("a small bigint comes back as a number", () => {
  assert.deepEqual(lower(7n), { kind: Kind.Integer, data: "7" });
  assert.equal(returned(lower(7n)), 7);
});

test("bytes go as they are and come back as a Buffer", () => {
  for (const bytes of [Buffer.from([0, 255, 13, 10]), new Uint8Array([0, 255, 13, 10])]) {
    const plain = lower(bytes);
    assert.equal(plain.kind, Kind.Bytes);
    assert.equal(plain.data, bytes);
    const back = returned(plain);
    assert.ok(Buffer.isBuffer(back));
    assert.deepEqual([...back], [0, 255, 13, 10]);
  }
});

test("bytes that came back are no view of the chunk", () => {
  const chunk = Buffer.from("abc");
  const bytes = raise(Kind.Bytes, chunk, 0, 3);
  chunk.fill("x");
  assert.equal(bytes.toString(), "abc");
});

test("objects without a prototype and of another realm are plain", () => {
  const bare = Object.assign(Object.create(null), { a: 1 });
  assert.equal(lower(bare).data, '{"a":1}');
  assert.equal(lower(runInNewContext("({ a: [1] })")).data, '{"a":[1]}');
});

class Account {}
class List extends Array {}
const cycle = {};
cycle.self = cycle;

const refused = [
  ["undefined", undefined, "cannot store undefined"],
  ["a function", () => 1, "cannot store a function"],
  ["a symbol", Symbol("s"), "cannot store a symbol"],
  ["a Map", new Map(), "cannot store an instance of Map"],
  ["a Date", new Date(0), "cannot store an instance of Date"],
  ["an Error", new Error("secret"), "cannot store an instance of Error"],
  ["a class instance", new Account(), "cannot store an instance of Account"],
  ["a boxed string", Object("text"), "cannot store an instance of String"],
  ["a subclass of Array", new List(), "cannot store an instance of List"],
  [
    "an instance of a nameless class",
    new (class {})(),
    "cannot store an instance of an unnamed class",
  ],
  ["an ArrayBuffer", new ArrayBuffer(1), "cannot store an instance of ArrayBuffer"],
  ["other typed arrays", new Uint16Array(1), "cannot store an instance of Uint16Array"],
  ["a lone surrogate", "a\ud800", "text has half of a surrogate pair"],
  ["undefined in an object", { a: undefined }, "cannot store undefined"],
  ["a hole in an array", new Array(1), "cannot store undefined"],
  ["a class instance in an array", [new Account()], "cannot store an instance of Account"],
  ["bytes in an object", { a: Buffer.from("secret") }, "cannot store an instance of Buffer"],
  ["a toJSON", { toJSON: () => 1 }, "cannot store a function"],
  ["NaN in an object", { a: Number.NaN }, "cannot store NaN inside a tree"],
  ["infinity in an array", [Number.NEGATIVE_INFINITY], "cannot store -Infinity inside a tree"],
  ["a bigint in an array", [1n], "cannot store a bigint inside a tree"],
  ["a cycle", cycle, "arrays and objects are nested too deeply"],
];

for (const [name, value, message] of refused) {
  test(`${name} is refused`, () => {
    assert.throws(
      () => lower(value),
      (error) => error instanceof EncodeError && error.message === message,
    );
  });
}

test("trees are as deep as the core allows, and no deeper", () => {
  const nested = (depth) => (depth === 0 ? 1 : [nested(depth - 1)]);
  const limit = native.maxDepth();
  assert.deepEqual(returned(lower(nested(limit))), nested(limit));
  assert.throws(() => lower(nested(limit + 1)), EncodeError);
});

/** Flags and bytes as the core's codec of the dialect `memoxide` stores `value`. */
function encoded(value, codec = new native.ValueCodec("memoxide")) {
  const { kind, data } = lower(value);
  return calling(() => codec.encode(kind, Buffer.from(data)));
}

function decoded(flags, bytes, codec = new native.ValueCodec("memoxide")) {
  const plain = calling(() => codec.decode(flags, Buffer.from(bytes)));
  return raise(plain.kind, plain.bytes, 0, plain.bytes.length);
}

for (const [name, value, flags, bytes] of [
  ["bytes", Buffer.from([0xff]), 0, "\xff"],
  ["text", "grün", 16, "gr\xc3\xbcn"],
  ["an integer", 42, 2, "42"],
  ["a large integer", 2n ** 64n, 2, "18446744073709551616"],
  ["a fraction", 1.5, 0x10010, "1.5"],
  ["null", null, 0x10010, "null"],
  ["an object", { a: [true] }, 0x10010, '{"a":[true]}'],
]) {
  test(`${name} is stored with the flags of the native dialect`, () => {
    const stored = encoded(value);
    assert.equal(stored.flags, flags);
    assert.equal(stored.bytes.toString("latin1"), bytes);
    assert.deepEqual(decoded(stored.flags, stored.bytes), value);
  });
}

for (const [name, value] of [
  ["an integer beyond 2^53 - 1 in a tree", [2 ** 53]],
  ["half of a surrogate pair in a tree", { a: "\ud800" }],
  ["half of a surrogate pair in a key", { "\udfff": 1 }],
  ["a number that is not finite", Number.NaN],
]) {
  test(`${name} is refused by the core`, () => {
    assert.throws(() => encoded(value), EncodeError);
  });
}

test("a value that does not fit is refused by the core", () => {
  assert.throws(() => encoded(Buffer.alloc(2 ** 20 + 1)), ValueTooLargeError);
});

test("what cannot be decoded is attached to the error", () => {
  assert.throws(
    () => decoded(0x10010, "{"),
    (error) =>
      error instanceof DecodeError &&
      error.raw.flags === 0x10010 &&
      error.raw.bytes.toString() === "{",
  );
});

test("a pickle is not opened", () => {
  const python = new native.ValueCodec("python");
  assert.throws(() => decoded(1, "\x80\x04N.", python), DecodeError);
});

test("a dialect that does not exist is a fault of the configuration", () => {
  assert.throws(() => calling(() => new native.ValueCodec("esperanto")), ConfigError);
});
