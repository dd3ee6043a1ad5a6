/** How the event loop stays awake for the reply to a lone call. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { EmbeddedServer } from "memoxide";

import { clientOf } from "./targets.mjs";

const cwd = fileURLToPath(new URL("../..", import.meta.url));

/** Lone calls before a trial begins, and calls of one kind in a row in it (`vigil.rs`). */
const warmUp = 64;
const block = 8;

/** Seconds that a server takes for each get, and that the loop stays awake for at most: enough to get a CPU in. */
const delay = 0.02;
const awake = 0.016;

/** A client of a server that takes its time for each get. */
async function slowly(t, options) {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = clientOf(t, server.endpoint, options);
  for (let call = 0; call < warmUp; call++) await client.version();
  await server.fault({ action: "delay", seconds: delay, command: ["get", "mg"] });
  return client;
}

/** How often the event loop turns during something. */
async function turns(work) {
  const before = performance.nodeTiming.uvMetricsInfo.loopCount;
  await work();
  return performance.nodeTiming.uvMetricsInfo.loopCount - before;
}

async function someGets(client) {
  for (let call = 0; call < block; call++) await client.get("k");
}

test("a trial sleeps for some lone calls and stays awake for others", async (t) => {
  const client = await slowly(t, { busyPoll: awake });
  const counts = [];
  for (let turn = 0; turn < 4; turn++) counts.push(await turns(() => someGets(client)));
  const [first, second, third, fourth] = counts;
  assert.ok(first < 20 * block && third < 20 * block, `asleep: ${counts}`);
  assert.ok(second > 50 * block && fourth > 50 * block, `awake: ${counts}`);
  // The server is too far away.
  const after = await turns(() => someGets(client));
  assert.ok(after < 20 * block, `${after} turns`);
});

test("the loop sleeps once the time is over", async (t) => {
  const client = await slowly(t, { busyPoll: 0.000_001 });
  const count = await turns(async () => {
    for (let turn = 0; turn < 4; turn++) await someGets(client);
  });
  assert.ok(count < 4 * 20 * block, `${count} turns`);
});

test("the loop sleeps where several calls are under way, or nothing is wanted", async (t) => {
  const [several, never] = [await slowly(t, { busyPoll: 1 }), await slowly(t, { busyPoll: 0 })];
  const count = await turns(async () => {
    await someGets(several);
    for (let call = 0; call < block; call++) {
      await Promise.all([several.get("a"), several.get("b")]);
    }
    for (let turn = 0; turn < 2; turn++) await someGets(never);
  });
  assert.ok(count < 4 * 20 * block, `${count} turns`);
});

test("calls go on when tests have put their own timers and clocks in place", async (t) => {
  const client = await slowly(t, { busyPoll: 1 });
  const { setImmediate } = globalThis;
  const now = performance.now;
  const still = now.call(performance);
  t.after(() => {
    globalThis.setImmediate = setImmediate;
    performance.now = now;
  });
  const asked = [];
  globalThis.setImmediate = (callback) => asked.push(callback);
  performance.now = () => still;
  const count = await turns(async () => {
    for (let turn = 0; turn < 4; turn++) await someGets(client);
  });
  // A clock that stands still would keep the loop awake for ever.
  assert.ok(count < 4 * 20 * block, `${count} turns`);
  assert.deepEqual(asked, []);
});

test("a process ends as soon as its calls are over, or its client is closed", async () => {
  const script = `
    const { Client, EmbeddedServer } = require("memoxide");
    async function main() {
      const server = await EmbeddedServer.start();
      const client = new Client(server.endpoint, { busyPoll: 1, timeout: 30, connectTimeout: 30 });
      for (let call = 0; call < ${warmUp + block}; call++) await client.get("k");
      await client.get("k");
      await server.fault({ action: "delay", seconds: 60 });
      const pending = client.get("k", { timeout: 60 }).catch(({ name }) => console.log(name));
      await new Promise(setImmediate);
      client.close();
      await pending;
      const { uvMetricsInfo } = performance.nodeTiming;
      const begin = uvMetricsInfo.loopCount;
      // Awake, the loop would turn very much more often.
      process.on("exit", () => {
        console.log(performance.nodeTiming.uvMetricsInfo.loopCount - begin < 100);
      });
      await server.stop();
    }
    void main();
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--eval", script], {
    cwd,
    timeout: 30_000,
  });
  assert.equal(stdout, "ClosedError\ntrue\n");
});
