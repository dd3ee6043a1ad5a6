/** How clients begin and end, and what they are to a process. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";

import { Client, ClosedError, EmbeddedServer, TimeoutError } from "memoxide";

import { answerLines, clientOf, fakeServer, onBoth, opaqueOf, patient } from "./targets.mjs";

const cwd = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a program to its end and returns what it printed. */
async function run(script, { env = {}, args = [] } = {}) {
  const { stdout } = await promisify(execFile)(process.execPath, [...args, "--eval", script], {
    cwd,
    timeout: 60_000,
    env: { ...process.env, ...env },
  });
  return stdout;
}

async function embedded(t) {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  return server;
}

onBoth("the servers tell their version, and reports", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const { endpoint } = server;
  assert.deepEqual(client.servers, [endpoint]);
  assert.match((await client.version())[endpoint], /^1\./);
  const general = (await client.stats())[endpoint];
  assert.ok(Number(general.pid) > 0);
  assert.ok((await client.stats("settings"))[endpoint].maxbytes);
  assert.deepEqual(await client.verbosity(0), { [endpoint]: true });
  assert.deepEqual(await client.cacheMemlimit(128), { [endpoint]: true });
  assert.equal((await client.stats("settings"))[endpoint].maxbytes, String(128 * 2 ** 20));
  await client.set("k", 1);
  assert.deepEqual(await client.flush(), { [endpoint]: true });
  assert.equal((await client.get("k")).value, null);
  for (const amount of [-1, 1.5, "1", Number.NaN]) {
    await assert.rejects(client.verbosity(amount), { kind: "InvalidArgument" });
    await assert.rejects(client.cacheMemlimit(amount), { kind: "InvalidArgument" });
  }
  await assert.rejects(client.stats("no\r\nreport"), { kind: "InvalidArgument" });
  await assert.rejects(client.stats(5), { kind: "InvalidArgument" });
});

test("a flush can be delayed", async (t) => {
  const server = await EmbeddedServer.start({ time: 1_700_000_000 });
  t.after(() => server.stop());
  const client = clientOf(t, server.endpoint);
  await client.set("k", 1);
  await client.flush(10);
  assert.equal((await client.get("k")).value, 1);
  server.advance(11);
  assert.equal((await client.get("k")).value, null);
});

test("keys are spread over servers, by weight, and a server key keeps them together", async (t) => {
  const servers = await Promise.all([embedded(t), embedded(t), embedded(t)]);
  const endpoints = servers.map(({ endpoint }) => endpoint);
  const client = clientOf(t, endpoints.join(","));
  const keys = Array.from({ length: 300 }, (_, index) => `key:${index}`);
  await client.setMulti(keys.map((key) => [key, key]));
  assert.equal((await client.getMulti(keys)).size, keys.length);
  for (const endpoint of endpoints) {
    const alone = clientOf(t, endpoint);
    const own = keys.filter((key) => client.serverFor(key) === endpoint);
    assert.ok(own.length > 30, endpoint);
    assert.deepEqual([...(await alone.getMulti(keys)).keys()], own);
  }
  const [first] = endpoints;
  const together = keys.find((key) => client.serverFor(key) === first);
  await client.setMulti({ x: 1, y: 2, z: 3 }, { serverKey: together });
  const options = { serverKey: Buffer.from(together) };
  assert.equal((await client.getMulti(["x", "y", "z"], options)).size, 3);
  assert.equal((await clientOf(t, first).getMulti(["x", "y", "z"])).size, 3);

  const weights = Object.fromEntries(endpoints.map((endpoint, index) => [endpoint, index ? 1 : 8]));
  const weighted = clientOf(t, weights);
  const share = keys.filter((key) => weighted.serverFor(key) === first).length;
  assert.ok(share > 180, `${share} of ${keys.length}`);
  assert.throws(() => client.serverFor("two words"), { kind: "InvalidKey" });
});

