// How each library is opened and called: { get(key), set(key), increment(key),
// many(), close() }, as far as the library has them, all returning promises.

import { createRequire } from "node:module";
import net from "node:net";

const require = createRequire(import.meta.url);

/** Turns a call with a callback into a promise. */
const promised = (call) =>
  new Promise((done, fail) => call((error, data) => (error ? fail(error) : done(data))));

/** Whether a client found what it was to read: a miss would cost nothing. */
export function found(result) {
  const value = result?.value === undefined ? result : result.value;
  return value !== null && value !== undefined && value !== false;
}

export const libraries = {
  async memoxide({ endpoint, keys, value }) {
    const { Client } = await import("memoxide");
    const client = Client.create(endpoint);
    return {
      get: (key) => client.get(key),
      set: (key) => client.set(key, value),
      increment: (key) => client.increment(key, 1),
      many: () => client.getMulti(keys),
      close: () => client.close(),
    };
  },

  async memjs({ endpoint, value }) {
    const client = require("memjs").Client.create(endpoint, { timeout: 10 });
    return {
      get: (key) => client.get(key),
      set: (key) => client.set(key, value, {}),
      increment: (key) => client.increment(key, 1, {}),
    };
  },

  async memcached({ endpoint, keys, value }) {
    const Memcached = require("memcached");
    const client = new Memcached(endpoint, { poolSize: 10 });
    return {
      get: (key) => promised((done) => client.get(key, done)),
      set: (key) => promised((done) => client.set(key, value, 0, done)),
      increment: (key) => promised((done) => client.incr(key, 1, done)),
      many: () => promised((done) => client.getMulti(keys, done)),
    };
  },

  async memcache({ endpoint, keys, value }) {
    const { Memcache } = await import("memcache");
    const client = new Memcache({ nodes: [endpoint] });
    return {
      get: (key) => client.get(key),
      set: (key) => client.set(key, value.toString()),
      increment: (key) => client.incr(key, 1),
      many: () => client.gets(keys),
    };
  },

  async memcacheclient({ endpoint, keys, value }) {
    const { MemcacheClient } = require("memcache-client");
    const client = new MemcacheClient({ server: endpoint });
    return {
      get: (key) => client.get(key),
      set: (key) => client.set(key, value),
      increment: (key) => client.incr(key, 1),
      many: () => client.get(keys),
    };
  },

  /** What Node's sockets leave possible: one request, one reply, no parsing. */
  async socket({ host, port }) {
    const socket = net.connect(port, host);
    socket.setNoDelay(true);
    let missing = 0;
    let done = () => {};
    socket.on("data", (chunk) => {
      missing -= chunk.length;
      if (missing === 0) done();
    });
    const sizes = { "bench:000": 100, "bench:10k": 10_000, "bench:1m": 1_000_000 };
    return {
      get: (key) =>
        new Promise((resolve) => {
          const size = sizes[key];
          missing = `VALUE ${key} 0 ${size}\r\n`.length + size + "\r\nEND\r\n".length;
          done = () => resolve(true);
          socket.write(`get ${key}\r\n`);
        }),
    };
  },
};
