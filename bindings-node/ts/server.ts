/**
 * The embedded server: a memcached of a test's own, in this process.
 *
 * ```js
 * import { EmbeddedServer } from "memoxide";
 *
 * await using server = await EmbeddedServer.start();
 * console.log(server.endpoint); // 127.0.0.1:45113
 * ```
 *
 * Without `await using`, which takes TypeScript or Node 24, end it with
 * `await server.stop()`. A server that is not stopped does not keep the process
 * alive, and ends with it.
 */

import type { ServerHandle } from "../native.js";
import { ConfigError } from "./errors.js";
import {
  type FaultRule,
  type FaultRules,
  type FaultStatus,
  Faults,
  type LoggedRequest,
  type Toxic,
  toJson,
} from "./faults.js";
import { native } from "./native.js";
import { awaiting, calling } from "./rebuild.js";

/** How a server speaks TLS; everything in PEM. */
export interface EmbeddedServerTls {
  /** The server's certificate, followed by those between it and the authority. */
  cert: string | Uint8Array;
  /** The private key of the certificate. */
  key: string | Uint8Array;
  /** The authorities that clients' certificates are checked against. Default: clients are not asked. */
  clientCa?: string | Uint8Array;
  /** With `clientCa`, whether a client must show a certificate. Default `"required"`. */
  clientCert?: "requested" | "required";
}

/** What a server is told before it starts. */
export interface EmbeddedServerOptions {
  /** The IP address to listen on. Default `127.0.0.1`. */
  address?: string;
  /** The TCP port to listen on. Default 0: the system chooses a free one. */
  port?: number;
  /** The path of a unix socket to listen on, and then not on TCP. Default none. */
  unixSocket?: string;
  /** Bytes that all items may take. Default 64 MiB. */
  memoryLimit?: number;
  /** Bytes that one item may take, key and header included. Default 1 MiB. */
  itemSizeLimit?: number;
  /** Threads that serve. Default 1. */
  threads?: number;
  /** Connections beyond which new ones are refused. Default 1024. */
  maxConnections?: number;
  /** Seconds of silence between requests after which a connection is closed. Default never. */
  idleTimeout?: number;
  /** Seconds that one request may take to arrive, or a reply to be taken; null for no limit. Default 120. */
  requestTimeout?: number | null;
  /** Passwords by user name, asked for in the text protocol (memcached's `-Y`). Default none. */
  auth?: Record<string, string>;
  /** Passwords by user name for SASL; the server then speaks binary only (`-S`). Default none. */
  sasl?: Record<string, string>;
  /** Speaks TLS on TCP. Default plain. */
  tls?: EmbeddedServerTls;
  /**
   * Stops the server's clock at this Unix time in seconds, so that items expire
   * by {@link EmbeddedServer.advance} alone. Default: the machine's clock.
   */
  time?: number;
  /** Addresses such as `[::1]:0` to listen on in place of `address` and `port`; beside a unix socket too. */
  listen?: string[];
  /** The same, without TLS even if there is a certificate. */
  listenPlain?: string[];
  /** What connections may speak: `ascii` for text and meta, `binary`, or `auto`, the default, for all. */
  protocol?: "ascii" | "auto" | "binary";
  /** Whether a full store makes room, or refuses writes. Default true. */
  evictions?: boolean;
  /** Whether items have a cas id. Default true. */
  cas?: boolean;
  /** Whether clients may send `flush_all`. Default true. */
  flushEnabled?: boolean;
  /** Whether clients may send `shutdown`. Default false. */
  shutdownEnabled?: boolean;
  /** Whether clients may list keys. Default true. */
  dumpEnabled?: boolean;
  /** Whether clients may send `watch`. Default true. */
  watchEnabled?: boolean;
  /** The version that clients are told. Default that of the memcached that is followed. */
  version?: string;
  /** Bytes that unfinished requests and unread replies of all connections may take. Default 64 MiB. */
  bufferLimit?: number;
  /** Connections that may wait to be accepted. Default 1024. */
  backlog?: number;
  /** Whether connections beyond `maxConnections` wait for their turn. Default false. */
  queueConnections?: boolean;
  /** How many requests to log from the start; see {@link EmbeddedServer.logRequests}. Default none. */
  requestLog?: number;
  /** Fault rules to start with; see {@link EmbeddedServer.addFaults}. Default none. */
  faults?: FaultRules;
  /** Whether any client may send the text command `fault`, which changes the rules. Default false. */
  faultControl?: boolean;
}

