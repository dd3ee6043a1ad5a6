/** The callback form: the same calls, with a function behind the last argument. */

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { EmbeddedServer, InvalidKeyError } from "memoxide";

import { clientOf, onBoth } from "./targets.mjs";

/** Calls a method with a callback and returns everything that the callback got. */
function called(client, method, ...args) {
  return new Promise((resolve) => {
    const returned = client[method](...args, (...results) => resolve(results));
    assert.equal(returned, undefined);
  });
}

onBoth("every command has a callback form", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const to = (method, ...args) => called(client, method, ...args);
  const expires = { expires: 100 };
  assert.deepEqual(await to("get", "k"), [null, null, null]);
  assert.deepEqual(await to("gets", "k"), [null, null, null, null]);
  assert.deepEqual(await to("set", "k", "v"), [null, true]);
  assert.deepEqual(await to("set", "k", "v", expires), [null, true]);
  assert.deepEqual(await to("get", "k"), [null, "v", 16]);
  assert.deepEqual(await to("get", "k", {}), [null, "v", 16]);
  assert.deepEqual(await to("get", "k", undefined), [null, "v", 16]);
  assert.deepEqual(await to("gat", "k", 50), [null, "v", 16]);
  const [, value, flags, cas] = await to("gets", "k");
  assert.deepEqual([value, flags, typeof cas], ["v", 16, "bigint"]);
  assert.deepEqual(await to("gats", "k", 50, {}), [null, "v", 16, cas]);
  assert.deepEqual(await to("cas", "k", "w", { cas }), [null, "stored"]);
  assert.deepEqual(await to("add", "k", 1), [null, false]);
  assert.deepEqual(await to("replace", "k", "b", expires), [null, true]);
  assert.deepEqual(await to("append", "k", "c"), [null, true]);
  assert.deepEqual(await to("prepend", "k", "a", {}), [null, true]);
  assert.deepEqual(await to("touch", "k", 10), [null, true]);
  assert.deepEqual(await to("exists", "k"), [null, true]);
  assert.equal((await to("getItem", "k"))[1].value, "abc");
  assert.deepEqual(await to("delete", "k"), [null, true]);
  assert.deepEqual(await to("increment", "n", 1), [null, false, null]);
  assert.deepEqual(await to("increment", "n", 1, { initial: 5 }), [null, true, 5]);
  assert.deepEqual(await to("increment", "n"), [null, true, 6]);
  assert.deepEqual(await to("decrement", "n", 2), [null, true, 4]);
  assert.deepEqual(await to("setMulti", { a: 1 }), [null, []]);
  assert.deepEqual(await to("addMulti", { a: 1 }, expires), [null, ["a"]]);
  assert.deepEqual(await to("getMulti", ["a", "b"]), [null, new Map([["a", 1]])]);
  assert.deepEqual(await to("touchMulti", ["a", "b"], 10), [null, ["b"]]);
  assert.deepEqual(await to("deleteMulti", ["a", "b"]), [null, ["b"]]);
  const done = { [server.endpoint]: true };
  assert.deepEqual(await to("flush"), [null, done]);
  assert.deepEqual(await to("flush", 0), [null, done]);
  assert.deepEqual(await to("flush", 0, {}), [null, done]);
  assert.deepEqual(await to("verbosity", 0), [null, done]);
  assert.deepEqual(await to("cacheMemlimit", 64), [null, done]);
  assert.deepEqual(Object.keys((await to("version"))[1]), [server.endpoint]);
  assert.ok((await to("stats"))[1][server.endpoint].pid);
  assert.ok((await to("stats", "settings"))[1][server.endpoint].maxbytes);
});

test("errors arrive as the first argument, also those found before anything is sent", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = clientOf(t, server.endpoint);
  const [error, ...rest] = await called(client, "get", "two words");
  assert.ok(error instanceof InvalidKeyError);
  assert.deepEqual(rest, []);
});

test("callbacks run later, and in the context of their call", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = clientOf(t, server.endpoint);
  const storage = new AsyncLocalStorage();
  let isLater = false;
  const seen = storage.run("mine", () => {
    const result = called(client, "get", "k").then(() => [storage.getStore(), isLater]);
    return result;
  });
  isLater = true;
  assert.deepEqual(await seen, ["mine", true]);
});

test("what a callback throws is an uncaught exception", async () => {
  const script = `
    const { Client, EmbeddedServer } = require("memoxide");
    EmbeddedServer.start().then((server) => {
      process.on("unhandledRejection", () => process.exit(2));
      process.on("uncaughtException", (error) => {
        process.stdout.write(error.message);
        process.exit();
      });
      Client.create(server.endpoint).get("k", () => { throw new Error("thrown in a callback"); });
    });
  `;
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--eval", script], {
    cwd,
    timeout: 60_000,
  });
  assert.equal(stdout, "thrown in a callback");
});
