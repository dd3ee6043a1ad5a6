// Records memjs 1.3.2, memcached 2.2.2 and memcache 1.7.0. Run where those
// packages are installed.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const memjs = require("memjs");
const Memcached = require("memcached");
const memcache = await import(require.resolve("memcache"));

const { keys, topologies } = JSON.parse(
  readFileSync(new URL("topologies.json", import.meta.url), "utf8"),
);

const isWeighted = ({ servers }) => servers.some(({ weight }) => weight !== 1);

/** Asks about every topology for which `make` returns a function from key to index. */
function record(preset, client, version, make) {
  const cases = [];
  for (const topology of topologies) {
    const named = topology.servers.some(({ name }) => name);
    const find = named ? undefined : make(topology);
    if (find) {
      const answers = Object.fromEntries(keys.map((key) => [key, find(key)]));
      cases.push({ ...topology, options: {}, keys: answers });
    }
  }
  return { client, version, preset, cases };
}

function onMemjs(topology) {
  if (isWeighted(topology) || topology.down) {
    return undefined;
  }
  const client = new memjs.Client(topology.servers, {});
  return (key) => client.getServer(key);
}

const onMemcached =
  (options, weigh = (weight) => weight) =>
  ({ servers, down = [] }) => {
    const names = servers.map(({ host, port }) =>
      host.startsWith("/") ? host : `${host}:${port}`,
    );
    const weights = names.map((name, index) => [name, weigh(servers[index].weight)]);
    const client = new Memcached(Object.fromEntries(weights), options);
    for (const index of down) {
      client.HashRing.remove(names[index]);
    }
    return (key) => names.indexOf(client.HashRing.get(key));
  };

const onMemcache =
  (make) =>
  ({ servers, down = [] }) => {
    const placement = make();
    const nodes = servers.map(
      ({ host, port, weight }) => new memcache.MemcacheNode(host, port, { weight }),
    );
    for (const node of nodes) {
      placement.addNode(node);
    }
    for (const index of down) {
      placement.removeNode(nodes[index].id);
    }
    return (key) => nodes.indexOf(placement.getNodesByKey(key)[0]);
  };

const third = ["memcached (npm, 3rd-Eden)", "2.2.2"];
const wray = ["memcache (npm, jaredwray)", "1.7.0"];
// The class is not exported.
const KetamaHash = new memcache.Memcache({ nodes: ["localhost:11211"] })._hash.constructor;

const recorded = [
  record("memjs", "memjs", "1.3.2", onMemjs),
  record("node-memcached", ...third, onMemcached({})),
  record("node-memcached-hash_ring", ...third, onMemcached({ compatibility: "hash_ring" })),
  record("node-memcached-sha1", ...third, onMemcached({ algorithm: "sha1" })),
  record(
    "node-memcached-weight-objects",
    ...third,
    onMemcached({}, (weight) => ({ weight })),
  ),
  record(
    "node-memcache-ketama",
    ...wray,
    onMemcache(() => new KetamaHash()),
  ),
  record(
    "node-memcache-ketama-sha1",
    ...wray,
    onMemcache(() => new KetamaHash("sha1")),
  ),
  record(
    "node-memcache-modula",
    ...wray,
    onMemcache(() => new memcache.ModulaHash()),
  ),
];
process.stdout.write(JSON.stringify(recorded), () => process.exit(0));
