/** Reports of servers: their types are what the core reads, and of which servers they are. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { Client, EmbeddedServer } from "memoxide";

import { clientOf, onBoth } from "./targets.mjs";

const source = path.join(import.meta.dirname, "../ts/reports.ts");

/** The interfaces of `ts/reports.ts`: the names of their fields and the types of these. */
const types = Object.fromEntries(
  readFileSync(source, "utf8")
    .split(/^export interface /m)
    .slice(1)
    .map((text) => [
      text.slice(0, text.indexOf(" ")),
      Object.fromEntries(
        [...text.matchAll(/^ {2}readonly (\w+): (.*);$/gm)].map(([, name, type]) => [name, type]),
      ),
    ]),
);

const kinds = {
  "": "GeneralReport",
  settings: "SettingsReport",
  items: "ItemsReport",
  slabs: "SlabsReport",
  sizes: "SizesReport",
  conns: "ConnectionsReport",
};

function fits(value, type) {
  const numbered = /^Readonly<Record<number, (\w+)>>$/.exec(type);
  if (numbered) return Object.values(value).every((part) => fits(part, numbered[1]));
  if (type.endsWith(" | null")) return value === null || fits(value, type.slice(0, -7));
  if (!(type in types)) return typeof value === type;
  const fields = types[type];
  assert.deepEqual(Object.keys(value), Object.keys(fields));
  return Object.keys(fields).every((name) => fits(value[name], fields[name]));
}

async function embedded(t) {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  return server;
}

onBoth("reports are of their types", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  await client.set("k", 1);
  for (const [name, type] of Object.entries(kinds)) {
    const { [server.endpoint]: report, ...others } = await client.report(name);
    assert.deepEqual(others, {});
    assert.ok(fits(report, type), `${name}: ${JSON.stringify(report)}`);
  }
  const { classes } = (await client.report("items"))[server.endpoint];
  assert.ok(Object.keys(classes).length > 0);
});

test("one server is asked by the key that it has", async (t) => {
  const [one, two] = await Promise.all([embedded(t), embedded(t)]);
  const client = clientOf(t, [one.endpoint, two.endpoint]);
  const serverKey = "a";
  const home = client.serverFor(serverKey);
  // Where keys go depends on the ports, which are the system's choice.
  let other = "b";
  while (client.serverFor(other) === home) other += "b";
  assert.equal(client.serverFor(other, { serverKey }), home);
  const options = { serverKey };
  assert.deepEqual(Object.keys(await client.version(options)), [home]);
  assert.deepEqual(Object.keys(await client.stats("", options)), [home]);
  // Nothing to report is a report, too.
  assert.deepEqual(await client.stats("items", options), { [home]: {} });
  assert.deepEqual(Object.keys(await client.report("slabs", options)), [home]);
  assert.deepEqual(await client.verbosity(0, options), { [home]: true });
  assert.deepEqual(await client.cacheMemlimit(64, options), { [home]: true });
  for (const key of [serverKey, other]) await client.set(key, 1);
  assert.deepEqual(await client.keys("", options), [serverKey]);
  assert.deepEqual(await client.flush(0, options), { [home]: true });
  assert.equal((await client.get(serverKey)).value, null);
  assert.equal((await client.get(other)).value, 1);
  const flushed = await new Promise((resolve) => client.flush(0, (...results) => resolve(results)));
  assert.deepEqual(flushed, [null, { [one.endpoint]: true, [two.endpoint]: true }]);
  await assert.rejects(client.flush(0, { serverKey: 5 }), { kind: "InvalidKey" });
});

test("a function that places keys places server keys", async (t) => {
  const [one, two] = await Promise.all([embedded(t), embedded(t)]);
  const servers = [one.endpoint, two.endpoint];
  const hashing = (key) => (key[0] === 0x62 ? 1 : 0);
  const client = new Client(servers, { hashing });
  t.after(() => client.close());
  assert.equal(client.serverFor("a", { serverKey: "b" }), two.endpoint);
  assert.deepEqual(Object.keys(await client.version({ serverKey: "b" })), [two.endpoint]);
});

onBoth("a flush can wait, for 30 days at most", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  await client.set("k", 1);
  for (const delay of [60, 30 * 86_400]) {
    await client.flush(delay);
    assert.equal((await client.get("k")).value, 1);
  }
  for (const delay of [-1, Number.NaN, 30 * 86_400 + 1, "5"]) {
    await assert.rejects(client.flush(delay), { kind: "InvalidArgument" });
  }
});

test("a flush waits for whole seconds, not fewer than it is told to", async (t) => {
  const server = await embedded(t);
  const client = clientOf(t, server.endpoint);
  await client.version();
  server.logRequests();
  for (const delay of [1, 1.5, 2.001]) await client.flush(delay);
  const asked = server.loggedRequests().map(({ head }) => head.toString());
  assert.deepEqual(asked, ["flush_all 1", "flush_all 2", "flush_all 3"]);
});
