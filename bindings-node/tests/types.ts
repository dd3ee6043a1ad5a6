/**
 * The types of the package, as a program sees them: compiled, never run.
 *
 * Each `@ts-expect-error` is a mistake that the compiler must find.
 */

import diagnostics from "node:diagnostics_channel";

import session from "express-session";
import Keyv, { type KeyvStorageAdapter } from "keyv";
import Keyv5 from "keyv5";
import {
  type Cache,
  type CasOutcome,
  Client,
  type ClientOptions,
  ConnectionLostError,
  comparePlacements,
  EmbeddedServer,
  type EmbeddedServerOptions,
  type ErrorKind,
  explainKey,
  explainValue,
  type FaultRule,
  type FaultStatus,
  type Faults,
  type GeneralReport,
  type Guess,
  type Item,
  type ItemsReport,
  type Key,
  type KeyExplanation,
  type LogEntry,
  type LoggedRequest,
  type Lookup,
  MemoxideError,
  type MigrationSummary,
  migrate,
  PartialError,
  type Phase,
  type PlacementComparison,
  type Progress,
  type Sent,
  type Serializer,
  type Servers,
  type SettingsReport,
  type Storable,
} from "memoxide";
import { MemoxideStore, type SessionData } from "memoxide/express-session";
import { KeyvMemoxide } from "memoxide/keyv";
import asDefault, * as memjs from "memoxide/memjs";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

// Errors

export function describe(error: unknown): string {
  if (error instanceof PartialError) {
    same<typeof error.parts, readonly MemoxideError[]>(true);
    same<typeof error.kind, "Partial">(true);
    same<typeof error.results, unknown>(true);
    same<typeof error.code, "ERR_MEMOXIDE_PARTIAL">(true);
  }
  if (error instanceof MemoxideError) {
    same<typeof error.endpoint, string | undefined>(true);
    same<typeof error.sent, Sent | undefined>(true);
    same<typeof error.phase, Phase | undefined>(true);
    same<typeof error.isRetryable, boolean>(true);
    // @ts-expect-error: what happened is not changed afterwards
    error.endpoint = "b:2";
    return error.kind;
  }
  return "other";
}

new ConnectionLostError("peer closed the connection", { endpoint: "a:1", sent: "not_sent" });
// @ts-expect-error: not one of the two outcomes
new ConnectionLostError("peer closed the connection", { sent: "perhaps" });
// @ts-expect-error: the base has no kind of its own
new MemoxideError("what happened");
// @ts-expect-error: an outcome, not an error
const miss: ErrorKind = "Miss";
void miss;

// The embedded server

export async function serve(options: EmbeddedServerOptions): Promise<string> {
  await using server = await EmbeddedServer.start({ ...options, time: 0, auth: { ada: "secret" } });
  same<typeof server.port, number>(true);
  same<ReturnType<typeof server.restart>, Promise<void>>(true);
  await server.stop({ graceful: true });
  // @ts-expect-error: the system or the options chose it
  server.port = 11211;
  // @ts-expect-error: a server starts with `start`
  new EmbeddedServer();
  return server.endpoint;
}

export async function misbehave(server: EmbeddedServer): Promise<void> {
  {
    await using fault = await server.fault("flaky");
    same<typeof fault, Faults>(true);
    same<typeof fault.hits, number>(true);
  }
  const rule: FaultRule = { action: "delay", seconds: 0.1, command: ["get", "mg"], times: 2 };
  same<ReturnType<typeof server.addFault>, Promise<number>>(true);
  await server.addFault({ action: "reset", when: "after", request: { every: 3 } });
  await server.addFaults([rule, "slow", { type: "latency", attributes: { latency: 5 } }]);
  await server.addFaults('{"action": "flush"}');
  same<ReturnType<typeof server.faults>, FaultStatus[]>(true);
  same<ReturnType<typeof server.loggedRequests>, LoggedRequest[]>(true);
  // @ts-expect-error: no such action
  await server.addFault({ action: "bark" });
  // @ts-expect-error: a delay has a length
  await server.addFault({ action: "delay" });
  // @ts-expect-error: misspelt
  await server.addFault({ action: "close", comand: "get" });
  // @ts-expect-error: one rule
  await server.addFault("slow");
}

// @ts-expect-error: ports are numbers
const text: EmbeddedServerOptions = { port: "11211" };
// @ts-expect-error: not an option
const unknown: EmbeddedServerOptions = { memory: 64 };
// @ts-expect-error: a certificate needs its key
const keyless: EmbeddedServerOptions = { tls: { cert: "" } };
void [text, unknown, keyless];

// The tools

export async function move(old: Client, target: Client, signal: AbortSignal): Promise<string> {
  const explained = explainKey(old, "user:1", { down: ["a:11211"] });
  same<typeof explained, KeyExplanation>(true);
  same<typeof explained.hash, bigint | null>(true);
  const [guess] = explainValue(0, Buffer.from("x"));
  same<typeof guess, Guess | undefined>(true);
  const compared = await comparePlacements(old, target, { file: "keys" }, { limit: 10 });
  same<typeof compared, PlacementComparison>(true);
  const onProgress = (progress: Progress) => progress.counts.copied < 10;
  const summary = await migrate(old, target, { mode: "verify", keys: ["a"], onProgress, signal });
  same<typeof summary, MigrationSummary>(true);
  // @ts-expect-error: not one of the modes
  await migrate(old, target, { mode: "move" });
  // @ts-expect-error: clients, not lists of servers
  await migrate("a", "b");
  return summary.text;
}

