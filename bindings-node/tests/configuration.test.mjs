/** Servers and options, checked against the file that every language checks. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

import { Client, ConfigError, UnsupportedError } from "memoxide";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const vectors = JSON.parse(readFileSync(path.join(root, "tests/vectors/urls.json"), "utf8"));

function check(wanted, servers) {
  if (wanted.error !== undefined) {
    assert.throws(() => new Client(servers), ConfigError);
    return;
  }
  const { options } = wanted;
  // What these are refused for shows that they were read.
  let refused;
  if ("username" in options && !("password" in options)) refused = /without password/;
  else if ("tls_ca" in options) refused = /No such file/;
  else if (options.plaintext_auth === "refuse") refused = /unencrypted/;
  if (refused !== undefined) {
    assert.throws(() => new Client(servers), { kind: "Config", message: refused });
    return;
  }
  let client;
  try {
    client = new Client(servers);
  } catch (error) {
    // SASL, which is not spoken yet.
    assert.ok(error instanceof UnsupportedError, error);
    assert.ok("username" in options && options.auth !== "ascii");
    return;
  }
  const shown = JSON.parse(client.configuration);
  assert.deepEqual(shown.servers, wanted.servers);
  assert.deepEqual(shown.options, wanted.options);
  if (wanted.password) {
    const text = client.configuration + inspect(client, { depth: 9, showHidden: true });
    assert.ok(!text.includes(wanted.password));
  }
}

test("texts become servers and options", () => {
  assert.equal(vectors.urls.length, 93);
  for (const wanted of vectors.urls) check(wanted, wanted.text);
});

test("variables become servers and options", (t) => {
  const saved = { ...process.env };
  t.after(() => {
    process.env = saved;
  });
  for (const wanted of vectors.environments) {
    const others = Object.entries(saved).filter(([name]) => !name.startsWith("MEM"));
    process.env = { ...Object.fromEntries(others), ...wanted.variables };
    if (wanted.none) {
      assert.deepEqual(new Client().servers, ["localhost:11211"]);
    } else {
      check(wanted, undefined);
    }
  }
});

test("options win over a URL", () => {
  const client = new Client("memcache://a/app:?timeout=0.5&max_idle=3", { timeout: 2 });
  const { options } = JSON.parse(client.configuration);
  assert.deepEqual(options, { max_idle: 3, prefix: "app:", timeout: 2 });
});

test("every option of the core has its type", () => {
  let message;
  try {
    new Client("a", { noSuchOption: 1 });
  } catch (error) {
    message = error.message;
  }
  const names = message.split("only: ")[1].split(", ");
  assert.ok(names.length >= 30);
  const source = readFileSync(path.join(root, "bindings-node/ts/options.ts"), "utf8");
  // Those of drivers with a pool are taken, so that a URL serves all languages.
  const pooled = new Set(["maxIdle"]);
  for (const name of names) {
    if (!pooled.has(name)) assert.match(source, new RegExp(`\\n  ${name}\\?: `), name);
  }
});
