/**
 * Brings requests to servers: which server, how often, and who comes next when
 * one fails.
 */

import type { Again } from "./failures.js";
import { repeatable } from "./protocol.js";
import { decoded, encoded, type Request } from "./request.js";
import { Server } from "./server.js";
import type { ClientOptions, Logger, Serializer } from "./types.js";
import { type Bytes, hashCode, type Message, merge } from "./utils.js";

/** Gets the reply to a request, or the error. */
export type Completion = (error: Error | null, response: Message) => void;

/** What a client's options are with their defaults. */
type Settings<TIn, TOut> = ClientOptions<TIn, TOut> & {
  failoverTime: number;
  retries: number;
  retry_delay: number;
  expires: number;
  logger: Logger;
};

/** A server as the client needs it; programs may bring others than ours. */
export type AnyServer = Pick<
  Server,
  "host" | "port" | "onResponse" | "onError" | "write" | "close" | "wakeupAt"
>;

/** The part of a client that its commands stand on. */
export abstract class Dispatcher<TIn, TOut> {
  /** The servers, in the order that decides about keys. */
  servers: Server[];
  /** The object that was given, with defaults in it. */
  options: Settings<TIn, TOut>;
  serializer: Serializer<TIn, TOut>;
  /** The number of the last request. */
  seq = 0;

  /**
   * @param servers Where to find items.
   * @param options Of the client; gets the defaults in it.
   */
  constructor(servers: readonly AnyServer[], options?: ClientOptions<TIn, TOut> | null) {
    this.servers = servers as Server[];
    this.options = merge(options ?? {}, {
      failoverTime: 60,
      retries: 2,
      retry_delay: 0.2,
      expires: 0,
      logger: console,
    }) as Settings<TIn, TOut>;
    this.serializer = this.options.serializer || (asItIs as unknown as Serializer<TIn, TOut>);
  }

  /** Returns which of `servers` has a key; to be replaced by programs that place keys otherwise. */
  getServer(key: string): number {
    return hashCode(key) % this.servers.length;
  }

  /** Returns the server to ask for a key now; null when all of them are being skipped. */
  server(key: Bytes): Server | null {
    const total = this.servers.length;
    const first = total > 1 ? this.getServer(textOf(key)) : 0;
    for (let step = 0; step < total; step++) {
      const server = this.servers[(first + step) % total] as Server;
      if (!server.wakeupAt || server.wakeupAt <= Date.now()) return server;
    }
    return null;
  }

  /**
   * Brings a request in bytes to the server of `key`.
   *
   * @param seq The number of the request, as in its bytes.
   * @param retries Attempts, as the option of that name.
   */
  perform(
    key: Bytes,
    bytes: Buffer,
    seq: number,
    callback?: Completion | null,
    retries?: number,
  ): void {
    const request = { ...decoded(bytes), seq };
    this.#attempt(key, request, callback ?? ignore, retries || this.options.retries);
  }

  /** Moves on to the next number of a request, which has 32 bits. */
  incrSeq(): void {
    this.seq = (this.seq + 1) >>> 0;
  }

  /** Moves on to the next number and returns it. */
  protected next(): number {
    this.incrSeq();
    return this.seq;
  }

  /** Brings a request to its server. */
  protected command(request: Request, callback: Completion): void {
    if (this.perform === Dispatcher.prototype.perform) {
      this.#attempt(request.key, request, callback, this.options.retries);
    } else {
      this.perform(request.key, encoded(request), request.seq, callback);
    }
  }

  /** Writes a line to the program's logger. */
  protected log(message: string): void {
    this.options.logger.log(message);
  }

  #attempt(key: Bytes, request: Request, callback: Completion, attempts: number): void {
    const server = this.server(key);
    if (server === null) {
      callback(new Error("No servers available"), none);
      return;
    }
    const { retries, retry_delay, failover, failoverTime } = this.options;
    const fail = (error: Error, again: Again) => {
      // Counting twice is worse than an error.
      const mayRepeat =
        again === "always" || (again === "ifRepeatable" && repeatable.has(request.opcode));
      if (mayRepeat && attempts > 1) {
        const repeat = () => this.#attempt(key, request, callback, attempts - 1);
        setTimeout(repeat, 1000 * retry_delay);
        return;
      }
      const reason = error.message ?? error;
      const place = `${server.host}:${server.port}`;
      this.log(`MemJS: Server <${place}> failed after (${retries}) retries with error - ${reason}`);
      if (failover) server.wakeupAt = Date.now() + failoverTime * 1000;
      if (failover && mayRepeat) this.#attempt(key, request, callback, retries);
      else callback(error, none);
    };
    const succeed = (response: Message) => callback(null, response);
    if (isOurs(server)) {
      server.exchange(request, succeed, fail);
    } else {
      server.onResponse(request.seq, succeed);
      server.onError(request.seq, (error) => fail(error, "ifRepeatable"));
      server.write(encoded(request));
    }
  }
}

/** Whether nobody has put a function between client and server. */
function isOurs(server: Server): boolean {
  return (
    server instanceof Server &&
    server.write === Server.prototype.write &&
    server.respond === Server.prototype.respond
  );
}

function textOf(key: Bytes): string {
  return typeof key === "string" ? key : Buffer.from(key as Uint8Array).toString();
}

function ignore(): void {}

/** In place of a response, where there is an error. */
const none = null as unknown as Message;

const asItIs = {
  serialize: (_opcode: number, value: unknown, extras: unknown) => ({ value, extras }),
  deserialize: (_opcode: number, value: unknown, extras: unknown) => ({ value, extras }),
};