// @ts-expect-error: the position of a server, not its name
new Client("a,b", { hashing: (_key, servers) => servers[0] });
new Client("a,b", { hashing: (key, servers) => key.length % servers.length });

// Serializers

const lines: Serializer = {
  flags: 0x1000_0000,
  serialize: (value) => Buffer.from((value as string[]).join("\n")),
  deserialize: (bytes) => bytes.toString().split("\n"),
};
new Client("a", { serializer: lines });
new Client("a", { values: "php", serializer: "native" });
new Client("a", { serializer: "msgpack" });
// @ts-expect-error: no such serializer
new Client("a", { serializer: "pickle" });
// @ts-expect-error: a serializer reads, too
new Client("a", { serializer: { format: "msgpack", serialize: lines.serialize } });
// @ts-expect-error: no dialect has flags for it
new Client("a", { serializer: { ...lines, format: "yaml" } });

// The client

interface User {
  name: string;
  tags: string[];
}

/** A program that knows the interface, not the client. */
export class Users {
  readonly #cache: Cache;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  async load(id: number, signal: AbortSignal): Promise<User | undefined> {
    const found = await this.#cache.get<User>(`user:${id}`, { signal, timeout: 0.1 });
    if (found.flags === null) {
      same<typeof found.value, null>(true);
      return undefined;
    }
    same<typeof found.value, User>(true);
    same<typeof found.flags, number>(true);
    return found.value;
  }

  async save(id: number, user: User): Promise<boolean> {
    return this.#cache.set(`user:${id}`, user, { expires: 600 });
  }

  async rename(id: number, name: string): Promise<boolean> {
    const { value, cas } = await this.#cache.gets<User>(`user:${id}`);
    if (cas === null) return false;
    const outcome = await this.#cache.cas(`user:${id}`, { ...value, name }, { cas });
    same<typeof outcome, CasOutcome>(true);
    // @ts-expect-error: not one of the outcomes
    return outcome === "not_found";
  }
}

export async function use(client: Client): Promise<void> {
  new Users(client);
  const unknownValue = await client.get("k");
  same<typeof unknownValue, Lookup<unknown>>(true);
  const item = await client.getItem<number>("k");
  same<typeof item, Item<number> | null>(true);
  const found = await client.getMulti<User>(["a", Buffer.from("b")]);
  same<typeof found, Map<Key, User>>(true);
  const texts = await client.deleteMulti(["a", "b"] as const);
  same<typeof texts, ("a" | "b")[]>(true);
  await client.setMulti({ a: 1, b: 2n });
  await client.setMulti(new Map<Key, Storable>([["a", null]]), { ttl: 5 });
  const count = await client.increment("n", 1n, { initial: 0 });
  if (count.success) same<typeof count.value, number | bigint>(true);
  else same<typeof count.value, null>(true);
  for await (const key of client.keys("user:")) same<typeof key, Key>(true);
  const keys = await client.keys();
  same<typeof keys, Key[]>(true);
  const reports = await client.stats("settings", { serverKey: "k" });
  same<typeof reports, Record<string, Record<string, string>>>(true);
  const general = await client.report();
  same<typeof general, Record<string, GeneralReport>>(true);
  const items = await client.report("items", { timeout: 1 });
  same<typeof items, Record<string, ItemsReport>>(true);
  client.report("settings", (_error, settings) => {
    same<typeof settings, Record<string, SettingsReport> | undefined>(true);
  });
  // @ts-expect-error: no such report
  await client.report("item");
  const cache: Cache = await client.namespace("shop");
  const taken = await cache.take<User>("k");
  same<typeof taken, Lookup<User>>(true);
  await cache.update<number>("k", (n = 0) => n + 1, { limit: 3 });
  // @ts-expect-error: the key of its generation tells the server
  await client.namespace("shop", { serverKey: "k" });
  same<ReturnType<typeof client.close>, void>(true);

  client.get<User>("k", (error, value, flags) => {
    same<typeof error, Error | null>(true);
    same<typeof value, User | null | undefined>(true);
    same<typeof flags, number | null | undefined>(true);
  });
  client.gets<User>("k", {}, (_error, _value, _flags, cas) => {
    same<typeof cas, bigint | null | undefined>(true);
  });
  client.set("k", 1, { expires: 5 }, (_error, stored) => {
    same<typeof stored, boolean | undefined>(true);
  });
  client.increment("n", (_error, success, value) => {
    same<typeof success, boolean | undefined>(true);
    same<typeof value, number | bigint | null | undefined>(true);
  });
  client.flush((error) => void error);
  same<ReturnType<typeof client.flush>, void>(true);

  // @ts-expect-error: a read has no time to live
  await client.get("k", { expires: 5 });
  // @ts-expect-error: times are in seconds, and options an object
  await client.set("k", 1, 600);
  // @ts-expect-error: would not come back
  await client.set("k", undefined);
  // @ts-expect-error: neither text nor bytes
  await client.get(5);
  // @ts-expect-error: needs the cas id that gets returned
  await client.cas("k", 1, {});
  // @ts-expect-error: numbers are not appended
  await client.append("k", 1);
  // @ts-expect-error: a client has no such option
  Client.create("a", { timeOut: 5 });
  // @ts-expect-error: one of them
  Client.create("a", { onError: "ignore" });
}

