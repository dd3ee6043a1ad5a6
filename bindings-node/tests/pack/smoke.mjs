// @ts-check
/** What a program that imports the installed package sees. */

import assert from "node:assert/strict";
import { createRequire } from "node:module";

import { Client, ConnectError, EmbeddedServer, MemoxideError } from "memoxide";
import { MemoxideStore } from "memoxide/express-session";
import KeyvMemoxide from "memoxide/keyv";
import memjs, { Client as MemjsClient } from "memoxide/memjs";

const required = createRequire(import.meta.url)("memoxide");

const error = new ConnectError("connection refused", { endpoint: "127.0.0.1:1" });
assert.equal(error.code, "ERR_MEMOXIDE_CONNECT");
assert.ok(error.isConnection);
assert.ok(error instanceof required.MemoxideError);
assert.equal(required.MemoxideError, MemoxideError);

const server = await EmbeddedServer.start();
const client = Client.create(server.endpoint);
assert.equal(await client.set("greeting", { text: "hello" }, { expires: 60 }), true);
assert.deepEqual((await client.get("greeting")).value, { text: "hello" });
await client.quit();

assert.equal(memjs.Client, MemjsClient);
const old = MemjsClient.create(server.endpoint);
await old.set("old", "text", { expires: 60 });
assert.equal(String((await old.get("old")).value), "text");
old.quit();

const store = new MemoxideStore({ client: server.endpoint });
await store.set("one", { cookie: { originalMaxAge: null } });
assert.deepEqual(await store.get("one"), { cookie: { originalMaxAge: null } });
store.client.close();

const keyv = new KeyvMemoxide(server.endpoint);
await keyv.set("key", "text", Date.now() + 60_000);
assert.equal(await keyv.get("key"), "text");
await keyv.disconnect();

await server.stop();
