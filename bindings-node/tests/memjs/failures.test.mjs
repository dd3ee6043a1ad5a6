/** What memjs 1.3.2 does when servers fail, and what ours does better. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import net from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";

import { EmbeddedServer } from "memoxide";

import { answerLines, fakeServer } from "../targets.mjs";
import { failed, modules, outcome, patient } from "./world.mjs";

const { Client } = modules.ours;

/** Registers a test for each module; `body` makes clients that log to `logged`. */
function each(name, body) {
  for (const [module, { Client }] of Object.entries(modules)) {
    test(`${name} (${module})`, async (t) => {
      const logged = [];
      const logger = { log: (message) => logged.push(message) };
      const client = (servers, options) => {
        const client = Client.create(servers, { logger, ...patient, ...options });
        t.after(() => client.close());
        return client;
      };
      await body(t, client, logged, module);
    });
  }
}

/** What a call comes to, and how many milliseconds it takes. */
async function timed(call) {
  const start = performance.now();
  const result = await outcome(call);
  return [result, performance.now() - start];
}

/** Timers may be early by a fraction of a millisecond. */
function assertAtLeast(least, actual) {
  assert.ok(actual >= least - 5, `${actual} is less than ${least}`);
}

each("nobody listens", async (t, client, logged) => {
  const attempts = t.mock.method(net.Socket.prototype, "connect");
  for (const [retries, made] of [
    [undefined, 2],
    [3, 3],
    [1, 1],
    [0, 1],
  ]) {
    attempts.mock.resetCalls();
    const [result, took] = await timed(() => client("127.0.0.1:1", { retries }).get("key"));
    assert.deepEqual(result, { failed: { name: "Error", code: "ECONNREFUSED" } });
    const there = attempts.mock.calls.filter(({ arguments: [[place]] }) => place.port === 1);
    assert.equal(there.length, made);
    assertAtLeast((made - 1) * 200, took);
    const line = `MemJS: Server <127.0.0.1:1> failed after (${retries ?? 2}) retries with error - connect ECONNREFUSED 127.0.0.1:1`;
    assert.deepEqual(logged.splice(0), [line]);
  }
});

each("errors of the way are those of Node", async (_t, client) => {
  const fields = { code: "ECONNREFUSED", syscall: "connect", address: "127.0.0.1", port: 1 };
  await assert.rejects(client("127.0.0.1:1", { retries: 1 }).get("key"), fields);
  // An empty label: no name server is asked, which might take its time.
  const unknown = client("nowhere..invalid", { retries: 1 }).get("key");
  await assert.rejects(unknown, { syscall: "getaddrinfo", hostname: "nowhere..invalid" });
});

each("a server that is silent", async (t, client) => {
  const server = await fakeServer(t, () => {});
  for (const act of [(c) => c.get("key"), (c) => c.set("key", "text"), (c) => c.delete("key")]) {
    const options = { timeout: 0.1, retry_delay: 0.05 };
    const [result, took] = await timed(() => act(client(server.endpoint, options)));
    assert.deepEqual(result, failed("socket timed out waiting on response."));
    assertAtLeast(250, took);
    // Less than the time for connecting.
    assert.ok(took < patient.conntimeout * 1000, `${took}`);
  }
});

each("several requests to a server that is silent", async (t, client) => {
  const server = await fakeServer(t, () => {});
  const silent = client(server.endpoint, { timeout: 0.1, retry_delay: 0.05 });
  const calls = [1, 2, 3].map((key) => outcome(() => silent.get(`key${key}`)));
  const [results, took] = await timed(() => Promise.all(calls));
  assert.deepEqual(results, Array(3).fill(failed("socket timed out waiting on response.")));
  assertAtLeast(250, took);
});

test("ours: a slow connection has its own time", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = Client.create(server.endpoint, { timeout: 10, conntimeout: 20 });
  t.after(() => client.close());
  await client.set("key", "text");
  const both = await Promise.all([client.get("key"), client.get("key")]);
  assert.deepEqual(
    both.map(({ value }) => value.toString()),
    ["text", "text"],
  );
});

test("ours: what a server was asked when it closed the connection is asked again", async (t) => {
  const server = await fakeServer(t, (socket, number) => {
    if (number === 0) socket.once("data", () => socket.end());
    else answerLines(socket, ([verb]) => ({ mn: "MN\r\n", mg: "EN\r\n", get: "END\r\n" })[verb]);
  });
  const client = Client.create(server.endpoint, { ...patient, retry_delay: 0.01 });
  t.after(() => client.close());
  assert.deepEqual(await client.get("key"), { value: null, flags: null });
});

