/** A server that misbehaves on command, seen through the client. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import {
  AuthError,
  ClosedError,
  ConfigError,
  ConnectError,
  ConnectionLostError,
  EmbeddedServer,
  InvalidArgumentError,
  MemoxideError,
  ProtocolError,
  ServerError,
  TimeoutError,
} from "memoxide";

import { clientOf } from "./targets.mjs";

const presets = ["dead", "drip", "flaky", "liar", "restarting", "slow"];

async function started(t, options) {
  const server = await EmbeddedServer.start(options);
  t.after(() => server.stop());
  return server;
}

/** A server with two items, and a client of it. */
async function filled(t) {
  const server = await started(t);
  const client = clientOf(t, server.endpoint, { protocol: "meta" });
  await client.setMulti({ a: "one", b: "two" });
  return { server, client };
}

/** How often what came of reading `a`. */
async function outcomes(client, calls) {
  const found = {};
  for (let call = 0; call < calls; call++) {
    let outcome;
    try {
      const { value } = await client.get("a");
      // Lies are caught: it is the value, or a miss where all was lost.
      assert.ok(value === "one" || value === null, value);
      outcome = String(value);
    } catch (error) {
      assert.ok(error instanceof MemoxideError, error);
      outcome = error.kind;
    }
    found[outcome] = (found[outcome] ?? 0) + 1;
  }
  return found;
}

/** Milliseconds that a call takes. */
async function elapsed(call) {
  const begin = performance.now();
  await call();
  return performance.now() - begin;
}

test("slow takes its time", async (t) => {
  const { server, client } = await filled(t);
  const fault = await server.fault("slow");
  assert.ok((await elapsed(() => client.get("a"))) >= 50);
  assert.equal(fault.hits, 1);
  await fault.remove();
  assert.deepEqual(server.faults(), []);
  assert.equal(fault.hits, 1);
});

test("flaky fails now and then", async (t) => {
  const { server, client } = await filled(t);
  const fault = await server.fault("flaky");
  const found = await outcomes(client, 200);
  assert.equal(fault.ids.length, 4);
  assert.ok(found.one > 100);
  assert.ok(found.Server > 0);
  assert.ok(found.UnknownCommand > 0);
  assert.ok(fault.hits > 10);
});

test("drip arrives in the end", async (t) => {
  const { server, client } = await filled(t);
  const fault = await server.fault("drip");
  // "VA 3 ...", line ends and the value: more than ten bytes.
  const time = await elapsed(async () => assert.equal((await client.get("a")).value, "one"));
  assert.ok(time >= 100);
  assert.equal(fault.hits, 1);
});

test("a liar is not believed", async (t) => {
  const { server, client } = await filled(t);
  const fault = await server.fault("liar");
  // Where a length was too large, more is waited for.
  const options = { timeout: 0.2, protocol: "meta", deadAfter: 1_000_000 };
  const hasty = clientOf(t, server.endpoint, options);
  const found = await outcomes(hasty, 200);
  assert.ok(fault.hits > 10);
  assert.ok(found.one > 100);
  const known = new Set(["one", "ConnectionLost", "Protocol", "Timeout"]);
  for (const outcome of Object.keys(found)) assert.ok(known.has(outcome), outcome);
  await fault.remove();
  assert.equal((await client.get("a")).value, "one");
});

test("dead lets nobody in", async (t) => {
  const { server, client } = await filled(t);
  const fault = await server.fault("dead");
  await assert.rejects(client.get("a", { timeout: 0.1 }), TimeoutError);
  await assert.rejects(clientOf(t, server.endpoint).get("a"), ConnectError);
  await fault.remove();
  assert.equal((await clientOf(t, server.endpoint).get("a")).value, "one");
});

test("restarting forgets", async (t) => {
  const { server } = await filled(t);
  const fault = await server.fault("restarting");
  const options = { deadAfter: 1_000_000, protocol: "meta" };
  const client = clientOf(t, server.endpoint, options);
  assert.deepEqual(await outcomes(client, 98), { one: 98 });
  const deadline = performance.now() + 60_000;
  for (let found = {}; !("null" in found); found = await outcomes(client, 1)) {
    assert.ok(performance.now() < deadline);
  }
  assert.equal(fault.hits, 1);
});

