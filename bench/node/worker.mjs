// The Node clients, as workers of bench/run (bench/README.md).
//
//   node worker.mjs LIBRARY-OPERATION-IN_FLIGHT HOST PORT
//   node worker.mjs replay-async HOST PORT

import net from "node:net";
import readline from "node:readline";
import { found, libraries } from "./libraries.mjs";
import { replay } from "./replay.mjs";

const [name, host, port] = process.argv.slice(2);
const endpoint = `${host}:${port}`;
const keys = Array.from({ length: 100 }, (_, key) => `bench:${String(key).padStart(3, "0")}`);
const [small, large, huge] = [keys[0], "bench:10k", "bench:1m"];
const value = Buffer.alloc(100, "x");
const sizes = { [large]: 10_000, [huge]: 1_000_000 };
/** Small gets that come before the large ones of an aged connection, and how many those are. */
const age = 10_000;
const largeGets = 200;

/** Stores what the cases read over a plain socket, so that no client is favoured. */
async function fill() {
  const socket = net.connect(Number(port), host);
  const items = [...keys.map((key) => [key, value]), ["bench:count", Buffer.from("0")]];
  for (const [key, size] of Object.entries(sizes)) items.push([key, Buffer.alloc(size, "x")]);
  for (const [key, bytes] of items) socket.write(`set ${key} 0 0 ${bytes.length}\r\n${bytes}\r\n`);
  let replies = "";
  for await (const chunk of socket) {
    replies += chunk;
    if (replies.length >= items.length * "STORED\r\n".length) break;
  }
  if (replies.includes("ERROR")) throw new Error(replies);
}

/** Measures between start and stop. */
class Spent {
  ops = 0;
  wall = 0;
  cpu = 0;

  start() {
    this.before = process.cpuUsage();
    this.begin = performance.now();
  }

  stop(operations) {
    this.wall += (performance.now() - this.begin) / 1000;
    const { user, system } = process.cpuUsage(this.before);
    this.cpu += (user + system) / 1e6;
    this.ops += operations;
  }

  report(more = {}) {
    const { ops, wall, cpu } = this;
    console.log(JSON.stringify({ ops, wall, cpu, ...more }));
  }
}

async function calls(library) {
  const client = await libraries[library]({ host, port: Number(port), endpoint, keys, value });
  return {
    // Each caller has a key of its own, so that nothing can be merged.
    get: (caller) => client.get(keys[caller % keys.length]),
    get10k: () => client.get(large),
    get1m: () => client.get(huge),
    set: (caller) => client.set(keys[caller % keys.length]),
    incr: () => client.increment("bench:count"),
    multiget: () => client.many(),
    verify: async (operation) => {
      if (operation === "multiget") {
        const values = await client.many();
        return (values.size ?? Object.keys(values).length) === keys.length;
      }
      const key = { get: small, get10k: large, get1m: huge }[operation];
      return key === undefined || found(await client.get(key));
    },
  };
}

async function prepare() {
  const [library, operation, number] = name.split("-");
  const inFlight = Number(number);
  if (operation === "fresh" || operation === "aged") {
    return (operations) => aging(library, operation === "aged" ? age : 1, operations);
  }
  const all = await calls(library);
  const call = all[operation];
  if (!(await all.verify(operation))) throw new Error("the client does not find what it is to read");
  const loop = async (times, caller, latencies) => {
    for (let index = 0; index < times; index++) {
      const begin = latencies && performance.now();
      await call(caller);
      if (latencies) latencies.push(performance.now() - begin);
    }
  };
  return async (operations) => {
    const each = Math.ceil(operations / inFlight);
    const latencies = inFlight === 1 ? [] : undefined;
    const spent = new Spent();
    spent.start();
    await Promise.all(Array.from({ length: inFlight }, (_, caller) => loop(each, caller, latencies)));
    spent.stop(each * inFlight);
    if (!latencies) return { spent };
    latencies.sort((a, b) => a - b);
    return { spent, p50: latencies[Math.floor(latencies.length / 2)] / 1000 };
  };
}

/** Large gets on a connection that has served so many small ones. */
async function aging(library, smallGets, operations) {
  const spent = new Spent();
  while (spent.ops < operations) {
    const client = await libraries[library]({ host, port: Number(port), endpoint, keys, value });
    for (let index = 0; index < smallGets; index++) await client.get(small);
    spent.start();
    for (let index = 0; index < largeGets; index++) await client.get(large);
    spent.stop(largeGets);
    await client.close();
  }
  return { spent };
}

if (name.startsWith("replay-")) {
  console.log("ready");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const spent = new Spent();
    const { calls, gets, hits } = await replay(line.trim(), { host, port: Number(port), endpoint }, spent);
    spent.ops = calls;
    spent.report({ gets, hits });
  }
} else {
  await fill();
  const run = await prepare();
  // What ages starts afresh each time, and takes long.
  await run(/-(fresh|aged)-/.test(name) ? largeGets : 2000);
  console.log("ready");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { spent, p50 } = await run(Number(line));
    spent.report(p50 === undefined ? {} : { p50 });
  }
}
process.exit(0);
