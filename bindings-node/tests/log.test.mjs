/** What programs are told of servers, checked against the file of every language. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import diagnostics from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";

import { Client, EmbeddedServer } from "memoxide";
import memjs from "memoxide/memjs";

import { clientOf, patient } from "./targets.mjs";

const vectors = JSON.parse(
  readFileSync(new URL("../../tests/vectors/log.json", import.meta.url), "utf8"),
);
const terms = new Map(vectors.events.map((event) => [event.event, event]));
const [key, value] = vectors.forbidden;
const patience = 60_000;

/** Keeps what is told until the test ends. */
function listen(t) {
  const told = [];
  const keep = (entry) => told.push(entry);
  diagnostics.subscribe("memoxide:log", keep);
  t.after(() => diagnostics.unsubscribe("memoxide:log", keep));
  return told;
}

async function start(t) {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  return server;
}

const camelCase = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** Makes a call and tells how it ended. */
async function call(client, method) {
  try {
    if (method === "get") return (await client.get(key)).value === null ? "miss" : "ok";
    return (await client.set(key, value)) ? "ok" : "no";
  } catch (error) {
    return error.kind;
  }
}

async function play(server, client, step) {
  if (step.fault !== undefined) await server.addFault(step.fault);
  else if (step.heal !== undefined) await server.clearFaults();
  else {
    const giveUp = performance.now() + patience;
    for (;;) {
      const end = await call(client, step.call);
      if (end === (step.ends ?? step.until)) return;
      assert.notEqual(step.until, undefined, `${JSON.stringify(step)} ends with ${end}`);
      assert.ok(performance.now() < giveUp, JSON.stringify(step));
    }
  }
}

/** Checks one entry; reason, kind and requests where they are known. */
function check(entry, expected, endpoint) {
  const { level, message } = terms.get(entry.event);
  const reason = expected.reason ?? entry.reason;
  const text = `${message} (${endpoint})${reason === undefined ? "" : `: ${reason}`}`;
  const kind = expected.kind ?? entry.kind;
  const whole = { event: expected.event, level, message, endpoint, text };
  if (reason !== undefined) Object.assign(whole, { reason, kind });
  if (expected.requests !== undefined) whole.requests = expected.requests;
  assert.deepEqual({ ...entry }, whole);
  for (const forbidden of vectors.forbidden) {
    assert.ok(!JSON.stringify(entry).includes(forbidden), entry.text);
  }
}

for (const situation of vectors.situations) {
  test(situation.name, async (t) => {
    const told = listen(t);
    const server = await start(t);
    const endpoint = situation.server ?? server.endpoint;
    const options = Object.entries(situation.options ?? {});
    const named = Object.fromEntries(options.map(([name, value]) => [camelCase(name), value]));
    // Node has warnings as well, which are for people and not for a log.
    const client = clientOf(t, endpoint, named);
    for (const step of situation.steps) await play(server, client, step);
    await client.close();
    assert.deepEqual(
      told.map(({ event }) => event),
      situation.log.map(({ event }) => event),
    );
    for (const [index, expected] of situation.log.entries()) check(told[index], expected, endpoint);
  });
}

test("a connection that was idle for too long is told of", async (t) => {
  const told = listen(t);
  const server = await start(t);
  const client = clientOf(t, server.endpoint, { idleTimeout: 0.001 });
  const closed = new Promise((resolve, reject) => {
    // An idle client does not keep a process.
    const late = setTimeout(() => reject(new Error("was not told")), patience);
    t.after(() => clearTimeout(late));
    const wait = (entry) => {
      if (entry.event === "connection_closed") resolve();
    };
    diagnostics.subscribe("memoxide:log", wait);
    t.after(() => diagnostics.unsubscribe("memoxide:log", wait));
  });
  await client.get(key);
  await closed;
  assert.deepEqual(
    told.map(({ event }) => event),
    ["connection_opened", "connection_closed"],
  );
  check(told[1], { event: "connection_closed" }, server.endpoint);
});

