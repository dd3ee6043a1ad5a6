/** The handler of examples/session-handler by itself; tests/session_handler.py runs it beside others. */

import assert from "node:assert/strict";

import { SessionHandler } from "../../examples/session-handler/handler.mjs";
import { clientOf, onBoth } from "./targets.mjs";

const id = "a-session-of-its-own-0123456789";

function opened(server, options) {
  const handler = new SessionHandler(options);
  assert.equal(handler.open(server.endpoint, "PHPSESSID"), true);
  return handler;
}

onBoth("a session is written, kept alive and removed", async (t, server) => {
  const client = clientOf(t, server.endpoint, { values: "raw" });
  const handler = opened(server);
  assert.equal(await handler.validateId(id), false);
  assert.equal(await handler.read(id), "");
  assert.notEqual((await client.get(`sess:lock:${id}`)).value, null);
  assert.equal(await handler.write(id, '{"user":"Ölçer"}'), true);
  assert.equal(await handler.validateId(id), true);
  const { flags, bytes } = await client.getRaw(`sess:${id}`);
  assert.deepEqual([flags, bytes.toString()], [0, '{"user":"Ölçer"}']);

  await client.touch(`sess:${id}`, 60);
  await client.append(`sess:${id}`, " ");
  assert.equal(await handler.updateTimestamp(id, "not this"), true);
  const { value, ttl } = await client.getItem(`sess:${id}`);
  assert.equal(value.toString(), '{"user":"Ölçer"} ');
  assert.ok(ttl > 1430, `${ttl}`);

  assert.equal(handler.gc(0), 0);
  assert.equal(await handler.destroy(id), true);
  assert.equal(await handler.validateId(id), false);
  assert.equal((await client.get(`sess:lock:${id}`)).value, null);
  // It was evicted, but the request still has it.
  assert.equal(await handler.updateTimestamp(id, "{}"), true);
  assert.equal(await handler.read(id), "{}");
  assert.equal(await handler.close(), true);
  assert.equal((await client.get(`sess:lock:${id}`)).value, null);
});

onBoth("one request after the other has a session", async (_t, server) => {
  const first = opened(server);
  const second = opened(server, { lockWait: 0 });
  await first.read(id);
  await assert.rejects(second.read(id), /another request has the session open/);
  await first.write(id, "{}");
  await first.close();
  assert.equal(await second.read(id), "{}");
  await second.close();
});

onBoth("an id of a browser is checked before a server is asked", async (_t, server) => {
  const handler = opened(server);
  for (const wrong of ["", "short", `${id} `, `${id}\n`, "a".repeat(129)]) {
    assert.equal(await handler.validateId(wrong), false);
  }
  assert.match(handler.createSid(), /^[0-9a-f]{32}$/);
  assert.notEqual(handler.createSid(), handler.createSid());
  await handler.close();
});
