/** What memjs 1.3.2 makes of options: times to live, serializers, old forms of calls. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { called, modules, table, thrown } from "./world.mjs";

const day = 24 * 60 * 60;
const now = () => Math.floor(Date.now() / 1000);
const rangeError = thrown("RangeError", "ERR_OUT_OF_RANGE");

/** Stores a value for a time; gives the answer and the seconds that it has, about. */
const kept =
  (expires, options = {}) =>
  async (w) => {
    const answer = await w.client(options).set("key", "text", { expires: expires() });
    const left = await w.ttl("key");
    // Some seconds may have passed, and memcached counts one more up to a date.
    return [answer, left > 0 ? Math.ceil((left - 2) / 30) * 30 : left];
  };
const of = (seconds) => () => seconds;

table([
  ["for ever", kept(of(undefined)), [true, -1]],
  ["for a minute", kept(of(60)), [true, 60]],
  ["for a minute by default", kept(of(undefined), { expires: 60 }), [true, 60]],
  ["for a minute, where there is a default", kept(of(60), { expires: 1000 }), [true, 60]],
  ["for no time in particular", kept(of(null), { expires: 60 }), [true, 60]],
  // memjs takes the default here.
  ["for ever, where there is a default", kept(of(0), { expires: 60 }), [true, 60], [true, -1]],
  ["for a time that is no number", kept(of(Number.NaN)), [true, -1]],
  ["for a minute in text", kept(of("60")), [true, 60]],
  ["for a fraction", kept(of(60.7)), [true, 60]],
  ["for a fraction of a second", kept(of(0.5)), [true, -1]],
  ["up to a date", kept(() => now() + 60), [true, 60]],
  ["for 30 days", kept(of(30 * day)), [true, 30 * day]],
  ["for longer than 30 days, which is a date in 1970", kept(of(31 * day)), [true, null]],
  ["up to a date long ago", kept(() => now() - 60), [true, null]],
  ["for no time", kept(of(-1)), rangeError, [true, null]],
  ["for longer than 32 bits", kept(of(2 ** 32)), rangeError],
  [
    "touch for no time",
    async (w) => [await w.c.set("key", "text"), await w.c.touch("key", -1), await w.ttl("key")],
    rangeError,
    [true, true, null],
  ],
  [
    "touch takes the default",
    async (w) => {
      const client = w.client({ expires: 60 });
      return [
        await client.set("key", "text"),
        await client.touch("key"),
        (await w.ttl("key")) > 30,
      ];
    },
    [true, true, true],
  ],

  [
    "an old form of set",
    async (w) => [
      await called((done) => w.c.set("key", "text", done, 600)),
      await w.ttl("key"),
      w.logged,
    ],
    [[null, true], -1, ["MemJS SET: using deprecated call - arguments have changed"]],
  ],
  [
    "an old form of add and replace",
    async (w) => [
      await called((done) => w.c.add("key", "text", done)),
      await called((done) => w.c.replace("key", "text", done, 600)),
      w.logged,
    ],
    [
      [null, true],
      [null, true],
      [
        "MemJS ADD: using deprecated call - arguments have changed",
        "MemJS REPLACE: using deprecated call - arguments have changed",
      ],
    ],
  ],
  [
    "an old form of increment and decrement",
    async (w) => [
      await called((done) => w.c.increment("key", 5, done, 600, 3)),
      await called((done) => w.c.decrement("key", 5, done)),
      w.logged,
    ],
    [
      [null, true, 0],
      [null, true, 0],
      [
        "MemJS INCREMENT: using deprecated call - arguments have changed",
        "MemJS DECREMENT: using deprecated call - arguments have changed",
      ],
    ],
  ],
  [
    "errors are logged",
    async (w) => [await called((done) => w.c.append("key", "text", done)), w.logged],
    [["MemJS APPEND: Item not stored", null], ["MemJS APPEND: Item not stored"]],
  ],

  [
    "a serializer sets flags and life, and reads flags",
    async (w) => {
      const client = w.client({ serializer: json });
      return [
        await client.set("key", { a: 1 }),
        await w.stored("key"),
        (await w.ttl("key")) > 50,
        await client.get("key"),
        await client.add("key", [2]),
        await client.replace("key", [3]),
        await w.stored("key"),
        await client.add("other", [4]),
        await w.stored("other"),
      ];
    },
    [
      true,
      [7, '{"a":1}'],
      true,
      { value: { a: 1 }, flags: "00000007" },
      false,
      true,
      [7, "[3]"],
      true,
      [7, "[4]"],
    ],
  ],
  [
    "what a serializer is given",
    async (w) => {
      const seen = [];
      const see = (opcode, value, extras) => {
        seen.push([
          opcode,
          String(value),
          typeof extras === "string" ? extras : extras.toString("hex"),
        ]);
        return { value, extras };
      };
      const client = w.client({ serializer: { serialize: see, deserialize: see }, expires: 16 });
      await client.set("key", "a");
      await client.add("key", "b");
      await client.replace("key", "c");
      await client.append("key", "d");
      await client.prepend("key", "e");
      await client.increment("number", 1);
      await client.get("nothing");
      seen.push((await client.get("key")).flags.toString("hex"));
      return seen.map((line) => (line[0] === 0 ? line.with(1, "") : line));
    },
    [
      [1, "a", "0000000000000010"],
      [2, "b", "0000000000000010"],
      [3, "c", "0000000000000010"],
      [14, "d", ""],
      [14, "e", ""],
      [0, "", "00000000"],
      "00000000",
    ],
  ],
  [
    "a serializer whose extras no server takes",
    async (w) => {
      const serialize = (_opcode, value) => ({ value, extras: Buffer.alloc(4) });
      return called((done) =>
        w.client({ serializer: { ...json, serialize } }).set("key", "text", {}, done),
      );
    },
    ["MemJS SET: Invalid arguments", null, null],
    ["MemJS SET: Invalid arguments", null],
  ],
]);