test("the types name the events of the list", () => {
  const source = readFileSync(new URL("../ts/log.ts", import.meta.url), "utf8");
  const union = source.slice(source.indexOf("type LogEvent"), source.indexOf("interface LogEntry"));
  const named = [...union.matchAll(/\| "(\w+)"/g)].map(([, name]) => name);
  const own = vectors.events.filter(({ languages = ["node"] }) => languages.includes("node"));
  assert.deepEqual(
    named,
    own.map(({ event }) => event),
  );
});

test("a subscriber may use the client", async (t) => {
  const server = await start(t);
  const client = clientOf(t, server.endpoint);
  const asked = [];
  const ask = () => {
    diagnostics.unsubscribe("memoxide:log", ask);
    asked.push(client.get(key));
  };
  diagnostics.subscribe("memoxide:log", ask);
  assert.equal(await client.set(key, value), true);
  assert.equal(asked.length, 1);
  assert.equal((await asked[0]).value, value);
});

test("a subscriber may close the client", async (t) => {
  const server = await start(t);
  const client = new Client(server.endpoint, patient);
  const close = () => client.close();
  diagnostics.subscribe("memoxide:log", close);
  t.after(() => diagnostics.unsubscribe("memoxide:log", close));
  const ended = await Promise.allSettled([client.set(key, value), client.get(key)]);
  assert.equal(ended.length, 2);
});

test("entries cannot be changed by a subscriber for the next", async (t) => {
  const told = listen(t);
  const server = await start(t);
  await clientOf(t, server.endpoint).get(key);
  assert.ok(Object.isFrozen(told[0]));
});

test("the drop-in for memjs tells of its servers", async (t) => {
  const told = listen(t);
  const server = await start(t);
  const client = memjs.Client.create(server.endpoint, { timeout: 30, conntimeout: 30 });
  t.after(() => client.close());
  assert.equal(await client.set("a", "b", {}), true);
  assert.deepEqual(
    told.map(({ event, endpoint }) => [event, endpoint]),
    [["connection_opened", server.endpoint]],
  );
});

const outage = `
import { Client, EmbeddedServer } from "memoxide";
const server = await EmbeddedServer.start();
await server.addFault({ action: "refuse" });
const client = new Client(server.endpoint, { deadAfter: 1, onError: "miss" });
await client.get("key");
console.log(server.endpoint);
await client.close();
await server.stop();
`;

// A process of its own: an exception that nobody catches fails the test that runs.
const throwing = `
import { subscribe } from "node:diagnostics_channel";
import { Client, EmbeddedServer } from "memoxide";
subscribe("memoxide:log", () => {
  throw new Error("broken");
});
process.on("uncaughtException", (error) => console.log(error.message));
const server = await EmbeddedServer.start();
const client = new Client(server.endpoint, ${JSON.stringify(patient)});
console.log(await client.set("key", "value"), (await client.get("key")).value);
await client.close();
await server.stop();
`;

/** Runs a program and returns the lines that it writes. */
async function run(program, environment) {
  const { NODE_DEBUG: _, ...own } = process.env;
  const options = { env: { ...own, ...environment }, cwd: import.meta.dirname };
  const script = ["--input-type=module", "--eval", program];
  const written = await promisify(execFile)(process.execPath, script, options);
  const lines = (text) => text.split("\n").filter((line) => line !== "");
  return { stdout: lines(written.stdout), stderr: lines(written.stderr) };
}

test("a subscriber that throws does not end a call", async () => {
  assert.deepEqual((await run(throwing)).stdout, ["broken", "true value"]);
});

test("NODE_DEBUG=memoxide writes it to stderr, and nothing else does", async () => {
  assert.deepEqual((await run(outage)).stderr, []);
  const { stdout, stderr } = await run(outage, { NODE_DEBUG: "memoxide" });
  const expected = ["connection_failed", "server_out_of_service", "call_degraded"];
  assert.equal(stderr.length, expected.length, stderr.join("\n"));
  for (const [index, event] of expected.entries()) {
    const { level, message } = terms.get(event);
    const line = stderr[index].replace(/^MEMOXIDE \d+: /, "");
    assert.ok(line.startsWith(`${level}: ${message} (${stdout[0]}): cannot connect`), line);
  }
});
