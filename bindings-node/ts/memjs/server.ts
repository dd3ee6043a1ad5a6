/**
 * A server of a client in place of memjs.
 *
 * The client hands requests to it whole. Programs and tests that put functions
 * of their own in the place of `write` get the bytes of requests instead, and
 * answer with `respond` or `error`.
 */

import { EventEmitter } from "node:events";

import { failureOf, refusedCredentials } from "./failures.js";
import { type Fail, Link, type Succeed } from "./link.js";
import { Status } from "./protocol.js";
import { decoded, type Request } from "./request.js";
import type { ServerOptions } from "./types.js";
import { type Message, merge, parseMessage } from "./utils.js";

/** What a server's options are with their defaults. */
type Settings = ServerOptions & {
  timeout: number;
  conntimeout: number;
  keepAlive: boolean;
  keepAliveDelay: number;
};

/** Gets a reply. A quiet one gets the replies of a report, up to the empty one. */
export interface ResponseHandler {
  (response: Message): void;
  quiet?: boolean;
}

/** A server: where it is, and its connection, which is opened with the first request. */
export class Server extends EventEmitter {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** The object that was given, with defaults in it. */
  readonly options: Settings;
  /** Whether there is a connection. */
  connected = false;
  /** Until when the server is skipped, in milliseconds. */
  wakeupAt: number | undefined;
  readonly #responses = new Map<number, ResponseHandler>();
  readonly #errors = new Map<number, (error: Error) => void>();
  #received = Buffer.alloc(0);
  #link: Link | undefined;

  constructor(
    host?: string,
    port?: number,
    username?: string | null,
    password?: string | null,
    options?: ServerOptions | null,
  ) {
    super();
    this.host = host as string;
    this.port = port as number;
    const defaults = { timeout: 0.5, keepAlive: false, keepAliveDelay: 30 };
    const settings = merge(options ?? {}, defaults);
    this.options = merge(settings, { conntimeout: 2 * (settings.timeout ?? 0) }) as Settings;
    const { MEMCACHIER_USERNAME, MEMCACHE_USERNAME, MEMCACHIER_PASSWORD, MEMCACHE_PASSWORD } =
      process.env;
    this.username =
      username || this.options.username || MEMCACHIER_USERNAME || MEMCACHE_USERNAME || undefined;
    this.password =
      password || this.options.password || MEMCACHIER_PASSWORD || MEMCACHE_PASSWORD || undefined;
  }

  /** Sets who gets the reply to a request. */
  onResponse(seq: number, handler: ResponseHandler): void {
    this.#responses.set(seq, handler);
  }

  /** Sets who gets the error of a request. */
  onError(seq: number, handler: (error: Error) => void): void {
    this.#errors.set(seq, handler);
  }

  /** Hands a reply to whoever waits for it. */
  respond(response: Message): void {
    const { opaque, status, totalBodyLength } = response.header;
    const handler = this.#responses.get(opaque);
    if (handler === undefined) return;
    handler(response);
    // More is to come of a report that is neither complete nor refused.
    if (handler.quiet && totalBodyLength !== 0 && !status) return;
    this.#responses.delete(opaque);
    this.#errors.delete(opaque);
  }

  /** Hands an error to all who wait. */
  error(error: Error): void {
    const handlers = [...this.#errors.values()];
    this.#responses.clear();
    this.#errors.clear();
    for (const handler of handlers) handler(error);
  }

  /** Hands on the replies that are in bytes, which may be divided anywhere. */
  responseHandler(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const message = parseMessage(this.#received);
      if (message === false) return;
      this.#received = this.#received.subarray(24 + message.header.totalBodyLength);
      if (message.header.status === Status.AuthenticationFailed) {
        this.error(refusedCredentials);
      } else {
        this.respond(message);
      }
    }
  }

  /** Carries out the request that is in bytes. */
  write(bytes: Buffer): void {
    const request = decoded(bytes);
    const fail: Fail = (error) => {
      const handler = this.#errors.get(request.seq);
      this.#responses.delete(request.seq);
      this.#errors.delete(request.seq);
      handler?.(error);
    };
    this.exchange(request, (reply) => this.respond(reply), fail);
  }

  /** Carries out a request. */
  exchange(request: Request, succeed: Succeed, fail: Fail): void {
    try {
      this.#link ??= new Link(this);
    } catch (error) {
      process.nextTick(fail, failureOf(error, undefined, false), "never");
      return;
    }
    this.#link.send(request, succeed, fail);
  }

  /** Closes the connection once the requests under way have ended; the next one opens another. */
  close(): void {
    void this.#link?.end();
  }

  override toString(): string {
    return `<Server ${this.host}:${this.port}>`;
  }
}
