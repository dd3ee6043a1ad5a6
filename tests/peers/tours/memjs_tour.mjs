// Calls everything that memjs has.

import { createRequire } from "node:module";

const require = createRequire(`${process.env.PEERS}/node/`);
const { Client } = require("memjs");
const [server, variant] = process.argv.slice(2);
const users = variant === "sasl" ? { username: "user", password: "secret" } : {};
const logger = { log() {} };
const client = Client.create(server, { timeout: 10, logger, ...users });

const show = (value) => {
  if (Buffer.isBuffer(value)) {
    return value.length > 200
      ? { length: value.length, end: `${value.subarray(-5)}` }
      : { hex: value.toString("hex") };
  }
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, show(part)]));
  }
  return value;
};

const write = (call, result) => process.stdout.write(`${JSON.stringify({ call, result })}\n`);

const see = async (call, promise) => {
  try {
    write(call, show(await promise));
  } catch (error) {
    write(call, { error: `${error}` });
  }
};

// Calls after which a server may close the connection have one of their own.
const seeAlone = async (call, act) => {
  const alone = Client.create(server, { timeout: 10, logger, ...users });
  await see(call, act(alone));
  alone.close();
};

const storage = async () => {
  await see("flush", client.flush());
  await see("miss", client.get("key"));
  await see("set", client.set("key", "value", {}));
  await see("get", client.get("key"));
  await see("set a buffer", client.set("key", Buffer.from([0, 255, 13, 10]), {}));
  await see("get a buffer", client.get("key"));
  await see("empty", client.set("empty", "", {}));
  await see("get empty", client.get("empty"));
  await see("longest key", client.set("k".repeat(250), "v", {}));
  await see("get longest key", client.get("k".repeat(250)));
  await seeAlone("key too long", (alone) => alone.set("k".repeat(251), "v", {}));
  await see("key with a space", client.set("a b", "v", {}));
  await see("get key with a space", client.get("a b"));
  await see("key beyond ASCII", client.set("ü", "ü", {}));
  await see("get key beyond ASCII", client.get("ü"));
  await see("add", client.add("added", "1", {}));
  await see("add again", client.add("added", "2", {}));
  await see("replace", client.replace("added", "3", {}));
  await see("replace nothing", client.replace("nothing", "3", {}));
  await see("append", client.append("added", "4"));
  await see("prepend", client.prepend("added", "2"));
  await see("append to nothing", client.append("nothing", "4"));
  await see("prepend to nothing", client.prepend("nothing", "4"));
  await see("get what was put together", client.get("added"));
  await see("nearly a megabyte", client.set("large", "x".repeat(1048000), {}));
  await see("get nearly a megabyte", client.get("large"));
  await seeAlone("too large", (alone) => alone.set("large", "x".repeat(1048576), {}));
  await see("get after too large", client.get("large"));
};

const others = async () => {
  await see("increment with a start", client.increment("number", 5, { initial: 10 }));
  await see("increment", client.increment("number", 5, { initial: 10 }));
  await see("decrement", client.decrement("number", 2, { initial: 10 }));
  await see("decrement below zero", client.decrement("number", 200, {}));
  await see("decrement with a start", client.decrement("other", 2, { initial: 7 }));
  await see("increment without a start", client.increment("third", 5, {}));
  await client.set("text", "x", {});
  await see("increment what is no number", client.increment("text", 1, {}));
  await see("touch", client.touch("text", 100));
  await see("touch nothing", client.touch("nothing", 100));
  await see("delete", client.delete("text"));
  await see("delete again", client.delete("text"));
  await see("set with an old date", client.set("old", "v", { expires: 100000000 }));
  await see("get with an old date", client.get("old"));
  // Many at once, over one connection.
  const keys = Array.from({ length: 300 }, (_, number) => `many:${number}`);
  await see("set at once", Promise.all(keys.map((key) => client.set(key, key, {}))));
  const found = await Promise.all(keys.map((key) => client.get(key)));
  write("get at once", found.map(({ value }) => `${value}`).join());
};

const COUNTED =
  `cas_badval cas_hits cas_misses cmd_flush cmd_get cmd_set cmd_touch decr_hits decr_misses
  delete_hits delete_misses evictions get_hits get_misses incr_hits incr_misses limit_maxbytes
  store_too_large total_items touch_hits touch_misses auth_cmds auth_errors`.split(/\s+/);

const stats = (call, key) =>
  new Promise((resolve) => {
    client.statsWithKey(key, (error, _, found) => {
      if (error) {
        write(call, { error: `${error}` });
      } else {
        const counted = Object.fromEntries(
          COUNTED.filter((name) => name in found).map((name) => [name, found[name]]),
        );
        write(call, { counted, names: Object.keys(found).sort() });
      }
      resolve();
    });
  });

await storage();
await others();
await stats("stats", "");
await stats("stats settings", "settings");
await new Promise((resolve) => {
  client.resetStats((error) => {
    write("reset", { error: error && `${error}` });
    resolve();
  });
});
await stats("stats after reset", "");
await client.set("short", "v", { expires: 1 });
const until = Date.now() + 10000;
while ((await client.get("short")).value !== null && Date.now() < until) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await see("expired in time", client.get("short"));
if (variant === "sasl") {
  const wrong = Client.create(server, { username: "user", password: "wrong", logger, retries: 1 });
  await see("wrong password", wrong.get("key"));
  wrong.close();
}
client.quit();