/** The servers that listen: one that nobody holds any more goes on, as those of `node:net` do. */
const running = new Set<ServerHandle>();

/**
 * A memcached in this process, on a port of its own, until it is stopped.
 *
 * It starts in a few milliseconds, on a thread of its own, and a test may have
 * as many as it wants. It serves until it is stopped, also when nobody holds the
 * object any more, and does not keep the process alive. It listens on 127.0.0.1 unless told otherwise and is made
 * for tests, demos and local work.
 *
 * Its methods reject with `ClosedError` once it has stopped.
 */
export class EmbeddedServer implements AsyncDisposable {
  readonly #native: ServerHandle;
  readonly #endpoints: readonly string[];

  private constructor(server: ServerHandle) {
    this.#native = server;
    // What a client's `shutdown` has stopped is held no longer.
    for (const other of running) if (!other.isRunning) running.delete(other);
    running.add(server);
    this.#endpoints = Object.freeze(server.endpoints);
  }

  /**
   * Starts a server.
   *
   * @throws ConnectError if the address or port cannot be listened on.
   * @throws ConfigError for an address, a certificate or a fault rule that cannot be used.
   * @throws InvalidArgumentError for an option of the wrong type or out of range.
   */
  static async start(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
    const { faults, ...others } = options;
    const given = faults === undefined ? others : { ...others, faults: toJson(faults) };
    return new EmbeddedServer(await awaiting(() => native.ServerHandle.start(given)));
  }

  /** The address listened on: `127.0.0.1:PORT`, `[::1]:PORT`, or the path of the unix socket. */
  get endpoint(): string {
    return this.#endpoints[0] ?? "";
  }

  /** Every address listened on, in the order of the options. */
  get endpoints(): readonly string[] {
    return this.#endpoints;
  }

  /** The TCP port listened on, 0 with a unix socket. */
  get port(): number {
    return this.#native.port;
  }

  /** Whether the server serves: `false` once {@link stop} was called or a client sent `shutdown`. */
  get isRunning(): boolean {
    return this.#native.isRunning;
  }

  /** How many connections the server has taken since its start. */
  get connections(): number {
    return this.#native.connections;
  }

  /** How many connections are open. */
  get openConnections(): number {
    return this.#native.openConnections;
  }

  /** How many requests the server has received since its start. */
  get requests(): number {
    return this.#native.requests;
  }

  /** The server's time in Unix seconds. */
  get time(): number {
    return this.#native.time;
  }

