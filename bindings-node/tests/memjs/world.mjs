/** Both modules and both servers: what memjs does, ours has to do. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import net from "node:net";
import { after, test } from "node:test";

import { EmbeddedServer } from "memoxide";

import { startMemcached } from "../targets.mjs";

const require = createRequire(import.meta.url);

/** memjs itself, and the module in its place. */
export const modules = { theirs: require("memjs"), ours: require("memoxide/memjs") };

/** What answers may take where time is not the subject: on a busy machine they are late. */
export const patient = { timeout: 30, conntimeout: 30 };

/** A module under test, a server, and clients of the one for the other. */
export class World {
  /** Lines that clients have logged. */
  logged = [];
  #clients = [];

  constructor(name, endpoint) {
    this.name = name;
    this.memjs = modules[name];
    this.endpoint = endpoint;
  }

  get isOurs() {
    return this.name === "ours";
  }

  /** A client of the server, or of others. */
  client(options = {}, servers = this.endpoint) {
    const logger = { log: (message) => this.logged.push(message) };
    const client = this.memjs.Client.create(servers, { logger, ...patient, ...options });
    this.#clients.push(client);
    return client;
  }

  /** The client with default options. */
  get c() {
    return this.#clients[0] ?? this.client();
  }

  /** Asks the server without any client. */
  async raw(request, end = "\r\n") {
    const [host, port] = this.endpoint.split(":");
    const socket = net.connect(Number(port), host).setEncoding("latin1");
    const ask = async (request, end) => {
      socket.write(request, "latin1");
      let reply = "";
      while (!reply.endsWith(end)) reply += (await once(socket, "data"))[0];
      return reply;
    };
    const reply = await ask(request, end);
    // Until it answers again memcached may hold on to the item that it has sent, and
    // an item in use is replaced where it would be changed in place.
    await ask("mn\r\n", "MN\r\n");
    socket.destroy();
    return reply;
  }

  /** What is stored under a key, as flags and text; null for nothing. */
  async stored(key) {
    const reply = await this.raw(`get ${key}\r\n`, "END\r\n");
    const match = /^VALUE \S+ (\d+) \d+\r\n(.*)\r\nEND\r\n$/s.exec(reply);
    return match === null ? null : [Number(match[1]), match[2]];
  }

  /** The seconds that an item has left: -1 for ever, null for no item. */
  async ttl(key) {
    const match = /^HD t(-?\d+)/.exec(await this.raw(`mg ${key} t\r\n`));
    return match === null ? null : Number(match[1]);
  }

  close() {
    for (const client of this.#clients) client.close();
  }
}

/** An error by what it says. */
export function failed(message, name = "Error") {
  return { failed: { name, message } };
}

/** An error that Node throws. */
export function thrown(name, code) {
  return { failed: { name, code } };
}

/** What a call returns, or what it is rejected with. */
export async function outcome(call) {
  try {
    return await call();
  } catch (error) {
    if (typeof error === "string") return { thrown: error };
    const { name, message, code } = error;
    // What Node says itself depends on its version.
    return { failed: code === undefined ? { name, message } : { name, code } };
  }
}

/** The arguments that a callback gets. */
export function called(begin) {
  return new Promise((resolve) => {
    begin((error, ...results) => resolve([error?.message ?? error, ...results]));
  });
}

/**
 * Registers a test for each line of a table, module and server.
 *
 * A line is what it is called, what is done, and what comes of it; where ours
 * is meant to differ, the fourth says how.
 */
export function table(lines) {
  for (const [name, act, expected, ours = expected] of lines) {
    for (const [kind, start] of Object.entries(kinds)) {
      for (const module of Object.keys(modules)) {
        test(`${name} (${module}, ${kind})`, async (t) => {
          const server = await start(t);
          if (server === undefined) return t.skip("there is no memcached on this machine");
          const world = new World(module, server.endpoint);
          t.after(() => world.close());
          const found = await outcome(() => act(world));
          assert.deepStrictEqual(found, module === "ours" ? ours : expected);
        });
      }
    }
  }
}

const kinds = {
  embedded: async (t) => {
    const server = await EmbeddedServer.start();
    t.after(() => server.stop());
    return server;
  },
  memcached: async () => {
    if (memcached !== undefined) {
      await new World("ours", memcached.endpoint).raw("flush_all\r\n");
    }
    return memcached;
  },
};

/** One for all tests of a file: there before the first, so that the last does not miss it. */
const memcached = await startMemcached({ after });
