// Stores and fetches items with Node clients; see work.py.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

const require = createRequire(`${process.cwd()}/package.json`);

function plain(item) {
  if ("bytes" in item) return Buffer.from(item.bytes, "hex");
  return Object.values(item)[0];
}

function itemOf(value) {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (typeof value === "string") return { text: value };
  return typeof value === "object" ? { json: value } : { int: Number(value) };
}

const clients = {
  memoxide(servers, options) {
    const memoxide = require(process.env.MEMOXIDE_NODE);
    const { Client } = memoxide;
    const client = new Client(servers, options);
    return {
      async multi({ items, keys, counter }) {
        const plainItems = Object.entries(items).map(([key, item]) => [key, plain(item)]);
        const refused = await client.setMulti(new Map(plainItems));
        const values = await client.getMulti(keys);
        const found = {};
        for (const [key, value] of values) found[key] = itemOf(value);
        await client.add(counter, 5);
        const { value: count } = await client.increment(counter, 3);
        return { refused, found, count: Number(count), deleted: await client.delete(counter) };
      },
      async move({ servers, target: names, rate, key }) {
        const { comparePlacements, explainKey, migrate } = memoxide;
        const [target, anew] = [new Client(names), new Client(servers)];
        const compared = await comparePlacements(client, anew);
        const planned = await migrate(client, target, { mode: "dry-run" });
        let last;
        const summary = await migrate(client, target, {
          keysPerSecond: rate,
          onProgress(progress) {
            last = progress;
          },
        });
        const { same } = await migrate(client, target, { mode: "verify" });
        return {
          server: explainKey(client, key).server,
          keys: compared.keys,
          moved: compared.moved,
          planned: planned.copied,
          copied: summary.copied,
          finished: summary.finished,
          elapsed: summary.elapsed,
          last: {
            servers_done: last.serversDone,
            expected: last.expected,
            copied: last.counts.copied,
          },
          same,
        };
      },
      set: (key, value) => client.set(key, value),
      get: async (key) => (await client.get(key)).value,
      close: () => client.quit(),
    };
  },
  memjs(servers) {
    // It gives up after half a second unless told otherwise.
    const client = require("memjs").Client.create(servers.join(","), { timeout: 20 });
    return {
      set: (key, value) => client.set(key, value, {}),
      get: async (key) => (await client.get(key)).value,
      close: () => client.close(),
    };
  },
  memcached(servers) {
    const Memcached = require("memcached");
    const client = new Memcached(servers);
    return {
      set: promisify((key, value, done) => client.set(key, value, 0, done)),
      get: promisify((key, done) => client.get(key, done)),
      close: () => client.end(),
    };
  },
};

const answers = [];
for (const job of JSON.parse(await text(process.stdin))) {
  const client = clients[job.client](job.servers, job.options);
  if (job.do === "set") {
    for (const [key, item] of Object.entries(job.items)) {
      if (!(await client.set(key, plain(item)))) throw new Error(key);
    }
    answers.push(null);
  } else if (job.do === "multi") {
    answers.push(await client.multi(job));
  } else if (job.do === "move") {
    answers.push(await client.move(job));
  } else {
    const found = {};
    for (const key of job.keys) found[key] = itemOf(await client.get(key));
    answers.push(found);
  }
  await client.close();
}
process.stdout.write(JSON.stringify(answers));
