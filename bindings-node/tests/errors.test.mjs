/** The error classes, against the list that the three languages share. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { inspect } from "node:util";

const memoxide = await import("memoxide");

const require = createRequire(import.meta.url);
const native = require("../native.js");
const { rebuild, rebuilt } = require("../dist/rebuild.js");
const shared = JSON.parse(
  await readFile(new URL("../../tests/errors.json", import.meta.url), "utf8"),
);

test("the shared list names every kind of the core", () => {
  assert.deepEqual(
    shared.kinds.map(({ kind }) => kind),
    native.errorKinds(),
  );
});

test("every error class that is exported is in the shared list", () => {
  const exported = Object.keys(memoxide).filter(
    (name) => name.endsWith("Error") && name !== "MemoxideError",
  );
  assert.deepEqual(exported.sort(), shared.kinds.map(({ node }) => node.class).sort());
});

for (const { kind, node } of shared.kinds) {
  test(`${kind} has its class, code and name`, () => {
    const error = rebuild({ kind, message: "what happened" });
    assert.equal(error.constructor, memoxide[node.class]);
    assert.ok(error instanceof memoxide.MemoxideError);
    assert.ok(error instanceof Error);
    assert.equal(error.kind, kind);
    assert.equal(error.code, node.code);
    assert.equal(error.name, node.class);
    assert.equal(String(error), `${node.class}: what happened`);
    assert.match(error.stack, new RegExp(`^${node.class}: what happened\n`));
    assert.match(inspect(error), new RegExp(`code: '${node.code}'`));
  });
}

for (const sent of shared.sent) {
  test(`a lost connection with ${sent} is ambiguous or can be retried, never both`, () => {
    const error = rebuild({ kind: "ConnectionLost", message: "peer closed the connection", sent });
    assert.equal(error.sent, sent);
    assert.equal(error.isAmbiguous, sent === "maybe_applied");
    assert.equal(error.isRetryable, sent === "not_sent");
    assert.equal(error.isConnection, true);
    assert.equal(error.isTimeout, false);
  });
}

for (const phase of shared.phases) {
  test(`a timeout tells the phase ${phase}`, () => {
    const error = rebuild({ kind: "Timeout", message: "deadline passed", phase });
    assert.equal(error.phase, phase);
    assert.equal(error.isTimeout, true);
  });
}

test("what is not known about an error is no property of it", () => {
  const error = new memoxide.InvalidKeyError("key is empty");
  assert.deepEqual(Object.keys(error), ["kind", "code"]);
  assert.equal(error.endpoint, undefined);
  assert.equal(error.cause, undefined);
});

test("a partial error carries the errors of its servers", () => {
  const error = rebuild({
    kind: "Partial",
    message: "1 of 2 servers failed",
    parts: [
      { kind: "Timeout", message: "deadline passed", endpoint: "a:1", sent: "maybe_applied" },
    ],
  });
  const [part] = error.parts;
  assert.ok(part instanceof memoxide.TimeoutError);
  assert.equal(part.endpoint, "a:1");
  assert.equal(error.isAmbiguous, true);
});

test("a value that cannot be decoded is attached with its flags", () => {
  const raw = { flags: 6, bytes: Buffer.from("{") };
  assert.equal(rebuild({ kind: "Decode", message: "not json", raw }).raw, raw);
});

test("the message of the underlying error becomes the cause", () => {
  const error = rebuild({ kind: "Tls", message: "handshake failed", cause: "unknown issuer" });
  assert.equal(error.cause.message, "unknown issuer");
});

test("what is not of the core passes unchanged", () => {
  const other = new TypeError("other");
  assert.equal(rebuilt(other), other);
  assert.equal(rebuilt("text"), "text");
});

test("a name that is no kind is refused by the core", () => {
  assert.throws(() => native.errorTraits("Miss"), /no such name: Miss/);
  assert.throws(() => native.errorTraits("Timeout", "perhaps"), /no such name: perhaps/);
});
