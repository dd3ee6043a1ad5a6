/** Runs the shared scenarios (tests/README.md) through the Node client. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client, EmbeddedServer, MemoxideError } from "memoxide";

import { patient, startMemcached } from "./targets.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

const FIELDS = new Set([
  ...["call", "args", "expect", "error", "sent", "endpoint", "within", "save"],
  ...["raw", "reply", "server", "advance", "stop", "fault"],
]);

/** Memcached's own use of the crawler would make lists of keys answer "busy". */
const QUIET = ["-o", "no_lru_maintainer,lru_crawler"];

function bytesOf(notation) {
  if (typeof notation === "string") return Buffer.from(notation);
  if ("utf8" in notation) return Buffer.from(notation.utf8);
  if ("fill" in notation) return Buffer.from(notation.fill.repeat(notation.count));
  return Buffer.from(notation.hex, "hex");
}

function keyOf(notation) {
  const bytes = bytesOf(notation);
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : bytes;
}

function storable(notation) {
  const [[kind, inner]] = Object.entries(notation);
  if (kind === "text" || kind === "json") return inner;
  if (kind === "bytes") return bytesOf(inner);
  assert.equal(kind, "int", `unknown kind of value: ${kind}`);
  const number = Number(inner);
  return Number.isSafeInteger(number) ? number : BigInt(inner);
}

function written(value) {
  if (typeof value === "string") return { text: value };
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return { int: String(value) };
  if (Buffer.isBuffer(value)) return { bytes: { hex: value.toString("hex") } };
  return { json: value };
}

/** Brings the byte strings in an expectation to hex. */
function normal(expectation) {
  if (expectation === null || typeof expectation !== "object" || Array.isArray(expectation)) {
    return expectation;
  }
  const entries = Object.entries(expectation).map(([name, inner]) => [
    name,
    name === "bytes" ? { hex: bytesOf(inner).toString("hex") } : normal(inner),
  ]);
  return Object.fromEntries(entries);
}

/** Keeps of a result what is named in the expectation. */
function only(fields, of) {
  if (fields === null || of === null || typeof fields !== "object" || typeof of !== "object") {
    return of;
  }
  if (Array.isArray(fields)) return of;
  return Object.fromEntries(
    Object.keys(fields)
      .filter((name) => name in of)
      .map((name) => [name, only(fields[name], of[name])]),
  );
}

const entries = (map, write) =>
  Object.fromEntries([...map].map(([key, item]) => [String(key), write(item)]));
const found = (item) => (item.flags === null ? { miss: true } : { value: written(item.value) });
const count = ({ value }) => ({ number: value === null ? null : String(value) });
const fields = (item) => ({
  value: written(item.value),
  flags: item.flags,
  ttl: item.ttl,
  size: item.size,
  hit_before: item.hitBefore,
});

/** One call: how it is made, and what its result means. */
class Call {
  constructor(run, client, args, saved) {
    this.run = run;
    this.client = client;
    this.args = args;
    this.saved = saved;
  }

  get key() {
    return keyOf(this.args.key);
  }

  get keys() {
    return this.args.keys.map(keyOf);
  }

  get value() {
    return storable(this.args.value);
  }

  get items() {
    return this.args.items.map(([key, value]) => [keyOf(key), storable(value)]);
  }

  /** The options that every call may have. */
  get how() {
    const { timeout, server_key: serverKey } = this.args;
    return { timeout, serverKey };
  }

  /** The options of a call that stores. */
  get storing() {
    return { ...this.how, expires: this.args.ttl };
  }

  get = async () => found(await this.client.get(this.key, this.how));
  gat = async () => found(await this.client.gat(this.key, this.args.ttl, this.how));
  gets = async () => this.#withCas(await this.client.gets(this.key, this.how));
  gats = async () => this.#withCas(await this.client.gats(this.key, this.args.ttl, this.how));
  take = async () => found(await this.client.take(this.key, this.how));
  exists = async () => ({ flag: await this.client.exists(this.key, this.how) });

