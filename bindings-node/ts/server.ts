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
 * Without `await using`, end it with `await server.stop()`. A server that is not
 * stopped does not keep the process alive, and ends with it.
 */

import type { EmbeddedServer as Native } from "../native.js";
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
  /** Seconds that one request may take to arrive, or a reply to be taken. Default 120. */
  requestTimeout?: number;
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
}

/**
 * A memcached in this process, on a port of its own, until it is stopped.
 *
 * It starts in a few milliseconds, on a thread of its own, and a test may have
 * as many as it wants. It listens on 127.0.0.1 unless told otherwise and is made
 * for tests, demos and local work.
 *
 * Its methods reject with `ClosedError` once it has stopped.
 */
export class EmbeddedServer implements AsyncDisposable {
  readonly #native: Native;
  readonly #endpoints: readonly string[];

  private constructor(server: Native) {
    this.#native = server;
    this.#endpoints = Object.freeze(server.endpoints);
  }

  /**
   * Starts a server.
   *
   * @throws ConnectError if the address or port cannot be listened on.
   * @throws ConfigError for an address or a certificate that cannot be used.
   * @throws InvalidArgumentError for an option of the wrong type or out of range.
   */
  static async start(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
    return new EmbeddedServer(await awaiting(() => native.EmbeddedServer.start(options)));
  }

  /** The address listened on: `127.0.0.1:PORT`, `[::1]:PORT`, or the path of the unix socket. */
  get endpoint(): string {
    return this.#endpoints[0] ?? "";
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
    return awaiting(() => this.#native.stop(options.graceful ?? false));
  }

  /** Stops the server at the end of a block that declared it with `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