const described: Servers = [{ host: "a", port: 1, weight: 2 }, "b", { path: "/run/m.sock" }];
const options: ClientOptions = { timeout: 0.5, connectTimeout: 0.1, onError: "miss", expires: 60 };
export const client: AsyncDisposable & Cache = new Client(described, options);

// The module in place of memjs, typed as by `@types/memjs`

function inPlaceOfMemjs(): void {
  const client = memjs.Client.create("a:1,b", { retries: 3, timeout: 0.2, keepAlive: true });
  const read = client.get("key");
  same<typeof read, Promise<{ value: Buffer | null; flags: Buffer | null }>>(true);
  const stored = client.set("key", "value", { expires: 60 });
  same<typeof stored, Promise<boolean>>(true);
  const count = client.increment("key", 1, { initial: 5 });
  same<typeof count, Promise<{ success: boolean; value?: number | null | undefined }>>(true);
  client.set("key", Buffer.from("value"), {}, (error: Error | null) => void error);
  client.set("key", "value", (_error, success) => {
    same<typeof success, boolean | null>(true);
  });
  client.get("key", (_error, value, flags) => {
    same<typeof value, Buffer | null>(true);
    same<typeof flags, Buffer | null>(true);
  });
  client.stats((_error, _server, stats) => {
    same<typeof stats, Record<string, string> | null>(true);
  });
  client.getServer = (key: string) => key.length % client.servers.length;
  same<typeof client.servers, memjs.Server[]>(true);
  const parsed = memjs.Utils.parseMessage(Buffer.alloc(24));
  same<typeof parsed, memjs.Response | false>(true);
  const header = memjs.Header.fromBuffer(Buffer.alloc(24));
  same<typeof header, Required<memjs.Header>>(true);

  const serializer: memjs.Serializer<object, object> = {
    serialize: (_opcode, value, extras) => ({ value: JSON.stringify(value), extras }),
    deserialize: (_opcode, value, extras) => ({ value: JSON.parse(String(value)), extras }),
  };
  const options: memjs.ClientOptions<object, object> = { serializer };
  const trees = asDefault.Client.create("a", options);
  const tree = trees.get("key");
  same<typeof tree, Promise<{ value: object; flags: Buffer | null }>>(true);
  // @ts-expect-error a serializer for trees takes no number
  trees.set("key", 5);
  // @ts-expect-error it is no option of memjs
  memjs.Client.create("a", { serialiser: serializer });
  // @ts-expect-error there is no such method
  client.getMulti(["key"]);
}

inPlaceOfMemjs();

// The store for express-session, as that takes it

function forExpress(client: Client): void {
  const store = new MemoxideStore({
    client,
    ttl: (session) => Number(session.cookie.originalMaxAge),
  });
  session({ store, secret: "s" });
  const found = store.get("one");
  same<typeof found, Promise<SessionData | null>>(true);
  store.length((error, length) => {
    same<typeof length, number | undefined>(true);
    void error;
  });
  store.on("disconnect", () => {});
  // @ts-expect-error it is no option
  new MemoxideStore({ client, prefixes: "a" });
  // @ts-expect-error a time to live is a number
  new MemoxideStore({ client, ttl: "60" });
}

forExpress(new Client());

// The adapter for Keyv, as both versions take it

function forKeyv(client: Client): void {
  const store = new KeyvMemoxide(client, { namespace: "app" });
  new Keyv({ store });
  new Keyv5({ store: new KeyvMemoxide("a:1", { keyv: 5 }) });
  const read = store.get<number>("key");
  same<typeof read, Promise<number | undefined>>(true);
  const adapter: Pick<KeyvStorageAdapter, "get" | "set" | "delete" | "clear" | "has" | "hasMany"> =
    store;
  void adapter;
  // @ts-expect-error there is no such version
  new KeyvMemoxide(client, { keyv: 4 });
}

forKeyv(new Client());

// What the channel `memoxide:log` carries.
function logged(entry: LogEntry): void {
  const level: "debug" | "info" | "warn" | "error" = entry.level;
  const texts: string[] = [level, entry.message, entry.endpoint, entry.reason ?? "", entry.text];
  void texts;
  // @ts-expect-error an entry is not to be changed
  entry.message = "";
  // @ts-expect-error there is no such event
  if (entry.event === "key_read") return;
}
diagnostics.subscribe("memoxide:log", (entry) => logged(entry as LogEntry));