test("servers are written in many ways", () => {
  for (const [servers, expected] of [
    ["a", ["a:11211"]],
    ["a:1, b:2", ["a:1", "b:2"]],
    ["[::1]:5,::1,unix:/run/m.sock", ["[::1]:5", "[::1]:11211", "unix:/run/m.sock"]],
    [
      ["a:1", { host: "b" }, { host: "::1", port: 5 }, { path: "/run/m.sock" }],
      ["a:1", "b:11211", "[::1]:5", "unix:/run/m.sock"],
    ],
    [{ "a:1": 2, b: 1 }, ["a:1", "b:11211"]],
    ["a:1;weight=3", ["a:1"]],
  ]) {
    assert.deepEqual(new Client(servers).servers, expected);
  }
  for (const servers of [
    "a,,b",
    "a:0",
    "a:port",
    "http://a",
    ["a", ""],
    [5],
    [{}],
    [{ host: "a", path: "/b" }],
    [{ host: "a", wieght: 2 }],
    [{ host: "a", weight: "2" }],
    [{ host: "a", weight: 1.5 }],
    { a: "2" },
    5,
    true,
  ]) {
    assert.throws(() => Client.create(servers), { kind: "Config" }, JSON.stringify(servers));
  }
});

test("without servers the environment is asked", async () => {
  const script = `process.stdout.write(require("memoxide").Client.create().servers.join())`;
  const none = { MEMCACHIER_SERVERS: "", MEMCACHE_SERVERS: "", MEMCACHED_SERVERS: "" };
  assert.equal(await run(script, { env: none }), "localhost:11211");
  const last = { ...none, MEMCACHED_SERVERS: "c:3" };
  assert.equal(await run(script, { env: last }), "c:3");
  const second = { ...last, MEMCACHE_SERVERS: "b:2,b:3" };
  assert.equal(await run(script, { env: second }), "b:2,b:3");
  assert.equal(await run(script, { env: { ...second, MEMCACHIER_SERVERS: "a:1" } }), "a:1");
});

test("options are the core's in camel case, and those of memjs that have a meaning", () => {
  for (const options of [
    {
      timeout: 1,
      connectTimeout: 0.1,
      idleTimeout: 10,
      busyPoll: 0,
      maxConnections: 2,
      retryAttempts: 0,
    },
    { defaultTtl: 60, prefix: "app:", hashing: "memjs", values: "raw", protocol: "text" },
    { prefix: Buffer.from("app:"), onError: "miss", deadAfter: 1, deadRetry: 5 },
    { compressAbove: 1000, compression: "zlib", maxValueSize: 2 ** 22 },
    { expires: 60, conntimeout: 1, retries: 2 },
    { timeout: undefined, prefix: undefined },
  ]) {
    assert.doesNotThrow(() => Client.create("a", options));
  }
  for (const options of [
    { timeouts: 1 },
    { connect_timeout: 1 },
    { timeout: 0 },
    { timeout: "soon" },
    { prefix: "two words" },
    { hashing: "none" },
    { values: "esperanto" },
    { onError: "ignore" },
    { retryAttempts: 1.5 },
    { prefix: {} },
  ]) {
    assert.throws(() => Client.create("a", options), { kind: "Config" }, JSON.stringify(options));
  }
  assert.throws(() => Client.create("a", { timeouts: 1 }), /"timeouts", only: .*connectTimeout/);
});

test("a prefix is put before keys and counts in their length", async (t) => {
  const server = await embedded(t);
  const client = clientOf(t, server.endpoint, { prefix: "app:" });
  await client.set("k", 1);
  assert.equal((await clientOf(t, server.endpoint).get("app:k")).value, 1);
  assert.deepEqual(await client.getMulti(["k"]), new Map([["k", 1]]));
  await assert.rejects(client.get("k".repeat(247)), { kind: "InvalidKey" });
});

test("nothing is opened before the first call", async (t) => {
  const server = await embedded(t);
  const client = clientOf(t, server.endpoint);
  assert.equal(server.connections, 0);
  await Promise.all([client.get("a"), client.get("b"), client.set("c", 1)]);
  assert.equal(server.connections, 1);
});

test("quit waits for calls under way, and refuses further ones", async (t) => {
  const server = await embedded(t);
  const client = Client.create(server.endpoint, patient);
  const calls = [client.set("k", 1), client.get("k")];
  const quitting = client.quit();
  await assert.rejects(client.get("k"), ClosedError);
  assert.deepEqual(await Promise.all(calls), [true, { value: 1, flags: 2 }]);
  await quitting;
  await client.quit();
});

