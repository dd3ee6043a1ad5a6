/** What memjs 1.3.2 does, command by command. */

import { called, failed, table, thrown } from "./world.mjs";

const flags = Buffer.alloc(4);
const miss = { value: null, flags: null };
const hit = (text) => ({ value: Buffer.from(text), flags });
const big = "x".repeat(2 ** 20 + 1);
const typeError = thrown("TypeError", "ERR_INVALID_ARG_TYPE");
const rangeError = thrown("RangeError", "ERR_OUT_OF_RANGE");

/** Stores a value and gives the answer, what is stored, and what comes back. */
const stored = (value) => async (w) => [
  await w.c.set("key", value),
  await w.stored("key"),
  (await w.c.get("key")).value,
];

table([
  ["get, nothing there", (w) => w.c.get("key"), miss],
  [
    "get with a callback, nothing there",
    (w) => called((done) => w.c.get("key", done)),
    [null, null, null],
  ],
  ["text", stored("text"), [true, [0, "text"], Buffer.from("text")]],
  ["no text", stored(""), [true, [0, ""], Buffer.alloc(0)]],
  [
    "text beyond ASCII",
    stored("zwölf ✓"),
    [true, [0, Buffer.from("zwölf ✓").toString("latin1")], Buffer.from("zwölf ✓")],
  ],
  [
    "half of a surrogate pair",
    stored("\ud800"),
    [true, [0, "\xef\xbf\xbd"], Buffer.from("\ufffd")],
  ],
  [
    "a buffer",
    stored(Buffer.from("\r\nEND\r\n")),
    [true, [0, "\r\nEND\r\n"], Buffer.from("\r\nEND\r\n")],
  ],
  [
    "bytes",
    stored(new Uint8Array([97, 0, 255])),
    [true, [0, "a\0\xff"], Buffer.from([97, 0, 255])],
  ],
  ["an array", stored([97, 98]), [true, [0, "ab"], Buffer.from("ab")]],
  ["an ArrayBuffer", stored(new Uint8Array([97]).buffer), [true, [0, "a"], Buffer.from("a")]],
  ["a number", (w) => w.c.set("key", 5), typeError],
  [
    "a number with a callback is thrown",
    (w) => called((done) => w.c.set("key", 5, {}, done)),
    typeError,
  ],
  ["a number in append", (w) => w.c.append("key", 5), typeError],
  ["a value over the limit", (w) => w.c.set("key", big), failed("MemJS SET: Value too large")],
  [
    "a value over the limit takes the one before with it",
    async (w) => {
      await w.c.set("key", "before");
      return [await called((done) => w.c.set("key", big, {}, done)), await w.c.get("key")];
    },
    [["MemJS SET: Value too large", null, null], miss],
    [["MemJS SET: Value too large", null], miss],
  ],
  ["set with a callback", (w) => called((done) => w.c.set("key", "text", {}, done)), [null, true]],
  [
    "a buffer as key",
    async (w) => [
      await w.c.set(Buffer.from("key"), "text"),
      await w.stored("key"),
      await w.c.get("key"),
    ],
    [true, [0, "text"], hit("text")],
  ],
  [
    "a key beyond ASCII",
    async (w) => [await w.c.set("ключ", "text"), await w.c.get(Buffer.from("ключ"))],
    [true, hit("text")],
  ],
  ["a number as key", (w) => w.c.get(5), typeError],
  [
    "a number as key with a callback is thrown",
    (w) => called((done) => w.c.get(5, done)),
    typeError,
  ],
  ["a key of 250 bytes", (w) => w.c.set("k".repeat(250), "text"), true],
  ["a key of 251 bytes", (w) => w.c.get("k".repeat(251)), failed("MemJS GET: Invalid arguments")],
  [
    "a key of 251 bytes in set",
    (w) => w.c.set("k".repeat(251), ""),
    failed("MemJS SET: Invalid arguments"),
  ],
  ["an empty key", (w) => w.c.delete(""), failed("MemJS DELETE: Invalid arguments")],
  [
    "a key with a space",
    (w) => w.c.set("a key", "text"),
    true,
    failed("MemJS SET: Invalid arguments"),
  ],
  [
    "flags of others",
    async (w) => {
      await w.raw("set key 305419896 0 4\r\ntext\r\n");
      return w.c.get("key");
    },
    { value: Buffer.from("text"), flags: Buffer.from([0x12, 0x34, 0x56, 0x78]) },
  ],

  [
    "add",
    async (w) => [await w.c.add("key", "one"), await w.c.add("key", "two"), await w.stored("key")],
    [true, false, [0, "one"]],
  ],
  [
    "add with a callback",
    async (w) => [
      await called((done) => w.c.add("key", "one", {}, done)),
      await called((done) => w.c.add("key", "", {}, done)),
    ],
    [
      [null, true],
      [null, false],
    ],
  ],
  [
    "replace",
    async (w) => [
      await w.c.replace("key", "one"),
      await w.c.set("key", "two"),
      await w.c.replace("key", "three"),
      await w.stored("key"),
    ],
    [false, true, true, [0, "three"]],
  ],
  [
    "replace with a callback",
    (w) => called((done) => w.c.replace("key", "one", {}, done)),
    [null, false],
  ],
  [
    "delete",
    async (w) => [await w.c.set("key", "one"), await w.c.delete("key"), await w.c.delete("key")],
    [true, true, false],
  ],
  ["delete with a callback", (w) => called((done) => w.c.delete("key", done)), [null, false]],
  [
    // Nobody is told when it is done; what is asked after it is answered after it. A
    // client of memjs that is closed before would delete later, from under another test.
    "no callback but null",
    async (w) => [
      await w.c.set("key", "text"),
      w.c.delete("key", null),
      (await w.c.get("key")).value,
    ],
    [true, undefined, null],
  ],
  [
    "append",
    async (w) => [await w.c.set("key", "a"), await w.c.append("key", "b"), await w.stored("key")],
    [true, true, [0, "ab"]],
  ],
  ["append, nothing there", (w) => w.c.append("key", "b"), failed("MemJS APPEND: Item not stored")],
  [
    "append with a callback, nothing there",
    (w) => called((done) => w.c.append("key", "b", done)),
    ["MemJS APPEND: Item not stored", null],
  ],
  [
    // memjs sends the append.
    "prepend",
    async (w) => [await w.c.set("key", "b"), await w.c.prepend("key", "a"), await w.stored("key")],
    [true, true, [0, "ba"]],
    [true, true, [0, "ab"]],
  ],
  [
    "prepend, nothing there",
    (w) => w.c.prepend("key", "b"),
    failed("MemJS PREPEND: Item not stored"),
  ],

  [
    "increment",
    async (w) => [
      await w.c.increment("key", 5),
      await w.c.increment("key", 5),
      await w.stored("key"),
    ],
    [{ success: true, value: 0 }, { success: true, value: 5 }, [0, "5"]],
  ],
  [
    "increment with a beginning",
    async (w) => [
      await w.c.increment("key", 5, { initial: 3, expires: 100 }),
      await w.stored("key"),
      (await w.ttl("key")) > 50,
    ],
    [{ success: true, value: 3 }, [0, "3"], true],
  ],
  [
    "increment leaves the life of a counter alone",
    async (w) => [
      await w.c.set("key", "1"),
      await w.c.increment("key", 1, { expires: 100 }),
      await w.ttl("key"),
    ],
    [true, { success: true, value: 2 }, -1],
  ],
  ["increment by nothing", (w) => w.c.increment("key"), { success: true, value: 0 }],
  [
    "increment with a callback",
    (w) => called((done) => w.c.increment("key", 5, {}, done)),
    [null, true, 0],
  ],
  ["increment by less than nothing", (w) => w.c.increment("key", -1), rangeError],
  ["increment by more than 32 bits", (w) => w.c.increment("key", 2 ** 32), rangeError],
  [
    "increment beyond 32 bits",
    async (w) => [await w.c.set("key", "4294967290"), await w.c.increment("key", 10)],
    // memjs moves the upper half by 8 bits instead of 32.
    [true, { success: true, value: 260 }],
    [true, { success: true, value: 4294967300 }],
  ],
  [
    "increment of no number",
    async (w) => [
      await w.c.set("key", "text"),
      await called((done) => w.c.increment("key", 1, {}, done)),
    ],
    [true, ["MemJS INCREMENT: Incr/Decr on non-numeric value", null, null]],
  ],
  [
    "decrement",
    async (w) => [
      await w.c.set("key", "12"),
      await w.c.decrement("key", 5, {}),
      await w.stored("key"),
      await w.c.decrement("key", 50, {}),
      await w.stored("key"),
    ],
    [true, { success: true, value: 7 }, [0, "7 "], { success: true, value: 0 }, [0, "0 "]],
  ],
  [
    "decrement without options",
    (w) => w.c.decrement("key", 5),
    failed("Cannot read properties of undefined (reading 'initial')", "TypeError"),
    { success: true, value: 0 },
  ],
  [
    "decrement with a beginning",
    (w) => w.c.decrement("key", 5, { initial: 9 }),
    { success: true, value: 9 },
  ],

  [
    "touch",
    async (w) => [
      await w.c.set("key", "text"),
      await w.c.touch("key", 100),
      (await w.ttl("key")) > 50,
      await w.c.touch("other", 100),
    ],
    [true, true, true, false],
  ],
  ["touch with a callback", (w) => called((done) => w.c.touch("key", 100, done)), [null, false]],
  [
    "touch for ever",
    async (w) => [
      await w.c.set("key", "text", { expires: 100 }),
      await w.c.touch("key", 0),
      await w.ttl("key"),
    ],
    [true, true, -1],
  ],
]);