for (const preset of presets) {
  test(`${preset} is a set of rules with that name`, async (t) => {
    const server = await started(t);
    const ids = await server.addFaults(preset);
    const faults = server.faults();
    assert.deepEqual(
      faults.map(({ id }) => id),
      ids,
    );
    for (const { rule } of faults) assert.equal(rule.name, preset);
    await server.clearFaults();
    assert.deepEqual(server.faults(), []);
  });
}

test("a lost reply leaves the outcome unknown", async (t) => {
  const { server, client } = await filled(t);
  const id = await server.addFault({ action: "reset", when: "after", command: "ms", times: 1 });
  await assert.rejects(client.set("a", "changed"), (error) => {
    assert.ok(error instanceof ConnectionLostError);
    assert.equal(error.isAmbiguous, true);
    return true;
  });
  assert.equal((await client.get("a")).value, "changed");
  assert.equal(server.faultHits(id), 1);
});

test("an error for some keys", async (t) => {
  const { server, client } = await filled(t);
  const fault = await server.fault({ action: "error", kind: "out_of_memory", key: "session:*" });
  assert.equal(await client.set("user:1", 1), true);
  await assert.rejects(client.set("session:1", 1), (error) => {
    assert.ok(error instanceof ServerError);
    assert.match(error.message, /out of memory/);
    return true;
  });
  assert.equal(fault.hits, 1);
});

for (const [rule, ...errors] of [
  [{ action: "wrong_key", command: "get" }, ProtocolError],
  [{ action: "wrong_opaque", command: "mg" }, ProtocolError],
  // Without an end of line it may yet become something.
  [{ action: "garbage" }, ProtocolError, TimeoutError],
  [{ action: "truncate", bytes: 4 }, ConnectionLostError],
  [{ action: "close" }, ConnectionLostError],
  [{ action: "hang" }, TimeoutError],
  [{ action: "auth_failure" }, AuthError],
]) {
  test(`the client notices ${rule.action}`, async (t) => {
    const server = await started(t);
    const protocol = rule.command === "get" ? "text" : "meta";
    const client = clientOf(t, server.endpoint, { retryAttempts: 0, protocol });
    await client.set("a", "one");
    const fault = await server.fault({ command: ["get", "mg"], ...rule });
    const options = errors.includes(TimeoutError) ? { timeout: 0.2 } : {};
    const ended = client.get("a", options);
    await assert.rejects(ended, (error) => errors.some((it) => error instanceof it));
    assert.equal(fault.hits, 1);
  });
}

test("values arrive in pieces of any size", async (t) => {
  const { server, client } = await filled(t);
  const value = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
  await client.set("a", value);
  for (const rule of [
    { action: "slice", average: 1000, variation: 900 },
    { action: "bandwidth", bytes_per_second: 10_000_000 },
    { action: "delay", seconds: 0.01, jitter: 0.01 },
  ]) {
    const fault = await server.fault(rule);
    assert.deepEqual((await client.get("a")).value, value);
    assert.equal(fault.hits, 1);
    await fault.remove();
  }
  const fault = await server.fault({ action: "split" });
  assert.equal((await client.get("b")).value, "two");
  assert.equal(fault.hits, 1);
});

test("items go and time jumps", async (t) => {
  const { server, client } = await filled(t);
  await server.addFault({ action: "evict", key: "a", times: 1 });
  assert.equal((await client.get("a")).value, null);
  assert.equal((await client.get("b")).value, "two");
  await client.set("b", "two", { expires: 60 });
  await server.addFault({ action: "clock_jump", seconds: 60, times: 1 });
  assert.equal((await client.get("b")).value, null);
  await client.set("a", "one");
  await server.addFault({ action: "flush", times: 1 });
  assert.equal((await client.get("a")).value, null);
});

test("rules have many forms", async (t) => {
  const server = await started(t);
  const rule = { action: "delay", seconds: 0.5, command: ["get", "mg"], times: 2 };
  const toxic = { type: "latency", attributes: { latency: 100 } };
  const forms = [rule, [rule], JSON.stringify(rule), [rule, "slow"], "slow", '"slow"', toxic];
  for (const form of [...forms, JSON.stringify([rule, "slow"]), { ...rule, name: undefined }]) {
    for (const id of await server.addFaults(form)) {
      assert.equal(await server.removeFault(id), true);
      assert.equal(await server.removeFault(id), false);
      assert.equal(server.faultHits(id), null);
    }
  }
  const id = await server.addFault(rule);
  assert.equal(await server.addFault({ action: "flush" }), id + 1);
  const [status] = server.faults();
  const whole = { ...rule, jitter: 0, when: "before" };
  assert.deepEqual(status, { id, rule: whole, hits: 0 });
});

