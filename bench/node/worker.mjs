// The Node clients, as workers of bench/run (bench/README.md).

import net from "node:net";
import { createRequire } from "node:module";
import readline from "node:readline";

const require = createRequire(import.meta.url);
const [name, host, port] = process.argv.slice(2);
const endpoint = `${host}:${port}`;
const keys = Array.from({ length: 100 }, (_, key) => `bench:${String(key).padStart(3, "0")}`);
const value = Buffer.alloc(100, "x");
const big = Buffer.alloc(10_000, "x");
const huge = Buffer.alloc(1_000_000, "x");

/** Stores the keys over a plain socket, so that no client is favoured. */
async function fill() {
  const socket = net.connect(Number(port), host);
  const items = [...keys.map((key) => [key, value]), ["bench:10k", big], ["bench:1m", huge]];
  for (const [key, bytes] of items) socket.write(`set ${key} 0 0 ${bytes.length}\r\n${bytes}\r\n`);
  let replies = "";
  for await (const chunk of socket) {
    replies += chunk;
    if (replies.length >= items.length * "STORED\r\n".length) break;
  }
  if (replies.includes("ERROR")) throw new Error(replies);
}

const clients = {
  async memoxide() {
    const { Client } = await import("memoxide");
    const client = Client.create(endpoint);
    return { get: (key) => client.get(key), set: (key) => client.set(key, value), many: () => client.getMulti(keys) };
  },
  async memjs() {
    const client = require("memjs").Client.create(endpoint, { timeout: 10 });
    return { get: (key) => client.get(key), set: (key) => client.set(key, value, {}) };
  },
  async memcached() {
    const Memcached = require("memcached");
    const client = new Memcached(endpoint, { poolSize: 10 });
    const get = (key) => new Promise((done, fail) => client.get(key, (error, data) => (error ? fail(error) : done(data))));
    const many = () => new Promise((done, fail) => client.getMulti(keys, (error, data) => (error ? fail(error) : done(data))));
    return { get, many };
  },
  async memcache() {
    const { Memcache } = await import("memcache");
    const client = new Memcache({ nodes: [endpoint] });
    return { get: (key) => client.get(key), many: () => client.gets(keys) };
  },
  async memcacheclient() {
    const { MemcacheClient } = require("memcache-client");
    const client = new MemcacheClient({ server: endpoint });
    return { get: (key) => client.get(key), many: () => client.get(keys) };
  },
  async socket() {
    // What Node's sockets leave possible: one request, one reply, no parsing.
    const socket = net.connect(Number(port), host);
    socket.setNoDelay(true);
    let missing = 0;
    let done = () => {};
    socket.on("data", (chunk) => {
      missing -= chunk.length;
      if (missing === 0) done();
    });
    const sizes = { "bench:000": value.length, "bench:10k": big.length, "bench:1m": huge.length };
    return {
      get: (key) =>
        new Promise((resolve) => {
          const size = sizes[key];
          missing = `VALUE ${key} 0 ${size}\r\n`.length + size + "\r\nEND\r\n".length;
          done = resolve;
          socket.write(`get ${key}\r\n`);
        }),
    };
  },
};

const [library, operation, inFlight = "1"] = name.split("-");
const client = await clients[library]();
await fill();

const calls = {
  get: () => client.get("bench:000"),
  get10k: () => client.get("bench:10k"),
  get1m: () => client.get("bench:1m"),
  set: () => client.set("bench:000"),
  multiget: () => client.many(),
};
const call = calls[operation];

async function loop(operations, latencies) {
  for (let index = 0; index < operations; index++) {
    const begin = latencies && performance.now();
    await call();
    if (latencies) latencies.push(performance.now() - begin);
  }
}

async function run(operations) {
  const count = Number(inFlight);
  const each = Math.max(1, Math.floor(operations / count));
  const latencies = count === 1 ? [] : undefined;
  await Promise.all(Array.from({ length: count }, () => loop(each, latencies)));
  return { ops: each * count, latencies };
}

await run(2000);
console.log("ready");
for await (const line of readline.createInterface({ input: process.stdin })) {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const { ops, latencies } = await run(Number(line));
  const wall = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const report = { ops, wall, cpu: (user + system) / 1e6 };
  if (latencies) {
    latencies.sort((a, b) => a - b);
    report.p50 = latencies[Math.floor(latencies.length / 2)] / 1000;
  }
  console.log(JSON.stringify(report));
}
process.exit(0);
