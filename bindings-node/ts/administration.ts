/**
 * What concerns whole servers and the life of a client, and how any call is
 * begun. The commands on items are in `client.ts`.
 */

import type { AdminOptions, CallOptions, Key, NamespaceOptions } from "./cache.js";
import { type Callback, settle, type WithCallback } from "./callbacks.js";
import { Call } from "./completion.js";
import { type Change, Driver, type Write } from "./driver.js";
import { InvalidArgumentError } from "./errors.js";
import { bytesOf } from "./iterables.js";
import { KeyList } from "./keys.js";
import { type Anchor, release, watch } from "./leaks.js";
import { type ClientOptions, readOptions, type Servers, serverSource } from "./options.js";
import type { GeneralReport, Reports } from "./reports.js";
import * as results from "./results.js";
import { type Scope, Verb } from "./submission.js";

/** Gets a report of each server. */
type StatsCallback = Callback<Record<string, Record<string, string>>>;

/** What another client shares. */
export class View {
  constructor(
    readonly driver: Driver,
    /** The namespaces that it is within, the outermost first. */
    readonly scopes: readonly Scope[],
    readonly anchor: Anchor,
  ) {}
}

/** Returns what another client would share with this one; nothing for what is no client. */
export let viewOf: (client: unknown) => View | undefined;

/** What a client is beside its commands on items. */
export abstract class Administration implements AsyncDisposable, Disposable {
  readonly #driver: Driver;
  readonly #scopes: readonly Scope[];
  readonly #anchor: Anchor;

  static {
    viewOf = (client) =>
      typeof client === "object" && client !== null && #driver in client
        ? (client as Administration).#within((client as Administration).#scopes)
        : undefined;
  }

  /**
   * Prepares a client; nothing is sent yet.
   *
   * @param servers Where to find them. Without, the environment is asked:
   *   `MEMOXIDE_URL`, `MEMCACHIER_SERVERS`, `MEMCACHE_SERVERS` and
   *   `MEMCACHED_SERVERS` in this order; and then `localhost:11211` is taken.
   * @throws ConfigError for a server or an option that does not parse.
   */
  constructor(servers?: Servers, options?: ClientOptions);
  constructor(servers?: Servers | View, options: ClientOptions = {}) {
    if (servers instanceof View) {
      this.#driver = servers.driver;
      this.#scopes = servers.scopes;
      this.#anchor = servers.anchor;
    } else {
      const { values, ...own } = readOptions(options);
      this.#driver = new Driver(serverSource(servers), values, own);
      this.#scopes = [];
      this.#anchor = watch(this.#driver);
    }
  }

  /** The servers, in the order of the configuration. */
  get servers(): readonly string[] {
    return this.#driver.endpoints;
  }

  /**
   * The servers, and the options that differ from their defaults, as JSON with
   * the names of the core. Passwords are not in it.
   */
  get configuration(): string {
    return this.#driver.configuration;
  }

  /**
   * Returns the server that has a key; with `serverKey`, the one that calls with it
   * go to.
   *
   * @throws InvalidKeyError for a key that memcached does not take.
   */
  serverFor(key: Key, { serverKey }: Pick<CallOptions, "serverKey"> = {}): string {
    const home = serverKey === undefined ? undefined : bytesOf(serverKey);
    return this.#driver.serverFor(bytesOf(key), home, this.#scopes);
  }

  /**
   * Returns this client within a namespace: its keys begin with the name and the
   * number of the namespace's generation, which is read here, in one request.
   *
   * The view stays in that generation. {@link invalidate} is seen by views that
   * begin after it, so take one for each piece of work rather than for the life
   * of the program. Namespaces nest. Closing a view closes the client.
   */
  async namespace(name: Key, options?: NamespaceOptions): Promise<this> {
    const finish = results.generation;
    const call = this.call(Verb.Generation, finish, results.whole, options, undefined, (packed) =>
      packed.key(name),
    );
    const scope = { name, generation: (await call) ?? 0 };
    const view = this.#within([...this.#scopes, scope]);
    return new (this.constructor as new (view: View) => this)(view);
  }

  #within(scopes: readonly Scope[]): View {
    return new View(this.#driver, scopes, this.#anchor);
  }

