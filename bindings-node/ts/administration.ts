/**
 * What concerns whole servers and the life of a client, and how any call is
 * begun. The commands on items are in `client.ts`.
 */

import type { AdminOptions, Key } from "./cache.js";
import { type Callback, settle, type WithCallback } from "./callbacks.js";
import { Call } from "./completion.js";
import { Driver, type Write } from "./driver.js";
import { ClosedError, InvalidArgumentError } from "./errors.js";
import { type ClientOptions, optionValues, type Servers, serverEntries } from "./options.js";
import * as results from "./results.js";
import { Verb } from "./submission.js";

/** Gets a report of each server. */
type StatsCallback = Callback<Record<string, Record<string, string>>>;

/** What a client is beside its commands on items. */
export abstract class Administration implements AsyncDisposable {
  readonly #driver: Driver;
  #isClosed = false;

  /**
   * Prepares a client; nothing is sent yet.
   *
   * @param servers Where to find them; without, the environment variables
   *   `MEMCACHIER_SERVERS`, `MEMCACHE_SERVERS`, `MEMCACHED_SERVERS` are asked in
   *   this order, and then `localhost:11211` is taken.
   * @throws ConfigError for a server or an option that does not parse.
   */
  constructor(servers?: Servers, options: ClientOptions = {}) {
    this.#driver = new Driver(serverEntries(servers), optionValues(options));
  }

  /** The servers, in the order of the configuration. */
  get servers(): readonly string[] {
    return this.#driver.endpoints;
  }

  /**
   * Returns the server that has a key.
   *
   * @throws InvalidKeyError for a key that memcached does not take.
   */
  serverFor(key: Key): string {
    return this.#driver.serverFor(typeof key === "string" ? Buffer.from(key) : key);
  }

  /**
   * Expires every item on all servers: at once, or after `delay` seconds.
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
    const finish = results.acknowledged(this.servers);
    return this.call(Verb.Flush, finish, results.whole, options, callback, (packed) => {
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
    const finish = results.reports(this.servers);
    return this.call(Verb.Stats, finish, results.whole, options, callback, (packed) => {
      if (typeof (report ?? "") !== "string") {
        throw new InvalidArgumentError("the name of a report is no text");
      }
      return packed.key(report ?? "");
    });
  }

  /** Changes how much the servers log: 0 to 3. */
  verbosity(level: number, options?: AdminOptions): Promise<Record<string, true>>;
  verbosity(
    level: number,
    ...rest: WithCallback<AdminOptions, Callback<Record<string, true>>>
  ): void;
  verbosity(level: number, options?: unknown, callback?: unknown): unknown {
    const finish = results.acknowledged(this.servers);
    return this.call(Verb.Verbosity, finish, results.whole, options, callback, (packed) => {
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
    const finish = results.acknowledged(this.servers);
    return this.call(Verb.CacheMemlimit, finish, results.whole, options, callback, (packed) => {
      packed.amount("megabytes", megabytes);
      return 0;
    });
  }

  /** Closes the connections; calls under way fail, later ones open new connections. */
  disconnectAll(): void {
    this.#driver.close(false);
  }

  /** Waits for the calls under way and closes the client: further calls fail with `ClosedError`. */
  async quit(): Promise<void> {
    this.#isClosed = true;
    await this.#driver.idle();
    this.close();
  }

  /** Closes the client at once: calls under way and further ones fail with `ClosedError`. */
  close(): void {
    this.#isClosed = true;
    this.#driver.close(true);
  }

  /** Quits at the end of a block that declared the client with `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.quit();
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
    if (typeof options === "function")
      return this.call(verb, finish, spread, undefined, options, write);
    const promise = new Promise<T>((resolve, reject) => {
      if (this.#isClosed) throw new ClosedError("client is closed", { sent: "not_sent" });
      this.#driver.begin(verb, new Call(resolve, reject, finish), options, write);
    });
    return callback === undefined ? promise : settle(promise, callback, spread);
  }
}