  #withCas(item) {
    this.cas_ = item.cas;
    return found(item);
  }

  item = async () => {
    const item = await this.client.getItem(this.key, this.how);
    if (item === null) return { miss: true };
    this.cas_ = item.cas;
    return { item: fields(item) };
  };

  get_raw = async () => {
    const raw = await this.client.getRaw(this.key, this.how);
    if (raw === null) return { miss: true };
    return { raw: { flags: raw.flags, bytes: { hex: raw.bytes.toString("hex") } } };
  };

  set_raw = async () => {
    const { flags } = this.args;
    const bytes = bytesOf(this.args.bytes);
    return { flag: await this.client.setRaw(this.key, bytes, { ...this.storing, flags }) };
  };

  get_multi = async () => {
    const map = await this.client.getMulti(this.keys, this.how);
    return { values: entries(map, written) };
  };

  gets_multi = async () => {
    const map = await this.client.getsMulti(this.keys, this.how);
    for (const { cas } of map.values()) assert.ok(cas > 0n);
    return { values: entries(map, (item) => written(item.value)) };
  };

  items_multi = async () => {
    const map = await this.client.getItemMulti(this.keys, this.how);
    return { items: entries(map, fields) };
  };

  set = async () => ({ flag: await this.client.set(this.key, this.value, this.storing) });
  add = async () => ({ flag: await this.client.add(this.key, this.value, this.storing) });
  replace = async () => ({ flag: await this.client.replace(this.key, this.value, this.storing) });
  append = async () => ({ flag: await this.client.append(this.key, this.value, this.how) });
  prepend = async () => ({ flag: await this.client.prepend(this.key, this.value, this.how) });

  cas = async () => {
    const cas = BigInt(this.args.cas);
    const verdict = await this.client.cas(this.key, this.value, { ...this.storing, cas });
    return { cas: verdict === "notFound" ? "not_found" : verdict };
  };

  set_multi = async () => ({ failed: await this.client.setMulti(this.items, this.storing) });
  add_multi = async () => ({ failed: await this.client.addMulti(this.items, this.storing) });
  delete_multi = async () => ({ failed: await this.client.deleteMulti(this.keys, this.how) });
  touch_multi = async () => ({
    failed: await this.client.touchMulti(this.keys, this.args.ttl, this.how),
  });

  delete = async () => {
    if ("cas" in this.args) {
      const cas = BigInt(this.args.cas);
      return { cas: await this.client.delete(this.key, { ...this.how, cas }) };
    }
    return { flag: await this.client.delete(this.key, this.how) };
  };

  touch = async () => ({ flag: await this.client.touch(this.key, this.args.ttl, this.how) });

  get #counting() {
    const { initial, ttl } = this.args;
    return {
      ...this.how,
      initial: initial === undefined ? undefined : BigInt(initial),
      expires: ttl,
    };
  }

  incr = async () =>
    count(await this.client.increment(this.key, BigInt(this.args.delta ?? 1), this.#counting));
  decr = async () =>
    count(await this.client.decrement(this.key, BigInt(this.args.delta ?? 1), this.#counting));

  update = async () => {
    const { change, limit } = this.args;
    const decide = async (value) => {
      if ("meanwhile" in change) await exchange(this.run.endpoints[0], bytesOf(change.meanwhile));
      if ("set" in change) return storable(change.set);
      if ("add" in change) return (value ?? 0) + change.add;
      assert.ok(change.leave, `unknown change: ${JSON.stringify(change)}`);
      return undefined;
    };
    const stored = await this.client.update(this.key, decide, { ...this.storing, limit });
    return { stored: stored === undefined || stored === null ? null : written(stored) };
  };

  lock = async () => {
    const { ttl = 30, wait } = this.args;
    this.taken = await this.client.lock(this.key, ttl, { ...this.how, wait });
    return { flag: this.taken !== null };
  };

  extend = async () => ({ flag: await this.saved.get(this.args.lock).extend(this.args.ttl) });
  release = async () => ({ flag: await this.saved.get(this.args.lock).release() });

  invalidate = async () => {
    await this.client.invalidate(this.args.name);
    return { done: true };
  };

  flush_all = async () => {
    await this.client.flush(this.args.delay, this.how);
    return { done: true };
  };

  verbosity = async () => {
    await this.client.verbosity(this.args.level, this.how);
    return { done: true };
  };

  cache_memlimit = async () => {
    await this.client.cacheMemlimit(this.args.megabytes, this.how);
    return { done: true };
  };

  version = async () => {
    const versions = Object.values(await this.client.version(this.how));
    assert.ok(versions.every((version) => version.length > 0));
    return { servers: versions.length };
  };

  stats = async () => {
    const reports = Object.values(await this.client.stats(this.args.report ?? "", this.how));
    return { servers: reports.length, names: reports.map((report) => Object.keys(report)) };
  };

  report = async () => ({
    reports: Object.values(await this.client.report(this.args.report ?? "", this.how)),
  });

  keys_ = async () => {
    const keys = await this.client.keys(this.args.prefix ?? "", this.how);
    return { keys: keys.map(String).sort() };
  };

  server_for = async () => {
    // A call with a server key goes to that key's server, whatever its own is.
    const name = this.client.serverFor(this.how.serverKey ?? this.key);
    return { server: this.run.endpoints.indexOf(name) };
  };

  close = async () => {
    this.client.close();
    return { done: true };
  };
}

/** Sends bytes over a plain socket and returns all that comes back. */
async function exchange(endpoint, request) {
  const [host, port] = endpoint.split(":");
  const socket = net.connect({ host, port: Number(port), allowHalfOpen: true });
  socket.end(request);
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function compare(at, method, expected, result) {
  if (method === "stats") {
    assert.equal(result.servers, expected.servers, at);
    for (const names of result.names) {
      for (const name of expected.has ?? []) assert.ok(names.includes(name), `${at}: ${name}`);
    }
    return;
  }
  let compared = result;
  let wanted = expected;
  if ("item" in expected || "items" in expected) compared = only(expected, result);
  if ("reports" in expected) {
    assert.equal(result.reports.length, expected.reports.length, at);
    compared = { reports: result.reports.map((report, i) => only(expected.reports[i], report)) };
  }
  // Where the answer is yes or no, "exists" and "not_found" are no.
  if (typeof result.cas === "boolean") wanted = { cas: expected.cas === "stored" };
  assert.deepEqual(compared, wanted, `${at}: ${method}`);
}

async function makeCall(at, run, client, step, timeout, saved) {
  const args = { ...step.args };
  for (const [name, value] of Object.entries(args)) {
    if (typeof value === "string" && value.startsWith("$")) args[name] = saved.get(value.slice(1));
  }
  const allowed = (args.timeout ?? timeout) + (args.wait ?? 0);
  const within = step.within ?? allowed + 0.05;
  const begin = performance.now();
  let result;
  let error;
  let call;
  try {
    const view = "namespace" in args ? await client.namespace(args.namespace) : client;
    call = new Call(run, view, args, saved);
    const perform = call[step.call === "keys" ? "keys_" : step.call];
    assert.ok(perform, `${at}: unknown method ${step.call}`);
    result = await perform();
  } catch (caught) {
    if (!(caught instanceof MemoxideError)) throw caught;
    error = caught;
  }
  const took = (performance.now() - begin) / 1000;
  if (error) {
    assert.ok("error" in step, `${at}: ${step.call} failed: ${error.message}`);
    assert.equal(error.kind, step.error, `${at}: ${error.message}`);
    if (step.sent) assert.equal(error.sent, step.sent, `${at}: ${error.message}`);
    if (step.endpoint) assert.ok(error.endpoint, `${at}: no endpoint in ${error.message}`);
  } else {
    assert.ok(!("error" in step), `${at}: ${step.call} gave ${JSON.stringify(result)}`);
    compare(at, step.call, normal(step.expect), result);
    if (step.save) saved.set(step.save, step.call === "lock" ? call.taken : call.cas_);
  }
  assert.ok(took <= within, `${at}: ${step.call} took ${took} s`);
}

function camel(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

async function runScenario(name, scenario, start) {
  const run = await start(scenario.servers ?? 1);
  // What calls take is the subject where a scenario says so, and nowhere else.
  const options = {
    timeout: patient.timeout,
    connect_timeout: patient.connectTimeout,
    ...scenario.options,
  };
  const named = Object.entries(options).map(([option, value]) => [camel(option), value]);
  const client = Client.create(run.endpoints.join(","), Object.fromEntries(named));
  const saved = new Map();
  try {
    for (const [index, step] of scenario.steps.entries()) {
      const at = `${name}, step ${index + 1}`;
      for (const field of Object.keys(step)) {
        assert.ok(FIELDS.has(field), `${at}: unknown field ${field}`);
      }
      if ("call" in step) {
        await makeCall(at, run, client, step, options.timeout, saved);
      } else if ("raw" in step) {
        const reply = await exchange(run.endpoints[step.server ?? 0], bytesOf(step.raw));
        assert.equal(reply.toString("latin1"), bytesOf(step.reply).toString("latin1"), at);
      } else if ("advance" in step) {
        for (const server of run.servers) server.advance(step.advance);
      } else if ("stop" in step) {
        await run.servers[step.stop].stop();
      } else {
        assert.ok("fault" in step, `${at}: unknown step`);
        run.servers[step.server ?? 0].addFault(step.fault);
      }
    }
  } finally {
    client.close();
    await run.stop();
  }
  return scenario.steps.length;
}

function scenarios() {
  const folder = path.join(root, "tests/scenarios");
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files.sort().flatMap((file) => {
    const text = readFileSync(path.join(folder, file), "utf8");
    const group = path.basename(file, ".json");
    return JSON.parse(text).scenarios.map((one) => [`${group}: ${one.name}`, one]);
  });
}

async function runAll(t, target, start) {
  let ran = 0;
  let steps = 0;
  const skipped = [];
  for (const [name, scenario] of scenarios()) {
    if (scenario.targets && !scenario.targets.includes(target)) {
      t.diagnostic(`skipped against ${target}: ${name}: ${scenario.why}`);
      skipped.push(`${name}: ${scenario.why}`);
      continue;
    }
    steps += await runScenario(name, scenario, start);
    ran += 1;
  }
  t.diagnostic(`node against ${target}: ${ran} scenarios, ${steps} steps`);
  const folder = path.join(root, "build/conformance");
  mkdirSync(folder, { recursive: true });
  const report = { surface: "node", target, scenarios: ran, steps, skipped };
  writeFileSync(path.join(folder, `node-${target}.json`), `${JSON.stringify(report, null, 1)}\n`);
}

test("the scenarios against the embedded server", async (t) => {
  await runAll(t, "embedded", async (count) => {
    const servers = await Promise.all(Array.from({ length: count }, () => EmbeddedServer.start()));
    // Time goes on when a step says so: what is left of a time to live is exact.
    for (const server of servers) server.pauseTime();
    const endpoints = servers.map((server) => server.endpoint);
    const stop = () => Promise.all(servers.map((server) => server.stop()));
    return { servers, endpoints, stop };
  });
});

test("the scenarios against memcached", async (t) => {
  const probe = await startMemcached(t);
  if (probe === undefined) {
    t.skip("there is no memcached on this machine");
    return;
  }
  await runAll(t, "memcached", async (count) => {
    const ends = [];
    // Each scenario's servers end with it, not with the test.
    const scope = { after: (end) => ends.push(end) };
    const servers = [];
    for (let index = 0; index < count; index++) servers.push(await startMemcached(scope, ...QUIET));
    const endpoints = servers.map((server) => server.endpoint);
    const stop = async () => {
      for (const end of ends) await end();
    };
    return { servers, endpoints, stop };
  });
});