test("close ends calls under way at once", async (t) => {
  const server = await fakeServer(t, () => {});
  const client = Client.create(server.endpoint, { timeout: 30 });
  const sent = assert.rejects(client.get("sent"), ClosedError);
  await client.get("x", { timeout: 0.05 }).catch(() => undefined);
  const packed = assert.rejects(client.get("packed"), ClosedError);
  client.close();
  client.close();
  await Promise.all([sent, packed]);
  await assert.rejects(client.get("later"), ClosedError);
});

test("await using quits", async (t) => {
  const server = await embedded(t);
  const client = Client.create(server.endpoint, patient);
  await client.set("k", 1);
  await client[Symbol.asyncDispose]();
  await assert.rejects(client.get("k"), ClosedError);
});

test("disconnectAll leaves the client usable", async (t) => {
  const server = await embedded(t);
  const client = clientOf(t, server.endpoint);
  await client.set("k", 1);
  client.disconnectAll();
  assert.equal((await client.get("k")).value, 1);
  assert.equal(server.connections, 2);
});

test("a server that restarts is found again", async (t) => {
  const server = await embedded(t);
  const client = clientOf(t, server.endpoint);
  await client.set("k", 1);
  await server.restart();
  assert.equal((await client.get("k")).value, null);
  assert.equal(await client.set("k", 2), true);
});

test("a signal is an AbortSignal", async (t) => {
  const client = clientOf(t, "127.0.0.1:1");
  for (const signal of [{}, null, "abort", new AbortController()]) {
    await assert.rejects(client.get("k", { signal }), { kind: "InvalidArgument" });
  }
});

test("an aborted call rejects with the signal's reason and leaves the others alone", async (t) => {
  const server = await embedded(t);
  const client = clientOf(t, server.endpoint);
  await client.set("k", 1);
  await assert.rejects(client.get("k", { signal: AbortSignal.abort() }), { name: "AbortError" });
  const reason = new Error("changed my mind");
  const controller = new AbortController();
  const { signal } = controller;
  const before = client.get("k", { signal });
  const many = client.getMulti(["k"], { signal });
  const stored = client.set("aborted", 1, { signal });
  const other = client.get("k");
  controller.abort(reason);
  for (const call of [before, many, stored]) {
    await assert.rejects(call, (error) => error === reason);
  }
  assert.equal((await other).value, 1);
  // What was given up in the turn of its call was never sent.
  assert.equal((await client.get("aborted")).value, null);
  const after = new AbortController();
  assert.equal((await client.get("k", { signal: after.signal })).value, 1);
  after.abort();
});

test("a call under way is aborted, its late reply is dropped", async (t) => {
  const held = [];
  const server = await fakeServer(t, (socket) =>
    answerLines(socket, (words) => {
      const reply = `VA 5 f16 ${opaqueOf(words)}\r\nvalue\r\n`;
      if (words[1] === "slow") held.push(reply);
      else return held.splice(0).join("") + reply;
    }),
  );
  const client = clientOf(t, server.endpoint, { timeout: 30, protocol: "meta" });
  const controller = new AbortController();
  const slow = client.get("slow", { signal: controller.signal });
  setImmediate(() => setImmediate(() => controller.abort()));
  await assert.rejects(slow, { name: "AbortError" });
  assert.deepEqual(await client.get("fast"), { value: "value", flags: 16 });
  assert.equal(server.connections, 1);
});

test("many calls may share a signal", async (t) => {
  const server = await embedded(t);
  const client = clientOf(t, server.endpoint);
  const warnings = [];
  const listen = (warning) => warnings.push(warning);
  process.on("warning", listen);
  t.after(() => process.off("warning", listen));
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 50 }, (_, index) => client.get(`k${index}`, { signal })));
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});

test("an idle client does not keep the process alive", async () => {
  const script = `
    const { Client, EmbeddedServer } = require("memoxide");
    (async () => {
      const server = await EmbeddedServer.start();
      const client = Client.create(server.endpoint, {
        idleTimeout: 3600,
        ...${JSON.stringify(patient)},
      });
      await client.set("k", 1);
      process.stdout.write(JSON.stringify(await client.get("k")));
    })();
  `;
  assert.equal(await run(script), '{"value":1,"flags":2}');
});

