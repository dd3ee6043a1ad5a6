// A recorded sequence of requests, performed again, through memoxide.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import net from "node:net";

/** Requests of one object are in one lane, and each lane is in order. */
const lanes = 16;
const bytes = Buffer.alloc(1 << 20, "x");

/** The lanes between two movements of the clock, and by how many seconds it moves. */
function parse(text) {
  const stretches = [];
  const open = () => Array.from({ length: lanes }, () => []);
  let current = open();
  for (const line of text.trimEnd().split("\n")) {
    const [verb, lane, key, size, ttl] = line.split(" ");
    if (verb === "t") {
      stretches.push({ lanes: current, seconds: lane });
      current = open();
    } else {
      const step = { verb, key, value: bytes.subarray(0, Number(size)), options: { expires: Number(ttl) } };
      current[Number(lane) % lanes].push(step);
    }
  }
  return stretches;
}

async function inOrder(client, lane, counts) {
  for (const { verb, key, value, options } of lane) {
    counts.calls += 1;
    if (verb === "g") {
      counts.gets += 1;
      if ((await client.get(key)).value !== null) {
        counts.hits += 1;
      } else {
        // What is missing is fetched elsewhere and stored.
        counts.calls += 1;
        await client.set(key, value, options);
      }
    } else if (verb === "s") await client.set(key, value, options);
    else if (verb === "a") await client.add(key, value, options);
    else await client.delete(key);
  }
}

/** Performs the trace at `path`, counted and measured by `spent`. */
export async function replay(path, { host, port, endpoint }, spent) {
  const { Client } = await import("memoxide");
  const stretches = parse(await readFile(path, "utf8"));
  // The server's clock stands still between the stretches.
  const clock = net.connect(port, host);
  const command = async (word) => {
    clock.write(`debugtime ${word}\r\n`);
    const [reply] = await once(clock, "data");
    if (String(reply) !== "OK\r\n") throw new Error("the server's clock cannot be moved");
  };
  await command("p");
  const client = Client.create(endpoint);
  const counts = { calls: 0, gets: 0, hits: 0 };
  spent.start();
  for (const { lanes, seconds } of stretches) {
    await Promise.all(lanes.map((lane) => inOrder(client, lane, counts)));
    await command(seconds);
  }
  spent.stop(0);
  await client.close();
  clock.destroy();
  return counts;
}