  /** Makes every key of a namespace unreachable, in one request. */
  invalidate(name: Key, options?: NamespaceOptions): Promise<boolean>;
  invalidate(name: Key, ...rest: WithCallback<NamespaceOptions, Callback<boolean>>): void;
  invalidate(name: Key, options?: unknown, callback?: unknown): unknown {
    return this.call(Verb.Invalidate, done, results.whole, options, callback, (packed) =>
      packed.key(name),
    );
  }

  /**
   * Expires every item on all servers: at once, or after `delay` seconds, where a
   * fraction counts as a whole one. memcached is up to two seconds early: it flushes
   * at the beginning of the last second, and counts the one that has begun.
   * Resolves to `true` for each server.
   */
  flush(delay?: number, options?: AdminOptions): Promise<Record<string, true>>;
  flush(callback: Callback<Record<string, true>>): void;
  flush(
    delay: number | undefined,
    ...rest: WithCallback<AdminOptions, Callback<Record<string, true>>>
  ): void;
  flush(delay?: unknown, options?: unknown, callback?: unknown): unknown {
    if (typeof delay === "function") return this.flush(0, delay as Callback<Record<string, true>>);
    return this.call(Verb.Flush, nothing, results.whole, options, callback, (packed, call) => {
      call.finish = results.acknowledged(this.#asked(options));
      packed.amount("delay", delay ?? 0);
      return 0;
    });
  }

  /** Returns the version of each server. */
  version(options?: AdminOptions): Promise<Record<string, string>>;
  version(...rest: WithCallback<AdminOptions, Callback<Record<string, string>>>): void;
  version(options?: unknown, callback?: unknown): unknown {
    const finish = results.lines(this.servers);
    return this.call(Verb.Version, finish, results.whole, options, callback, () => 0);
  }

  /**
   * Returns a report of each server: the general one, or `settings`, `items`,
   * `slabs`, `sizes`, `conns`.
   */
  stats(report?: string, options?: AdminOptions): Promise<Record<string, Record<string, string>>>;
  stats(callback: StatsCallback): void;
  stats(report: string | undefined, ...rest: WithCallback<AdminOptions, StatsCallback>): void;
  stats(report?: unknown, options?: unknown, callback?: unknown): unknown {
    if (typeof report === "function") return this.stats("", report as StatsCallback);
    return this.call(Verb.Stats, nothing, results.whole, options, callback, (packed, call) => {
      call.finish = results.reports(this.servers, this.#asked(options));
      return packed.key(reportName(report ?? ""));
    });
  }

  /**
   * Returns a report of each server with numbers and truth values where
   * memcached means such, by memcached's names: the general one, or `settings`,
   * `items`, `slabs`, `sizes`, `conns`.
   */
  report<N extends keyof Reports = "">(
    report?: N,
    options?: AdminOptions,
  ): Promise<Record<string, Reports[N]>>;
  report(callback: Callback<Record<string, GeneralReport>>): void;
  report<N extends keyof Reports = "">(
    report: N | undefined,
    ...rest: WithCallback<AdminOptions, Callback<Record<string, Reports[N]>>>
  ): void;
  report(report?: unknown, options?: unknown, callback?: unknown): unknown {
    if (typeof report === "function")
      return this.report("", report as Callback<Record<string, GeneralReport>>);
    const name = report ?? "";
    return this.call(Verb.Stats, nothing, results.whole, options, callback, (packed, call) => {
      const raw = results.reports(this.servers, this.#asked(options));
      call.finish = results.typedReports(raw, String(name));
      return packed.key(reportName(name));
    });
  }

  /**
   * Lists the keys that begin with `prefix`, of all servers, without the client's
   * own prefix; those that are no UTF-8 as bytes.
   *
   * `for await (const key of client.keys())` gives one after the other, and the
   * servers list no faster than you read: each uses a connection of its own, which
   * is not read while about a thousand keys wait for you. `await client.keys()`
   * collects them. `timeout` is for each step: the list fails when no server lists
   * a further key for so long.
   *
   * The servers walk through the whole cache for it: use it to look, not to work.
   * The list is no snapshot; keys that are stored meanwhile may be missing. What is
   * there all the time is listed once; memcached before 1.6.9, and before 1.6.19
   * with `for await`, may list a key twice and leave out what was used a moment
   * ago. Needs memcached 1.4.31.
   */
  keys(prefix?: Key, options?: AdminOptions): KeyList;
  keys(callback: Callback<Key[]>): void;
  keys(prefix: Key | undefined, ...rest: WithCallback<AdminOptions, Callback<Key[]>>): void;
  keys(prefix?: unknown, options?: unknown, callback?: unknown): unknown {
    if (typeof prefix === "function") return this.keys("", prefix as Callback<Key[]>);
    if (typeof options === "function") {
      return this.keys(prefix as Key, undefined, options as Callback<Key[]>);
    }
    const driver = this.#driver;
    const list = new KeyList((call, collects) => {
      const write: Write = (packed) => {
        packed.number(Number(collects));
        return packed.key(prefix ?? "");
      };
      const token = driver.begin(Verb.Keys, call, this.#scopes, options, write);
      return {
        pause: (waits) => driver.pause(token, call, waits),
        drop: () => driver.drop(token, call),
      };
    });
    return callback === undefined ? list : settle(list, callback, results.whole);
  }

  /** Changes how much the servers log: 0 to 3. */
  verbosity(level: number, options?: AdminOptions): Promise<Record<string, true>>;
  verbosity(
    level: number,
    ...rest: WithCallback<AdminOptions, Callback<Record<string, true>>>
  ): void;
  verbosity(level: number, options?: unknown, callback?: unknown): unknown {
    return this.call(Verb.Verbosity, nothing, results.whole, options, callback, (packed, call) => {
      call.finish = results.acknowledged(this.#asked(options));
      packed.amount("level", level);
      return 0;
    });
  }

  /** Changes the memory limit of the servers, in mebibytes. */
  cacheMemlimit(megabytes: number, options?: AdminOptions): Promise<Record<string, true>>;
  cacheMemlimit(
    megabytes: number,
    ...rest: WithCallback<AdminOptions, Callback<Record<string, true>>>
  ): void;
  cacheMemlimit(megabytes: number, options?: unknown, callback?: unknown): unknown {
    return this.call(
      Verb.CacheMemlimit,
      nothing,
      results.whole,
      options,
      callback,
      (packed, call) => {
        call.finish = results.acknowledged(this.#asked(options));
        packed.amount("megabytes", megabytes);
        return 0;
      },
    );
  }

  /** Closes the connections; calls under way fail, later ones open new connections. */
  disconnectAll(): void {
    this.#driver.close(false);
  }

  /** Waits for the calls under way and closes the client: further calls fail with `ClosedError`. */
  async quit(): Promise<void> {
    this.#driver.isClosed = true;
    await this.#driver.idle();
    this.close();
  }

  /** Closes the client at once: calls under way and further ones fail with `ClosedError`. */
  close(): void {
    release(this.#anchor);
    this.#driver.isClosed = true;
    this.#driver.close(true);
  }

  /** Closes the client at once at the end of a block that declared it with `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Quits at the end of a block that declared the client with `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.quit();
  }

  /** The servers that a call for servers asks: all, or that of a server key. */
  #asked(options: unknown): readonly string[] {
    const { serverKey } = (options ?? {}) as CallOptions;
    return serverKey === undefined ? this.servers : [this.serverFor("any", { serverKey })];
  }

  /**
   * Begins a call and returns its promise; or calls back, where there is a
   * function in the place of `options` or `callback`.
   */
  protected call<T>(
    verb: Verb,
    finish: results.Finish<T>,
    spread: results.Spread<T>,
    options: unknown,
    callback: unknown,
    write: Write,
  ): Promise<T> | undefined {
    if (typeof options === "function") {
      return this.call(verb, finish, spread, undefined, options, write);
    }
    const promise = new Promise<T>((resolve, reject) => {
      this.#driver.begin(verb, new Call(resolve, reject, finish), this.#scopes, options, write);
    });
    return callback === undefined ? promise : settle(promise, callback, spread);
  }

  /** Lets a call ask the caller's function. */
  protected asking(call: Call, change: Change, expires: number | undefined): void {
    call.ask = (token) => void this.#driver.ask(token, call, change, expires);
  }
}

/** Stands for what a call returns until it is known which servers it asks. */
function nothing(): undefined {}

function done(): boolean {
  return true;
}

function reportName(name: unknown): string {
  if (typeof name === "string") return name;
  throw new InvalidArgumentError("the name of a report is no text");
}
