// @ts-check
/** What a program that requires the installed package sees. */

const assert = require("node:assert/strict");

const { Client, ConnectError, EmbeddedServer, MemoxideError } = require("memoxide");
const { MemoxideStore } = require("memoxide/express-session");
const { KeyvMemoxide } = require("memoxide/keyv");
const memjs = require("memoxide/memjs");

async function main() {
  const imported = await import("memoxide");
  assert.equal(imported.MemoxideError, MemoxideError);

  const error = new ConnectError("connection refused", { endpoint: "127.0.0.1:1" });
  assert.equal(error.code, "ERR_MEMOXIDE_CONNECT");
  assert.ok(error.isConnection);

  const server = await EmbeddedServer.start();
  assert.ok(server.isRunning);
  const client = new Client(server.endpoint);
  await client.set("greeting", "hello");
  await new Promise((resolve) => {
    client.get("greeting", (error, value) => {
      assert.ifError(error);
      assert.equal(value, "hello");
      resolve(undefined);
    });
  });
  client.close();

  assert.equal((await import("memoxide/memjs")).Client, memjs.Client);
  const old = memjs.Client.create(server.endpoint);
  await new Promise((resolve) => {
    old.set("old", "text", { expires: 60 }, (error, stored) => {
      assert.ifError(error);
      resolve(assert.equal(stored, true));
    });
  });
  old.close();

  assert.equal((await import("memoxide/express-session")).MemoxideStore, MemoxideStore);
  const store = new MemoxideStore({ client: server.endpoint });
  assert.equal(await store.length(), 0);
  store.client.close();

  assert.equal((await import("memoxide/keyv")).default, KeyvMemoxide);

  await server.stop();
  assert.ok(!server.isRunning);
}

main();