test("calls under way keep it alive, until they fail at the latest", async (t) => {
  const server = await fakeServer(t, () => {});
  const script = `
    const { Client } = require("memoxide");
    const client = Client.create(process.argv[1], { timeout: 0.3 });
    client.get("k").catch((error) => process.stdout.write(error.name));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--eval", script, server.endpoint],
    { cwd, timeout: 60_000 },
  );
  assert.equal(stdout, "TimeoutError");
});

test("calls that a closing server leaves unanswered end too", async (t) => {
  const server = await fakeServer(t, (socket) => socket.once("data", () => socket.end()));
  const script = `
    const { Client } = require("memoxide");
    const client = Client.create(process.argv[1], ${JSON.stringify(patient)});
    client.set("k", 1).catch((error) => process.stdout.write(error.name));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--eval", script, server.endpoint],
    { cwd, timeout: 60_000 },
  );
  assert.match(stdout, /^(ConnectionLost|Connect)Error$/);
});

test("workers have clients of their own, and may be ended at any time", async (t) => {
  const server = await embedded(t);
  const script = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { Client } = require("memoxide");
    const client = Client.create(workerData.endpoint, ${JSON.stringify(patient)});
    (async () => {
      for (let round = 0; round < 200; round++) {
        const key = workerData.name + round;
        await client.set(key, round);
        if ((await client.get(key)).value !== round) throw new Error("another value");
      }
      parentPort.postMessage("done");
      for (;;) await client.get("k");
    })();
  `;
  const workers = Array.from({ length: 3 }, (_, index) => {
    const workerData = { endpoint: server.endpoint, name: `w${index}:` };
    return new Worker(script, { eval: true, workerData });
  });
  await Promise.all(
    workers.map(async (worker) => {
      const message = await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      assert.equal(message, "done");
      await worker.terminate();
    }),
  );
  assert.equal(await clientOf(t, server.endpoint).set("k", 1), true);
});

test("clients that are forgotten are collected", async (t) => {
  const server = await embedded(t);
  const script = `
    const { Client } = require("memoxide");
    (async () => {
      const gone = new FinalizationRegistry(() => {
        process.stdout.write("collected");
        process.exit();
      });
      await (async () => {
        const client = Client.create(process.argv[1], ${JSON.stringify(patient)});
        await client.set("k", 1);
        await client.quit();
        gone.register(client, 0);
      })();
      for (;;) {
        await new Promise(setImmediate);
        gc();
      }
    })();
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--expose-gc", "--eval", script, server.endpoint],
    { cwd, timeout: 60_000 },
  );
  assert.equal(stdout, "collected");
});

test("a timeout of the client holds for every call", async (t) => {
  const server = await fakeServer(t, () => {});
  const client = clientOf(t, server.endpoint, { timeout: 0.1 });
  const begin = performance.now();
  await assert.rejects(client.getMulti(["a", "b"]), TimeoutError);
  assert.ok(performance.now() - begin >= 99);
});

test("a client that is forgotten without being closed is warned of, and closed", async (t) => {
  const server = await embedded(t);
  const script = `
    import { Client } from "memoxide";
    const server = process.argv[1];
    const warnings = [];
    process.on("warning", ({ code }) => warnings.push(code));
    async function use(end) {
      const client = new Client(server, ${JSON.stringify(patient)});
      const view = await client.namespace("space");
      await view.set("k", 1);
      end?.(client);
      return view;
    }
    await use((client) => client.close());
    await use((client) => client.quit());
    // A client that its view keeps is not forgotten.
    const kept = await use();
    new Client(server);
    const turn = async () => {
      gc();
      await new Promise(setImmediate);
    };
    for (let turns = 0; turns < 100; turns++) await turn();
    const before = warnings.length;
    await use();
    while (warnings.length === before) await turn();
    process.stdout.write(JSON.stringify([before, warnings, (await kept.get("k")).value]));
  `;
  const args = ["--expose-gc", "--input-type=module"];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...args, "--eval", script, server.endpoint],
    { cwd, timeout: 60_000 },
  );
  assert.deepEqual(JSON.parse(stdout), [0, ["MEMOXIDE_CLIENT_LEFT_OPEN"], 1]);
});
