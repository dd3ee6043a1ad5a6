/** Measures one scenario with one client: `worker.mjs <scenario> <client> <port>`. */

import { createRequire } from "node:module";
import net from "node:net";

import { scenarios } from "./scenarios.mjs";

const require = createRequire(new URL("../../build/bench/", import.meta.url));

/** Each client with the same few methods. */
const clients = {
  memoxide(address) {
    const { Client } = createRequire(import.meta.url)("memoxide");
    const client = Client.create(address, { timeout: 10 });
    return {
      get: (key) => client.get(key),
      set: (key, value) => client.set(key, value),
      getMany: (keys) => client.getMulti(keys),
    };
  },
  memjs(address) {
    const client = require("memjs").Client.create(address, { timeout: 10 });
    return { get: (key) => client.get(key), set: (key, value) => client.set(key, value, {}) };
  },
  "memcache-client"(address) {
    const { MemcacheClient } = require("memcache-client");
    const client = new MemcacheClient({ server: address, cmdTimeout: 10_000 });
    return {
      get: (key) => client.get(key),
      set: (key, value) => client.set(key, value),
      getMany: (keys) => client.get(keys),
    };
  },
  /** What any client has to do at least: write a line, and collect as many bytes as come back. */
  socket(address) {
    const [host, port] = address.split(":");
    const socket = net.connect({ host, port, noDelay: true });
    return {
      get(key) {
        return new Promise((resolve) => {
          const chunks = [];
          let length = 0;
          const listen = (chunk) => {
            chunks.push(chunk);
            length += chunk.length;
            if (chunk.subarray(-5).equals(end)) {
              socket.off("data", listen);
              resolve(Buffer.concat(chunks, length));
            }
          };
          socket.on("data", listen);
          socket.write(`get ${key}\r\n`);
        });
      },
    };
  },
};

const end = Buffer.from("END\r\n");

const [name, which, port] = process.argv.slice(2);
const scenario = scenarios[name];
const address = `127.0.0.1:${port}`;
const keys = Object.keys(scenario.keys);

// Everyone reads what everyone can read.
const filler = net.connect(port, "127.0.0.1");
for (const [key, value] of Object.entries(scenario.keys)) {
  filler.write(`set ${key} 0 0 ${value.length}\r\n`);
  filler.write(value);
  filler.write("\r\n");
}
await new Promise((resolve) => {
  let replies = "";
  filler.on("data", (chunk) => {
    replies += chunk;
    if (replies.length >= keys.length * "STORED\r\n".length) resolve();
  });
});
filler.destroy();

const client = clients[which](address);
const warmUp = Math.ceil(scenario.rounds / 4);
for (let round = 0; round < warmUp; round++) await scenario.run(client, keys);

const times = new Float64Array(scenario.rounds);
const cpu = process.cpuUsage();
const begin = process.hrtime.bigint();
for (let round = 0; round < scenario.rounds; round++) {
  const before = scenario.each ? performance.now() : 0;
  await scenario.run(client, keys);
  if (scenario.each) times[round] = performance.now() - before;
}
const total = Number(process.hrtime.bigint() - begin);
const { user, system } = process.cpuUsage(cpu);
const operations = scenario.rounds * scenario.operations;
const wall = scenario.each ? times.sort()[scenario.rounds >> 1] * 1e6 : total / operations;
process.stdout.write(JSON.stringify({ wall, cpu: ((user + system) * 1000) / operations }), () => {
  process.exit();
});