test("ours: nothing is counted, added or appended twice", async (t) => {
  const requests = [];
  const server = await fakeServer(t, (socket) => {
    answerLines(socket, (words, line) => {
      if (words[0] === "mn") return "MN\r\n";
      requests.push(line);
      socket.destroy();
      return undefined;
    });
  });
  const logger = { log() {} };
  const client = Client.create(server.endpoint, { ...patient, retry_delay: 0.01, logger });
  t.after(() => client.close());
  for (const act of [
    () => client.increment("key", 1),
    () => client.decrement("key", 1, {}),
    () => client.append("key", "x"),
    () => client.prepend("key", "x"),
    () => client.add("key", "x"),
  ]) {
    await assert.rejects(act(), { code: "ECONNRESET" });
    const sent = requests.splice(0).filter((line) => line.includes("key"));
    assert.equal(sent.length, 1, `${act}: ${sent}`);
  }
  await assert.rejects(client.set("key", "x"), { code: "ECONNRESET" });
  assert.equal(requests.filter((line) => line.includes("key")).length, 2);
});

test("ours: counting is tried again where nothing was sent", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = Client.create(server.endpoint, {
    ...patient,
    retry_delay: 0.05,
    retries: 1000,
    logger: { log() {} },
  });
  t.after(() => client.close());
  // It keeps its port, which a server that has stopped may lose.
  await server.refuseConnections();
  const counted = client.increment("key", 1, { initial: 7 });
  await server.acceptConnections();
  assert.deepEqual(await counted, { success: true, value: 7 });
});

test("ours: every call ends when a server goes away", async (t) => {
  const server = await EmbeddedServer.start();
  const client = Client.create(server.endpoint, { ...patient, retries: 1, logger: { log() {} } });
  t.after(() => client.close());
  await client.set("key", "text");
  await server.stop();
  await assert.rejects(client.get("key"));
});

test("ours: credentials are refused while SASL is not spoken, at once and by name", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const logged = [];
  const logger = { log: (message) => logged.push(message) };
  const timers = t.mock.method(globalThis, "setTimeout");
  const client = Client.create(`user:secret@${server.endpoint}`, { logger });
  await assert.rejects(client.get("key"), (error) => {
    assert.equal(error.cause.code, "ERR_MEMOXIDE_UNSUPPORTED");
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
  // Nobody waits for another attempt.
  const pauses = timers.mock.calls.map(({ arguments: [, milliseconds] }) => milliseconds);
  assert.ok(!pauses.includes(200));
  assert.equal(logged.length, 1);
  assert.doesNotMatch(logged[0], /secret/);
});

test("ours: credentials of the text protocol", async (t) => {
  const server = await EmbeddedServer.start({ auth: { ada: "secret" } });
  t.after(() => server.stop());
  const options = { ...patient, auth: "ascii", retries: 1, logger: { log() {} } };
  const client = Client.create(`ada:secret@${server.endpoint}`, options);
  t.after(() => client.close());
  assert.equal(await client.set("key", "text"), true);
  const stranger = Client.create(`ada:guess@${server.endpoint}`, options);
  t.after(() => stranger.close());
  const refused = { thrown: "Memcached server authentication failed!" };
  assert.deepEqual(await outcome(() => stranger.get("key")), refused);
});

test("ours: a connection does not keep the process", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const script = `
    const { Client } = require("memoxide/memjs");
    const client = Client.create(process.argv[1], { timeout: 30, conntimeout: 30 });
    client.set("key", "text", {}, (error, stored) => process.stdout.write(String(stored)));
  `;
  const run = promisify(execFile)(process.execPath, ["--eval", script, server.endpoint], {
    timeout: 60_000,
    cwd: new URL(".", import.meta.url),
  });
  assert.equal((await run).stdout, "true");
});

test("ours: an exception in a callback is the program's, and the client goes on", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const script = `
    const { Client } = require("memoxide/memjs");
    const client = Client.create(process.argv[1], { timeout: 30, conntimeout: 30 });
    process.once("uncaughtException", (error) => process.stdout.write(error.message));
    client.get("one", () => { throw new Error("oops"); });
    client.get("two", () => process.stdout.write(", two"));
  `;
  const run = promisify(execFile)(process.execPath, ["--eval", script, server.endpoint], {
    timeout: 60_000,
    cwd: new URL(".", import.meta.url),
  });
  assert.equal((await run).stdout, "oops, two");
});
