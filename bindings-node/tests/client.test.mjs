/** The client against the embedded server. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, EmbeddedServer, InvalidKeyError } from "memoxide";

test("a value comes back as it was stored, and a miss is no error", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = Client.create(server.endpoint);
  t.after(() => client.close());
  assert.equal(await client.set("greeting", "hello"), true);
  assert.deepEqual(await client.get("greeting"), { value: "hello", flags: 16 });
  assert.deepEqual(await client.get("absent"), { value: null, flags: null });
  await assert.rejects(client.get("two words"), InvalidKeyError);
});
