/** What is measured: each scenario is prepared once and then repeated for a while. */

const small = "v".repeat(100);
const medium = Buffer.alloc(10_000, 0x76);
const large = Buffer.alloc(1_000_000, 0x76);

const peers = ["memoxide", "memjs", "memcache-client"];

/** Gets of `count` keys at once, of `value`. */
function together(count, value, about, rounds) {
  return {
    about,
    clients: peers,
    keys: Object.fromEntries(Array.from({ length: count }, (_, i) => [`bench:${i}`, value])),
    operations: count,
    rounds,
    run: (client, keys) => Promise.all(keys.map((key) => client.get(key))),
  };
}

export const scenarios = {
  awaited: {
    about: "one get after the other, 100 bytes; the median of all gets",
    clients: ["memoxide", "socket", "memjs", "memcache-client"],
    keys: { "bench:0": small },
    operations: 1,
    rounds: 20_000,
    each: true,
    run: (client, [key]) => client.get(key),
  },
  100: together(100, small, "100 gets in flight, 100 bytes; per get", 1500),
  1000: together(1000, small, "1000 gets in flight, 100 bytes; per get", 150),
  "10k": together(100, medium, "100 gets in flight, 10 KB; per get", 200),
  multi: {
    ...together(100, small, "100 keys in one call, 100 bytes; per key", 1500),
    clients: ["memoxide", "memcache-client"],
    run: (client, keys) => client.getMany(keys),
  },
  "1m": {
    about: "one get after the other, 1 MB; the median of all gets",
    clients: ["memoxide", "socket", "memjs", "memcache-client"],
    keys: { "bench:0": large },
    operations: 1,
    rounds: 400,
    each: true,
    run: (client, [key]) => client.get(key),
  },
  sets: {
    ...together(100, small, "100 sets in flight, 100 bytes; per set", 1000),
    run: (client, keys) => Promise.all(keys.map((key) => client.set(key, small))),
  },
  "set-1m": {
    about: "one set after the other, 1 MB; the median of all sets",
    clients: peers,
    keys: { "bench:0": large },
    operations: 1,
    rounds: 200,
    each: true,
    run: (client, [key]) => client.set(key, large),
  },
};