for (const [rules, message] of [
  ["sloow", /no fault preset is called "sloow"/],
  [{ action: "bark" }, /unknown variant/],
  [{ action: "close", comand: "get" }, /close has no field "comand"/],
  [{ probability: 1 }, /needs an action/],
  [{ action: "close", probability: 2 }, /not between 0 and 1/],
  [{ action: "close", probability: Number.NaN }, /no form in JSON/],
  [{ action: "close", times: 1n }, /no form in JSON/],
  [{ action: "close", key: Buffer.from("bytes") }, /expected a string/],
  [{ action: "close", key: () => "key" }, /no form in JSON/],
  [1, /a fault rule is/],
  [undefined, /no form in JSON/],
  [null, /no fault preset/],
  [[{ action: "close" }, "sloow"], /no fault preset/],
]) {
  test(`rules that cannot be: ${message}`, async (t) => {
    const server = await started(t);
    const refused = (error) => {
      assert.ok(error instanceof ConfigError, error);
      assert.match(error.message, message);
      return true;
    };
    await assert.rejects(server.addFaults(rules), refused);
    assert.deepEqual(server.faults(), []);
    if (rules !== undefined) await assert.rejects(EmbeddedServer.start({ faults: rules }), refused);
  });
}

test("one rule is no preset, and numbers are numbers", async (t) => {
  const server = await started(t);
  for (const wrong of ["slow", ["slow"], null, undefined]) {
    await assert.rejects(server.addFault(wrong), ConfigError);
  }
  for (const wrong of [-1, 0.5, "1", undefined]) {
    await assert.rejects(server.removeFault(wrong), InvalidArgumentError);
    assert.throws(() => server.faultHits(wrong), InvalidArgumentError);
  }
  for (const wrong of [-1, 0.5, "1", null]) {
    assert.throws(() => server.logRequests(wrong), InvalidArgumentError);
    assert.throws(() => server.evict(wrong), InvalidArgumentError);
    assert.throws(() => server.flushAll(wrong), InvalidArgumentError);
  }
});

test("a block that declares a fault removes it at its end", async (t) => {
  const { server, client } = await filled(t);
  const fault = await server.fault({ action: "error", kind: "busy" });
  await assert.rejects(client.get("a"), ServerError);
  await fault[Symbol.asyncDispose]();
  assert.equal((await client.get("a")).value, "one");
  assert.equal(fault.hits, 1);
  client[Symbol.dispose]();
  await assert.rejects(client.get("a"), ClosedError);
});

test("a stopped server takes no rules", async () => {
  const server = await EmbeddedServer.start();
  const fault = await server.fault("slow");
  await server.stop();
  await assert.rejects(server.clearFaults(), ClosedError);
  await assert.rejects(server.addFaults("slow"), ClosedError);
  await assert.rejects(server.removeFault(1), ClosedError);
  for (const call of ["logRequests", "items", "clear", "footprint", "statistics"]) {
    assert.throws(() => server[call](), ClosedError);
  }
  assert.deepEqual(server.faults(), []);
  assert.deepEqual(server.loggedRequests(), []);
  server.clearLog();
  await fault.remove();
  assert.equal(fault.hits, 0);
});

test("rules and log are there from the start", async (t) => {
  const server = await started(t, { faults: "dead", requestLog: 10 });
  await assert.rejects(clientOf(t, server.endpoint).get("a"), ConnectError);
  await server.clearFaults();
  await clientOf(t, server.endpoint).set("a", 1);
  assert.equal(server.loggedRequests().at(-1).key, "a");
});

