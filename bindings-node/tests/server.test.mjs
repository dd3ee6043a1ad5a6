/** The embedded server, spoken to over sockets as any client would. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import {
  ClosedError,
  ConfigError,
  ConnectError,
  EmbeddedServer,
  InvalidArgumentError,
} from "memoxide";

/** Starts a server that ends with the test. */
async function started(t, options) {
  const server = await EmbeddedServer.start(options);
  t.after(() => server.stop());
  return server;
}

/** Sends commands, half-closes, and returns everything that comes back. */
async function talk(socket, commands) {
  socket.end(commands);
  let replies = "";
  for await (const chunk of socket) replies += chunk;
  return replies;
}

function connect(server) {
  return net.connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
}

/** Returns a connection that the server has answered on: before, it may still wait for it. */
async function accepted(server) {
  const socket = connect(server);
  socket.write("version\r\n");
  await once(socket, "data");
  return socket;
}

async function refused(server) {
  const socket = connect(server);
  const [error] = await once(socket, "error");
  return error.code === "ECONNREFUSED";
}

const pem = (name) =>
  readFile(new URL(`../../tests/vectors/tls/${name}.pem`, import.meta.url), "utf8");
const key = (name) =>
  readFile(new URL(`../../tests/vectors/tls/${name}.key`, import.meta.url), "utf8");

test("a server stores and returns", async (t) => {
  const server = await started(t);
  assert.equal(server.endpoint, `127.0.0.1:${server.port}`);
  const replies = await talk(connect(server), "set k 5 0 3\r\nabc\r\nget k\r\nget miss\r\n");
  assert.equal(replies, "STORED\r\nVALUE k 5 3\r\nabc\r\nEND\r\nEND\r\n");
});

test("servers have ports and items of their own", async (t) => {
  const [one, other] = await Promise.all([started(t), started(t)]);
  assert.notEqual(one.port, other.port);
  await talk(connect(one), "set k 0 0 1\r\nx\r\n");
  assert.equal(await talk(connect(other), "get k\r\n"), "END\r\n");
});

test("stop closes the port and the connections, and a second one does nothing", async () => {
  const server = await EmbeddedServer.start();
  const socket = await accepted(server);
  const ended = once(socket, "end");
  assert.equal(server.isRunning, true);
  await server.stop();
  await ended;
  socket.destroy();
  assert.equal(server.isRunning, false);
  assert.equal(await refused(server), true);
  await server.stop();
  await assert.rejects(server.disconnectAll(), ClosedError);
  assert.match(server.endpoint, /^127\.0\.0\.1:\d+$/);
});

test("await using stops the server", async () => {
  const server = await EmbeddedServer.start();
  await server[Symbol.asyncDispose]();
  assert.equal(server.isRunning, false);
});

test("the clock stands where it is told and moves by hand", async (t) => {
  const server = await started(t, { time: 1_700_000_000 });
  assert.equal(server.time, 1_700_000_000);
  server.advance(10);
  assert.equal(server.time, 1_700_000_010);
});

test("connections are counted", async (t) => {
  const server = await started(t);
  await talk(connect(server), "version\r\n");
  const socket = await accepted(server);
  assert.equal(server.connections, 2);
  assert.equal(server.openConnections, 1);
  const ended = once(socket, "end");
  socket.resume();
  await server.disconnectAll();
  await ended;
  socket.destroy();
  assert.equal(server.openConnections, 0);
});

test("a frozen server answers once it is thawed", async (t) => {
  const server = await started(t);
  const socket = await accepted(server);
  await server.freeze();
  let thawed = false;
  socket.write("version\r\n");
  const reply = once(socket, "data").then(() => thawed);
  // Another request that goes round the loop and the server's thread, twice.
  await server.refuseConnections();
  await server.acceptConnections();
  thawed = true;
  await server.thaw();
  assert.equal(await reply, true);
  socket.destroy();
});

test("refused connections are welcome again", async (t) => {
  const server = await started(t);
  (await accepted(server)).destroy();
  await server.refuseConnections();
  assert.equal(await refused(server), true);
  await server.acceptConnections();
  assert.match(await talk(connect(server), "version\r\n"), /^VERSION /);
});

test("a restart forgets everything and keeps the port", async (t) => {
  const server = await started(t);
  const { port } = server;
  await talk(connect(server), "set k 0 0 1\r\nx\r\n");
  await server.restart();
  assert.equal(server.port, port);
  assert.equal(await talk(connect(server), "get k\r\n"), "END\r\n");
});

test("a unix socket is listened on and removed", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "memoxide-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "cache.sock");
  const server = await EmbeddedServer.start({ unixSocket: path });
  assert.equal(server.endpoint, path);
  assert.equal(server.port, 0);
  const socket = net.connect({ path, allowHalfOpen: true });
  assert.match(await talk(socket, "version\r\n"), /^VERSION /);
  await server.stop();
  await assert.rejects(stat(path), { code: "ENOENT" });
});

test("TLS is spoken with the certificate given", async (t) => {
  const server = await started(t, { tls: { cert: await pem("server"), key: await key("server") } });
  const socket = tls.connect({
    port: server.port,
    host: "127.0.0.1",
    servername: "localhost",
    ca: await pem("ca"),
    allowHalfOpen: true,
  });
  await once(socket, "secureConnect");
  assert.match(await talk(socket, "version\r\n"), /^VERSION /);
});

test("a port that is taken is named in the error", async (t) => {
  const server = await started(t);
  await assert.rejects(
    EmbeddedServer.start({ port: server.port }),
    (error) => error instanceof ConnectError && error.endpoint === server.endpoint,
  );
});

for (const [name, options, kind] of [
  ["a name instead of an address", { address: "localhost" }, ConfigError],
  ["a port beyond 65535", { port: 65_536 }, InvalidArgumentError],
  ["a negative limit", { memoryLimit: -1 }, InvalidArgumentError],
  ["a fraction of a thread", { threads: 1.5 }, InvalidArgumentError],
  ["a time that is no number", { idleTimeout: Number.NaN }, InvalidArgumentError],
  ["a port that is text", { port: "11211" }, InvalidArgumentError],
  ["a certificate that is none", { tls: { cert: "", key: "" } }, ConfigError],
]) {
  test(`${name} is refused`, async () => {
    await assert.rejects(EmbeddedServer.start(options), kind);
  });
}

test("the clock does not go backwards", async (t) => {
  const server = await started(t);
  assert.throws(() => server.advance(-1), InvalidArgumentError);
  assert.throws(() => server.advance("1"), InvalidArgumentError);
});

test("a server that nobody stops does not keep the process alive", async () => {
  const script = `
    require("memoxide").EmbeddedServer.start().then((server) => process.stdout.write(server.endpoint));
  `;
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--eval", script], {
    cwd,
    timeout: 60_000,
  });
  assert.match(stdout, /^127\.0\.0\.1:\d+$/);
});

test("a server that nobody holds goes on, and does not keep the process alive", async () => {
  const script = `
    import { Client, EmbeddedServer } from "memoxide";
    const endpoints = [];
    for (let count = 0; count < 3; count++) endpoints.push((await EmbeddedServer.start()).endpoint);
    for (let turns = 0; turns < 20; turns++) {
      gc();
      await new Promise(setImmediate);
    }
    for (const endpoint of endpoints) {
      const client = new Client(endpoint, { timeout: 30, connectTimeout: 30 });
      await client.version();
      await client.quit();
    }
    process.stdout.write("served");
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--expose-gc", "--input-type=module", "--eval", script],
    { cwd: import.meta.dirname, timeout: 60_000 },
  );
  assert.equal(stdout, "served");
});