  /**
   * Moves the server's time forward, by whole seconds.
   *
   * @throws InvalidArgumentError for a negative number or a fraction.
   */
  advance(seconds: number): void {
    calling(() => this.#native.advance(seconds));
  }

  /** Stops the server's time; {@link advance} still moves it. */
  pauseTime(): void {
    this.#native.pauseTime();
  }

  /** Lets a time that was stopped go on, at the machine's. */
  resumeTime(): void {
    this.#native.resumeTime();
  }

  // Faults and the log

  /**
   * Adds fault rules until the end of a block that declares them with
   * `await using`, or until `remove` is called on what is returned, and counts
   * their hits.
   *
   * @throws ConfigError for rules that cannot be read or contradict themselves.
   */
  async fault(rules: FaultRules): Promise<Faults> {
    return new Faults(this, await this.addFaults(rules));
  }

  /**
   * Adds a fault rule and returns its number.
   *
   * @throws ConfigError for a rule that cannot be read or contradicts itself.
   */
  async addFault(rule: FaultRule | Toxic): Promise<number> {
    if (typeof rule !== "object" || rule === null || Array.isArray(rule)) {
      throw new ConfigError("a fault rule is an object; presets and lists are for addFaults");
    }
    const [id] = await this.addFaults(rule);
    return id as number;
  }

  /**
   * Adds fault rules and returns their numbers. They apply to what is received
   * from now on, on open connections too.
   *
   * @throws ConfigError for rules that cannot be read or contradict themselves;
   *   none is added.
   */
  async addFaults(rules: FaultRules): Promise<number[]> {
    const json = toJson(rules);
    return awaiting(() => this.#native.addFaults(json));
  }

  /**
   * Removes the fault rule with this number; tells whether there was one.
   * Connections that it kept hanging are closed.
   */
  removeFault(id: number): Promise<boolean> {
    return awaiting(async () => this.#native.removeFault(id));
  }

  /** Removes all fault rules. */
  clearFaults(): Promise<void> {
    return awaiting(() => this.#native.clearFaults());
  }

  /** Returns the fault rules, in the order in which they were added. */
  faults(): FaultStatus[] {
    return this.#native.faults().map(({ rule, ...rest }) => ({ ...rest, rule: JSON.parse(rule) }));
  }

  /** Returns how often the fault rule with this number has struck; null if it is no more. */
  faultHits(id: number): number | null {
    return calling(() => this.#native.faultHits(id)) ?? null;
  }

  /** Keeps the last `capacity` requests from now on; 0 stops and forgets. Default 1000. */
  logRequests(capacity = 1000): void {
    calling(() => this.#native.logRequests(capacity));
  }

  /** Returns the logged requests, oldest first; none unless the log is on. */
  loggedRequests(): LoggedRequest[] {
    return this.#native.loggedRequests();
  }

  /** Forgets the logged requests and goes on logging. */
  clearLog(): void {
    this.#native.clearLog();
  }

  // The store

  /** Returns how many items there are, with expired ones that nobody asked for since. */
  items(): number {
    return calling(() => this.#native.items());
  }

  /** Returns the bytes that count against `memoryLimit`, used or not. */
  footprint(): number {
    return calling(() => this.#native.footprint());
  }

  /**
   * Returns a report as `stats` sends it: the general one, or `settings`,
   * `items`, `slabs`, `sizes` or `conns`; empty for another name.
   */
  statistics(report = ""): Record<string, string> {
    return Object.fromEntries(calling(() => this.#native.statistics(report)));
  }

  /** Evicts up to `count` items, those unused for longest first; returns how many there were. */
  evict(count: number): number {
    return calling(() => this.#native.evict(count));
  }

  /** Lets all items expire, at once or in `delay` seconds. */
  flushAll(delay = 0): void {
    calling(() => this.#native.flushAll(delay));
  }

  /** Removes all items, as a restart does; statistics stay. */
  clear(): void {
    calling(() => this.#native.clear());
  }

  /** Replaces the users of the text protocol, passwords by name; connections that are in stay in. */
  replaceUsers(users: Record<string, string>): void {
    calling(() => this.#native.replaceUsers(users));
  }

  // The life of the server

  /** Stops answering without closing anything, as a stopped process does. */
  freeze(): Promise<void> {
    return awaiting(() => this.#native.freeze());
  }

  /** Answers again after {@link freeze}, also what has arrived meanwhile. */
  thaw(): Promise<void> {
    return awaiting(() => this.#native.thaw());
  }

  /** Closes every connection that is open now; new ones are welcome. */
  disconnectAll(): Promise<void> {
    return awaiting(() => this.#native.disconnectAll());
  }

  /** Refuses new connections; open ones stay, and the port remains the server's. */
  refuseConnections(): Promise<void> {
    return awaiting(() => this.#native.refuseConnections());
  }

  /**
   * Takes connections again after {@link refuseConnections}.
   *
   * @throws TimeoutError if another process has the port by now.
   */
  acceptConnections(): Promise<void> {
    return awaiting(() => this.#native.acceptConnections());
  }

  /**
   * Does to clients what a restart of memcached does: closes all connections,
   * forgets all items, and listens on the same port after `down` seconds.
   * Resolves once it does.
   *
   * @throws TimeoutError if another process has the port by now.
   */
  restart(down = 0): Promise<void> {
    return awaiting(() => this.#native.restart(down));
  }

  /**
   * Closes the port and all connections; resolves when the server's thread has
   * ended. More calls do nothing.
   *
   * @param options.graceful Lets clients take the replies that are already
   *   written first, for at most 5 seconds. Default false.
   */
  stop(options: { graceful?: boolean } = {}): Promise<void> {
    running.delete(this.#native);
    return awaiting(() => this.#native.stop(options.graceful ?? false));
  }

  /** Stops the server at the end of a block that declared it with `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