test("requests are logged", async (t) => {
  const { server, client } = await filled(t);
  assert.deepEqual(server.loggedRequests(), []);
  server.logRequests(3);
  const before = server.requests;
  const fault = await server.fault({ action: "delay", seconds: 0, command: "ms" });
  await client.set("a", Buffer.alloc(100, "x"));
  await fault.remove();
  await client.get("a");
  const [stored, read] = server.loggedRequests();
  assert.deepEqual([stored.command, read.command], ["ms", "mg"]);
  assert.deepEqual([stored.key, stored.faults], ["a", fault.ids]);
  assert.match(stored.head.toString(), /^ms a 100/);
  assert.equal(stored.length, stored.head.length + 2 + 102);
  assert.deepEqual([read.connection, read.faults], [stored.connection, []]);
  assert.equal(read.request, stored.request + 1);
  assert.ok(read.replyLength > 100);
  assert.equal(server.requests, before + 2);
  for (let number = 0; number < 5; number++) await client.get(`k${number}`);
  const keys = server.loggedRequests().map(({ key }) => key);
  assert.deepEqual(keys, ["k2", "k3", "k4"]);
  server.clearLog();
  assert.deepEqual(server.loggedRequests(), []);
  await client.get("a");
  assert.equal(server.loggedRequests().length, 1);
  server.logRequests(0);
  assert.deepEqual(server.loggedRequests(), []);
});

test("any client may change rules where it is allowed", async (t) => {
  const server = await started(t, { faultControl: true });
  const socket = net.connect(server.port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write('fault add {"action": "flush"}\r\n');
  const [reply] = await once(socket, "data");
  assert.equal(reply.toString(), "ADDED 1\r\n");
  assert.deepEqual(
    server.faults().map(({ rule }) => rule),
    [{ action: "flush" }],
  );
});

test("what the server holds is told", async (t) => {
  const { server, client } = await filled(t);
  assert.equal(server.items(), 2);
  assert.ok(server.footprint() > 0);
  assert.equal(server.statistics().curr_items, "2");
  assert.equal(server.statistics("settings").evictions, "on");
  assert.deepEqual(server.statistics("nothing"), {});
  assert.equal(server.evict(1), 1);
  assert.equal(server.items(), 1);
  server.flushAll();
  assert.equal((await client.getMulti(["a", "b"])).size, 0);
  await client.set("a", "one");
  server.clear();
  assert.equal(server.items(), 0);
});

test("time can be stopped", async (t) => {
  const { server, client } = await filled(t);
  server.pauseTime();
  const begin = server.time;
  await client.set("a", "one", { expires: 5 });
  server.advance(4);
  assert.equal((await client.get("a")).value, "one");
  server.advance(1);
  assert.equal((await client.get("a")).value, null);
  assert.equal(server.time, begin + 5);
  server.resumeTime();
});

test("settings reach the server", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "memoxide-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const server = await started(t, {
    unixSocket: path.join(folder, "socket"),
    listen: ["127.0.0.1:0", "[::1]:0"],
    evictions: false,
    cas: false,
    flushEnabled: false,
    dumpEnabled: false,
    watchEnabled: false,
    requestTimeout: null,
    version: "1.6.18",
  });
  assert.equal(server.endpoints.length, 3);
  for (const endpoint of server.endpoints) {
    const name = endpoint.includes(":") ? endpoint : `unix:${endpoint}`;
    assert.deepEqual(await clientOf(t, name).version(), { [name]: "1.6.18" });
  }
  const settings = server.statistics("settings");
  assert.equal(settings.evictions, "off");
  assert.equal(settings.cas_enabled, "no");
  assert.equal(settings.flush_enabled, "no");
  await assert.rejects(clientOf(t, `127.0.0.1:${server.port}`).keys(), MemoxideError);
});

test("users are replaced", async (t) => {
  const server = await started(t, { auth: { ada: "old" } });
  server.replaceUsers({ ada: "new" });
  const options = { username: "ada", auth: "ascii" };
  const allowed = clientOf(t, server.endpoint, { ...options, password: "new" });
  assert.equal(await allowed.set("a", 1), true);
  const refused = clientOf(t, server.endpoint, { ...options, password: "old" });
  await assert.rejects(refused.get("a"), AuthError);
});

for (const options of [
  { protocol: "morse" },
  { listen: ["localhost:1"] },
  { listenPlain: ["127.0.0.1"] },
]) {
  test(`settings that cannot be: ${Object.keys(options)}`, async () => {
    await assert.rejects(EmbeddedServer.start(options), ConfigError);
  });
}
