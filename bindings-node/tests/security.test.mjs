/** Credentials and TLS. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

import {
  AuthError,
  Client,
  ConfigError,
  EmbeddedServer,
  migrate,
  TimeoutError,
  TlsError,
} from "memoxide";

import { clientOf } from "./targets.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const file = (name) => path.join(root, "tests/vectors/tls", name);

const ann = { username: "ann", password: "se cret", auth: "ascii" };
const users = { ann: "se cret" };
const trusting = { tlsCa: file("ca.pem") };

async function start(t, options) {
  const server = await EmbeddedServer.start(options);
  t.after(() => server.stop());
  return server;
}

function sealed(t, name, { tls = {}, ...options } = {}) {
  const cert = readFileSync(file(`${name}.pem`));
  const key = readFileSync(file(`${name}.key`));
  return start(t, { ...options, tls: { cert, key, ...tls } });
}

for (const protocol of ["auto", "meta", "text"]) {
  test(`credentials are sent on each connection (${protocol})`, async (t) => {
    const server = await start(t, { auth: users });
    const client = clientOf(t, server.endpoint, { ...ann, protocol });
    assert.equal((await client.get("absent")).value, null);
    await client.set("key", "value");
    await server.disconnectAll();
    assert.equal((await client.get("key")).value, "value");
    assert.doesNotMatch(inspect(client, { depth: 9, showHidden: true }), /se cret/);
  });
}

test("wrong credentials are told", async (t) => {
  const server = await start(t, { auth: users });
  for (const wrong of [{ password: "wrong" }, { username: "bob" }]) {
    const client = clientOf(t, server.endpoint, { ...ann, ...wrong });
    for (const call of [() => client.get("key"), () => client.increment("key")]) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof AuthError);
        assert.equal(error.code, "ERR_MEMOXIDE_AUTH");
        assert.equal(error.endpoint, server.endpoint);
        assert.equal(error.sent, "not_sent");
        assert.doesNotMatch(error.message, /wrong/);
        return true;
      });
    }
  }
  await assert.rejects(clientOf(t, server.endpoint).get("key"), AuthError);
});

test("credentials come from the environment", async (t) => {
  const server = await start(t, { auth: users });
  const variables = {
    MEMCACHIER_SERVERS: server.endpoint,
    MEMCACHIER_USERNAME: "ann",
    MEMCACHIER_PASSWORD: "se cret",
  };
  Object.assign(process.env, variables);
  t.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
  const client = clientOf(t, undefined, { auth: "ascii" });
  assert.deepEqual(client.servers, [server.endpoint]);
  assert.equal(await client.set("key", 1), true);
});

test("connections are encrypted", async (t) => {
  const server = await sealed(t, "server");
  const client = clientOf(t, server.endpoint, trusting);
  const value = Buffer.alloc(900_000, Buffer.from("0123456789abcdef"));
  await client.set("large", value);
  assert.deepEqual((await client.get("large")).value, value);
  const keys = Array.from({ length: 2000 }, (_, index) => `key${index}`);
  assert.deepEqual(await client.setMulti(keys.map((key) => [key, key.repeat(100)])), []);
  const singly = await Promise.all(keys.map((key) => client.get(key)));
  for (const [index, { value }] of singly.entries()) assert.equal(value, keys[index].repeat(100));
  assert.equal((await client.getMulti(keys)).size, keys.length);
  assert.equal(server.connections, 1);
  await server.disconnectAll();
  assert.equal((await client.get("key1")).value, "key1".repeat(100));
});

test("a host is known by its name", async (t) => {
  const server = await sealed(t, "server");
  const client = clientOf(t, `localhost:${server.port}`, trusting);
  assert.equal(await client.set("key", 1), true);
});

for (const [certificate, options, message] of [
  ["server", { tlsCa: file("other-ca.pem") }, /certificate/],
  ["server", { ...trusting, tlsServerName: "cache.example" }, /altnames/],
  ["wrong-name", trusting, /not in the cert's list/],
  ["expired", { ...trusting, tlsServerName: "localhost" }, /expired/],
  ["server", { tls: true }, /certificate/],
]) {
  test(`a certificate is refused: ${certificate}, ${Object.keys(options)}`, async (t) => {
    const server = await sealed(t, certificate);
    const client = clientOf(t, server.endpoint, options);
    await assert.rejects(client.set("key", 1), (error) => {
      assert.ok(error instanceof TlsError);
      assert.equal(error.code, "ERR_MEMOXIDE_TLS");
      assert.equal(error.endpoint, server.endpoint);
      assert.equal(error.sent, "not_sent");
      assert.match(error.message, message);
      return true;
    });
  });
}

for (const [certificate, options] of [
  ["wrong-name", { ...trusting, tlsServerName: "cache.invalid" }],
  ["expired", { tls: true, tlsVerify: false }],
]) {
  test(`a certificate is taken: ${certificate}, ${Object.keys(options)}`, async (t) => {
    const server = await sealed(t, certificate);
    const client = clientOf(t, server.endpoint, options);
    assert.equal(await client.set("key", 1), true);
  });
}

test("a client shows its certificate", async (t) => {
  const server = await sealed(t, "server", { tls: { clientCa: readFileSync(file("ca.pem")) } });
  const known = { ...trusting, tlsCert: file("client.pem"), tlsKey: file("client.key") };
  const client = clientOf(t, server.endpoint, known);
  assert.equal(await client.set("key", 1), true);
  const nobody = clientOf(t, server.endpoint, trusting);
  await assert.rejects(nobody.get("key"), (error) => {
    assert.ok(error instanceof TlsError);
    assert.equal(error.endpoint, server.endpoint);
    assert.match(error.message, /certificate required/);
    return true;
  });
});

test("a server without TLS", async (t) => {
  const server = await start(t);
  const client = clientOf(t, server.endpoint, { tls: true, tlsVerify: false, timeout: 0.3 });
  await assert.rejects(client.get("key"), (error) => {
    assert.ok(error instanceof TlsError || error instanceof TimeoutError, error);
    assert.equal(error.sent, "not_sent");
    assert.equal(error.endpoint, server.endpoint);
    return true;
  });
});

test("a server that closes in the handshake, and one that does not answer it", async (t) => {
  for (const behave of [(socket) => socket.destroy(), () => {}]) {
    const listener = net.createServer(behave).listen(0, "127.0.0.1");
    await once(listener, "listening");
    t.after(() => listener.close());
    const endpoint = `127.0.0.1:${listener.address().port}`;
    const client = clientOf(t, endpoint, { tls: true, tlsVerify: false, timeout: 0.3 });
    await assert.rejects(client.get("key"), (error) => {
      assert.ok(error instanceof TlsError || ["tls", "connect"].includes(error.phase), error);
      assert.equal(error.endpoint, endpoint);
      assert.equal(error.sent, "not_sent");
      return true;
    });
  }
});

test("a port that nobody listens on is no failure of TLS", async (t) => {
  const server = await start(t);
  const { endpoint } = server;
  await server.stop();
  const client = clientOf(t, endpoint, { tls: true, tlsVerify: false });
  await assert.rejects(client.get("key"), { kind: "Connect", endpoint });
});

test("both in a URL, for the tools as well", async (t) => {
  const server = await sealed(t, "server", { auth: users });
  const url =
    `memcaches://ann:se%20cret@${server.endpoint}/app:?auth=ascii` +
    `&tls_ca=${file("ca.pem")}&plaintext_auth=refuse&timeout=10`;
  const client = clientOf(t, url);
  await client.set("key", "value");
  assert.equal((await client.get("key")).value, "value");
  const target = clientOf(t, (await start(t)).endpoint);
  const summary = await migrate(client, target, { keys: ["key"] });
  assert.equal(summary.copied, 1);
  assert.equal((await target.get("key")).value, "value");
  // Placement by a function has the same security.
  const placing = clientOf(t, url, { hashing: () => 0 });
  assert.equal((await placing.get("key")).value, "value");
});

test("files are read when the client is made", () => {
  for (const options of [
    { tlsCa: "no such file" },
    { tlsCert: "no such file" },
    { ...trusting, tlsCert: file("client.pem") },
    { ...trusting, tlsCert: file("client.pem"), tlsKey: file("server.key") },
    { ...ann, plaintextAuth: "refuse" },
    { username: "ann", auth: "ascii" },
  ]) {
    assert.throws(() => new Client("far.example", options), ConfigError);
  }
});

test("credentials that could be overheard are warned of", async () => {
  const warned = once(process, "warning");
  new Client("far.example", ann);
  const [warning] = await warned;
  assert.equal(warning.code, "MEMOXIDE_PLAINTEXT_AUTH");
  assert.match(warning.message, /far\.example:11211/);
  assert.doesNotMatch(warning.message, /se cret/);
});
