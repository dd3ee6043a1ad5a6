/** Servers for tests: ours, memcached, and some that misbehave. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";

import { Client, EmbeddedServer } from "memoxide";

/** Whether a missing memcached is a failure rather than a skip. */
const mustHaveMemcached = Boolean(process.env.CI);

/** What calls may take where time is not the subject: on a busy machine an answer is late. */
export const patient = { timeout: 30, connectTimeout: 30 };

/** A server that is not there. Ports of the system's choice may be somebody's by now. */
export const nobody = "127.0.0.1:1";

/** Registers a test for each kind of server; `body` gets the test's context and a started server. */
export function onBoth(name, body) {
  test(`${name} (embedded)`, async (t) => {
    const server = await EmbeddedServer.start();
    t.after(() => server.stop());
    await body(t, server);
  });
  test(`${name} (memcached)`, async (t) => {
    const server = await startMemcached(t);
    if (server === undefined) t.skip("there is no memcached on this machine");
    else await body(t, server);
  });
}

/** Starts memcached until the end of the test; `undefined` where there is none. */
export async function startMemcached(t, ...args) {
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
    const own = ["-l", "127.0.0.1", "-p", String(port), "-U", "0"];
    const child = spawn("memcached", [...user, ...own, ...args], { stdio: "ignore" });
    const failed = new Promise((resolve) => child.on("error", resolve));
    const exited = once(child, "exit").catch(() => undefined);
    let isGone = false;
    exited.then(() => {
      isGone = true;
    });
    const outcome = await Promise.race([failed, exited, answering(port, child.pid, () => isGone)]);
    if (outcome instanceof Error) {
      if (mustHaveMemcached) throw outcome;
      return undefined;
    }
    if (child.exitCode === null) {
      t.after(() => {
        // Asked kindly, memcached takes a second to go.
        child.kill("SIGKILL");
        return exited;
      });
      return { endpoint: `127.0.0.1:${port}`, port };
    }
    // Somebody else took the port first.
    if (attempt === 4) throw new Error("memcached does not start");
  }
}

/** Waits until this process answers on the port, or never will. */
async function answering(port, pid, isGone) {
  while (!isGone()) {
    if ((await processOn(port)) === pid) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The number of the process that serves a port, if one does. */
async function processOn(port) {
  const socket = net.connect(port, "127.0.0.1").setEncoding("latin1");
  try {
    socket.write("stats\r\n");
    let reply = "";
    for await (const chunk of socket) {
      reply += chunk;
      const found = /^STAT pid (\d+)\r\n/m.exec(reply);
      if (found) return Number(found[1]);
    }
  } catch {
    // Nobody listens yet.
  } finally {
    socket.destroy();
  }
  return undefined;
}

async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** A client that is closed at the end of the test, patient unless the options say otherwise. */
export function clientOf(t, servers, options) {
  const client = Client.create(servers, { ...patient, ...options });
  t.after(() => client.close());
  return client;
}

/**
 * A server that does what `behave` does with each connection, which it gets with
 * the number of the connection. Ends with the test, and keeps what it received.
 */
export async function fakeServer(t, behave) {
  const sockets = new Set();
  const received = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const number = sockets.size;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => received.push(chunk.toString("latin1")));
    behave(socket, number);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address();
  return {
    endpoint: `127.0.0.1:${port}`,
    port,
    /** Everything that clients have sent. */
    get received() {
      return received.join("");
    },
    /** How many connections there were. */
    get connections() {
      return sockets.size;
    },
  };
}

/** Answers each line of requests; `reply` gets the words of the line. */
export function answerLines(socket, reply) {
  let rest = "";
  socket.on("data", (chunk) => {
    const lines = (rest + chunk.toString("latin1")).split("\r\n");
    rest = lines.pop();
    for (const line of lines) {
      const answer = reply(line.split(" "), line);
      if (answer) socket.write(answer);
    }
  });
}

/** The opaque of a meta request, as its reply must repeat it. */
export function opaqueOf(words) {
  return words.find((word) => /^O\d+$/.test(word));
}