const json = {
  serialize(_opcode, value, extras) {
    extras.writeUInt32BE(7, 0);
    extras.writeUInt32BE(100, 4);
    return { value: JSON.stringify(value), extras };
  },
  deserialize(_opcode, value, extras) {
    return { value: JSON.parse(value), extras: extras.toString("hex") };
  },
};

test("ours: an error of a serializer is that of the call", async (t) => {
  const { World } = await import("./world.mjs");
  const { EmbeddedServer } = await import("memoxide");
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const w = new World("ours", server.endpoint);
  await w.c.set("key", "{");
  await assert.rejects(w.client({ serializer: json }).get("key"), SyntaxError);
});

/** What a program can see of a client that has not been used yet. */
function seen(module, servers, options) {
  const { Client } = modules[module];
  const client = Client.create(servers, options);
  const of = ({ host, port, username, password }) => ({ host, port, username, password });
  const { logger, serializer, ...rest } = client.options;
  return {
    servers: client.servers.map((server) => ({ ...of(server), text: String(server) })),
    options: rest,
    logger: logger === console,
    passes: client.serializer.serialize(1, "value", "extras"),
    shared: client.servers.every((server) => server.options === client.options),
    seq: client.seq,
  };
}

/** Runs with these variables and no others that matter. */
function within(variables, run) {
  const names = ["SERVERS", "USERNAME", "PASSWORD"].flatMap((name) => [
    `MEMCACHIER_${name}`,
    `MEMCACHE_${name}`,
  ]);
  const before = names.map((name) => process.env[name]);
  try {
    for (const name of names) delete process.env[name];
    Object.assign(process.env, variables);
    return run();
  } finally {
    names.forEach((name, index) => {
      if (before[index] === undefined) delete process.env[name];
      else process.env[name] = before[index];
    });
  }
}

const both = {
  MEMCACHIER_SERVERS: "one",
  MEMCACHE_SERVERS: "two:1,three",
  MEMCACHIER_USERNAME: "a",
  MEMCACHE_USERNAME: "b",
  MEMCACHE_PASSWORD: "c",
};
for (const [name, servers, makeOptions, variables] of [
  ["nothing", undefined, () => undefined, {}],
  ["nothing but defaults", undefined, () => ({}), {}],
  ["an empty text", "", () => ({}), {}],
  ["several servers", "a:1,b,c:33", () => ({}), {}],
  ["spaces", "a:1, b:2", () => ({}), {}],
  ["credentials", "u:p@a:1,b:2,v:q:r@c", () => ({}), {}],
  ["credentials in options", "u:p@a:1,b:2", () => ({ username: "x", password: "y" }), {}],
  ["variables", undefined, () => ({}), both],
  [
    "variables of the second family",
    undefined,
    () => ({}),
    { MEMCACHE_SERVERS: "two:1,three", MEMCACHE_PASSWORD: "c" },
  ],
  ["variables and arguments", "v:w@four:4", () => ({ username: "x" }), both],
  [
    "options",
    "a",
    () => ({
      retries: 0,
      retry_delay: 0,
      expires: 5,
      failover: true,
      failoverTime: 1,
      timeout: 3,
      keepAlive: true,
      unknown: 1,
    }),
    {},
  ],
  [
    "options that are null",
    "a",
    () => ({ retries: null, timeout: undefined, keepAliveDelay: null, conntimeout: null }),
    {},
  ],
  ["a time to connect", "a", () => ({ conntimeout: 7 }), {}],
]) {
  test(`a client of ${name}`, () => {
    const [theirs, ours] = ["theirs", "ours"].map((module) =>
      within(variables, () => seen(module, servers, makeOptions())),
    );
    assert.deepEqual(ours, theirs);
  });
}

test("options that were given get the defaults, and stay the caller's object", () => {
  for (const [name, { Client }] of Object.entries(modules)) {
    const options = {};
    const client = Client.create("a,b", options);
    assert.equal(client.options, options, name);
    assert.equal(client.servers[1].options, options, name);
    const { timeout, conntimeout, retries, expires } = options;
    assert.deepEqual([timeout, conntimeout, retries, expires], [0.5, 1, 2, 0], name);
  }
});

test("the module has what memjs has, and default for whoever imports that", async () => {
  const imported = await import("memoxide/memjs");
  const { theirs, ours } = modules;
  assert.deepEqual(Object.keys(ours).sort(), [...Object.keys(theirs), "default"].sort());
  for (const name of ["Header", "Utils"]) {
    assert.deepEqual(Object.keys(ours[name]).sort(), Object.keys(theirs[name]).sort());
  }
  for (const name of Object.keys(theirs)) {
    assert.equal(imported[name], ours[name]);
    assert.equal(imported.default[name], ours[name]);
    assert.equal(ours.default[name], ours[name]);
  }
});
