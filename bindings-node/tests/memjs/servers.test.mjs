/** What memjs 1.3.2 does with several servers, reports, and servers of a program's own. */

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";

import { EmbeddedServer } from "memoxide";

import { called, failed, modules, outcome, patient, table, World } from "./world.mjs";

/** Registers a test for each module. */
export function each(name, body) {
  for (const module of Object.keys(modules)) {
    test(`${name} (${module})`, (t) => body(t, modules[module], module));
  }
}

/** Starts servers; returns them with a client's list of them. */
async function start(t, count) {
  const servers = [];
  for (let index = 0; index < count; index++) servers.push(await EmbeddedServer.start());
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  return { servers, list: servers.map(({ endpoint }) => endpoint).join(",") };
}

/** Calls back once per server: what was handed over, until there are `count`. */
function collected(count, begin) {
  return new Promise((resolve) => {
    const found = [];
    begin((...results) => {
      found.push(results);
      if (found.length === count) resolve(found);
    });
  });
}

table([
  [
    "flush",
    async (w) =>
      [
        await w.c.set("key", "text"),
        Object.entries(await w.c.flush()).flat(),
        await w.stored("key"),
      ].with(1, "flushed"),
    [true, "flushed", null],
  ],
  [
    "the general report",
    async (w) => {
      const [[error, name, stats]] = await collected(1, (done) => w.c.stats(done));
      return [error, name === w.endpoint, typeof stats.pid, typeof stats.curr_items];
    },
    [null, true, "string", "string"],
  ],
  [
    "another report",
    async (w) => {
      const [[error, name, stats]] = await collected(1, (done) =>
        w.c.statsWithKey("settings", done),
      );
      return [error, name === w.endpoint, stats.item_size_max];
    },
    [null, true, "1048576"],
  ],
  [
    "a report that is not there",
    async (w) => {
      const [[error, name, stats]] = await collected(1, (done) => w.c.statsWithKey("dreams", done));
      return [error.message, name === w.endpoint, stats, w.logged];
    },
    ["MemJS STATS (dreams): Key not found", true, null, ["MemJS STATS (dreams): Key not found"]],
  ],
  [
    "counts begin again",
    async (w) => {
      await w.c.get("key");
      const [[error, name, stats]] = await collected(1, (done) => w.c.resetStats(done));
      const [[, , after]] = await collected(1, (done) => w.c.stats(done));
      return [error, name === w.endpoint, stats, after.get_misses];
    },
    [null, true, {}, "0"],
  ],
  [
    "quit lets what is under way end, and the next command connects again",
    async (w) => {
      const stored = w.c.set("key", "text");
      w.c.quit();
      const answer = await stored;
      await disconnected(w.c.servers[0]);
      return [answer, (await w.c.get("key")).value];
    },
    [true, Buffer.from("text")],
  ],
]);

/** Waits until a server has no connection. */
async function disconnected(server) {
  while (server.connected) await new Promise(setImmediate);
}

each("keys are where memjs puts them", async (_t, { Client, Utils }) => {
  const client = Client.create("a,b,c");
  assert.deepEqual(
    ["a", "foo", "bar", "user:1"].map((key) => client.getServer(key)),
    [1, 0, 0, 2],
  );
  assert.equal(String(client.server("user:1")), "<Server c:11211>");
  assert.equal(Utils.hashCode("hello"), 99162322);
  assert.equal(Utils.hashCode("\u{1f600}"), 0xd83d * 31 + 0xde00);
  // The only text of its length whose hash has no positive counterpart in 32 bits.
  assert.equal(Utils.hashCode("polygenelubricants"), 2 ** 31);
  assert.equal(Utils.hashCode(""), 0);
});

each(
  "items go to the server of their key, or where the program puts them",
  async (t, { Client }) => {
    const { servers, list } = await start(t, 3);
    const client = Client.create(list, { ...patient, logger: { log() {} } });
    t.after(() => client.close());
    await client.set("user:1", "text");
    const at = (server) => new World("ours", server.endpoint).stored("user:1");
    assert.deepEqual(await Promise.all(servers.map(at)), [null, null, [0, "text"]]);
    client.getServer = (key) => (key === "user:1" ? 1 : 0);
    await client.set("user:1", "other");
    assert.deepEqual(await Promise.all(servers.map(at)), [null, [0, "other"], [0, "text"]]);
    assert.deepEqual(Object.values(await client.flush()), [true, true, true]);
    const reports = await collected(3, (done) => client.stats(done));
    assert.deepEqual(reports.map(([, name]) => name).sort(), list.split(",").sort());
  },
);

test("ours: a buffer as key goes where its text goes", async (t) => {
  const { list } = await start(t, 3);
  const client = modules.ours.Client.create(list, { ...patient });
  t.after(() => client.close());
  await client.set("user:1", "text");
  assert.equal(String((await client.get(Buffer.from("user:1"))).value), "text");
});

each("servers that failed are skipped", async (t, { Client }) => {
  const { list } = await start(t, 1);
  const logged = [];
  const logger = { log: (message) => logged.push(message) };
  const options = { ...patient, failover: true, retry_delay: 0.01, failoverTime: 600, logger };
  const begin = Date.now();
  const client = Client.create(`127.0.0.1:1,${list}`, options);
  t.after(() => client.close());
  client.getServer = () => 0;
  assert.equal(await client.set("key", "text"), true);
  assert.equal((await client.get("key")).value.toString(), "text");
  assert.deepEqual(logged, [
    "MemJS: Server <127.0.0.1:1> failed after (2) retries with error - connect ECONNREFUSED 127.0.0.1:1",
  ]);
  const [first, second] = client.servers;
  assert.ok(first.wakeupAt >= begin + 600_000 && first.wakeupAt <= Date.now() + 600_000);
  assert.equal(second.wakeupAt, undefined);
});

each("when all servers are skipped there is none", async (_t, { Client }) => {
  const options = { ...patient, failover: true, retries: 1, logger: { log() {} } };
  const client = Client.create("127.0.0.1:1,127.0.0.1:2", options);
  assert.deepEqual(await outcome(() => client.get("key")), failed("No servers available"));
  const results = await called((done) => client.get("key", done));
  assert.deepEqual(results, ["No servers available", null, null]);
});

each("the outcome of a flush where a server is down", async (t, { Client }) => {
  const { list } = await start(t, 1);
  const client = Client.create(`${list},127.0.0.1:1`, { ...patient, logger: { log() {} } });
  t.after(() => client.close());
  const [error, results] = await called((done) => client.flush(done));
  assert.equal(error, "connect ECONNREFUSED 127.0.0.1:1");
  assert.equal(results[list], true);
  assert.equal(results["127.0.0.1:1"].code, "ECONNREFUSED");
  await assert.rejects(client.flush(), { code: "ECONNREFUSED" });
});

each(
  "a program's own servers get bytes, and answer in kind",
  async (_t, { Client, Server, Utils }) => {
    const server = new Server("own", 1);
    const seen = [];
    server.write = (bytes) => {
      const { header, key, val, extras } = Utils.parseMessage(bytes);
      seen.push([header.opcode, key.toString(), val.toString(), extras.toString("hex")]);
      const reply = Utils.makeRequestBuffer(
        header.opcode,
        "",
        "\0\0\0\u0007",
        "text",
        header.opaque,
      );
      // In two parts.
      server.responseHandler(reply.subarray(0, 30));
      server.responseHandler(reply.subarray(30));
    };
    const client = new Client([server], { expires: 1024 });
    assert.equal(await client.set("key", "value"), true);
    const { value, flags } = await client.get("key");
    assert.deepEqual([value.toString(), flags.toString("hex")], ["text", "00000007"]);
    assert.deepEqual(seen, [
      [1, "key", "value", "0000000000000400"],
      [0, "key", "", ""],
    ]);
  },
);

each("requests in bytes", async (t, { Client, Utils }) => {
  const { list } = await start(t, 1);
  const client = Client.create(list, { ...patient });
  t.after(() => client.close());
  const perform = (opcode, key, extras, value) =>
    new Promise((resolve, reject) => {
      client.incrSeq();
      const request = Utils.makeRequestBuffer(opcode, key, extras, value, client.seq);
      client.perform(key, request, client.seq, (error, { header, val, extras }) => {
        if (error) reject(error);
        else
          resolve([
            header.opcode,
            header.status,
            header.opaque,
            val.toString("hex"),
            extras.toString("hex"),
          ]);
      });
    });
  assert.deepEqual(await perform(1, "key", Buffer.from("0000000700000000", "hex"), "5"), [
    1,
    0,
    1,
    "",
    "",
  ]);
  assert.deepEqual(await perform(0, "key", "", ""), [0, 0, 2, "35", "00000007"]);
  const counting = Utils.makeAmountInitialAndExpiration(3, 0, 0);
  assert.deepEqual(await perform(5, "key", counting, ""), [5, 0, 3, "0000000000000008", ""]);
  // A life of 32 ones: a counter that is not there stays away.
  const [, status] = await perform(
    5,
    "other",
    Utils.makeAmountInitialAndExpiration(3, 0, 2 ** 32 - 1),
    "",
  );
  assert.equal(status, 1);
});

each("a function put before perform sees every command", async (t, { Client, Utils }) => {
  const { list } = await start(t, 1);
  const client = Client.create(list, { ...patient });
  t.after(() => client.close());
  const { perform } = client;
  const seen = [];
  client.perform = function (key, request, ...rest) {
    seen.push([key.toString(), Utils.parseMessage(request).header.opcode]);
    return perform.call(this, key, request, ...rest);
  };
  await client.set("key", "text");
  assert.equal((await client.get("key")).value.toString(), "text");
  assert.deepEqual(seen, [
    ["key", 1],
    ["key", 0],
  ]);
});

test("ours: numbers of requests go on after 32 bits", async (t) => {
  const { list } = await start(t, 1);
  const client = modules.ours.Client.create(list, { ...patient });
  t.after(() => client.close());
  client.seq = 2 ** 31 - 1;
  await client.set("key", "text");
  client.seq = 2 ** 32 - 1;
  await client.get("key");
  assert.equal(client.seq, 0);
});

test("the helpers give what those of memjs give", () => {
  const { theirs, ours } = modules;
  const both = (act) => assert.deepEqual(act(ours), act(theirs));
  const header = {
    magic: 0x81,
    opcode: 1,
    keyLength: 0x700,
    extrasLength: 4,
    dataType: 3,
    status: 1,
    totalBodyLength: 9,
    opaque: 77,
    cas: Buffer.from("0a00000000000001", "hex"),
  };
  both(({ Header }) => Header.toBuffer(header));
  both(({ Header }) => Header.toBuffer({ ...header, cas: undefined, opaque: undefined }));
  both(({ Header }) => Header.fromBuffer(Header.toBuffer(header)));
  both(({ Header }) => Header.fromBuffer());
  const message = ({ Utils }) =>
    Utils.makeRequestBuffer(1, "ключ", "\0\0", Buffer.from("value"), 5);
  both(message);
  both((module) => module.Utils.parseMessage(message(module)));
  both((module) => module.Utils.parseMessage(message(module).subarray(0, -1)));
  both(({ Utils }) => Utils.parseMessage(Buffer.alloc(23)));
  both(({ Utils }) => Utils.makeAmountInitialAndExpiration(255, 2 ** 32 - 1, 1));
  both(({ Utils }) => Utils.makeExpiration(1024));
  both(({ Utils }) =>
    Utils.merge({ a: 0, b: null, c: undefined, d: 1 }, { a: 2, b: 3, c: 4, e: 5 }),
  );
  for (const key of ["", "a", "Zwölf ✓", "\u{1f600}".repeat(50), "polygenelubricants"]) {
    both(({ Utils }) => Utils.hashCode(key));
  }
});

each("options reach the socket", async (t, { Client }) => {
  const { list } = await start(t, 1);
  const { setKeepAlive } = net.Socket.prototype;
  const calls = [];
  net.Socket.prototype.setKeepAlive = function (...settings) {
    calls.push(settings);
    return setKeepAlive.apply(this, settings);
  };
  t.after(() => {
    net.Socket.prototype.setKeepAlive = setKeepAlive;
  });
  const client = Client.create(list, { ...patient, keepAlive: true, keepAliveDelay: 7 });
  await client.get("key");
  client.close();
  assert.deepEqual(calls, [[true, 7000]]);
});

each("a server tells when there is a connection", async (t, { Client }) => {
  const { list } = await start(t, 1);
  const client = Client.create(list, { ...patient });
  const [server] = client.servers;
  assert.equal(server.connected, false);
  const authenticated = once(server, "authenticated");
  await client.get("key");
  await authenticated;
  assert.equal(server.connected, true);
  client.close();
  await disconnected(server);
});
