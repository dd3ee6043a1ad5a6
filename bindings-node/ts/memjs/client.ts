/**
 * The client in place of memjs: its commands, in the forms with a callback and
 * with a promise.
 */

import { Dispatcher } from "./dispatcher.js";
import { atOnce } from "./plans.js";
import { Opcode, Status, statusTexts } from "./protocol.js";
import { encoded, request } from "./request.js";
import { Server } from "./server.js";
import type {
  ClientOptions,
  CountCallback,
  FlushCallback,
  GetCallback,
  IncrementDecrementOptions,
  InsertOptions,
  ServerOptions,
  StatsCallback,
  SuccessCallback,
} from "./types.js";
import { type Bytes, type Message, makeAmountInitialAndExpiration } from "./utils.js";

/** Any callback; null for none. */
// biome-ignore lint/suspicious/noExplicitAny: results differ by command.
type AnyCallback = ((error: Error | null, ...results: any[]) => void) | null | undefined;

/**
 * A client of one or more memcached servers.
 *
 * A command without a callback returns a promise. With one, arguments of a wrong
 * type are thrown.
 */
export class Client<TIn = string | Buffer, TOut = Buffer | null> extends Dispatcher<TIn, TOut> {
  /**
   * Prepares a client.
   *
   * @param serversStr `[user:pass@]host[:port]`, separated by commas. Without:
   *   `MEMCACHIER_SERVERS`, `MEMCACHE_SERVERS`, or `localhost:11211`.
   * @param options Of the client and its servers; gets the defaults in it.
   */
  static create<TIn = string | Buffer, TOut = Buffer | null>(
    serversStr?: string | null,
    options?: (ClientOptions<TIn, TOut> & ServerOptions) | null,
  ): Client<TIn, TOut> {
    const { MEMCACHIER_SERVERS, MEMCACHE_SERVERS } = process.env;
    const list = serversStr || MEMCACHIER_SERVERS || MEMCACHE_SERVERS || "localhost:11211";
    const servers = list.split(",").map((entry) => {
      const parts = entry.split("@");
      const [host, port] = (parts.at(-1) as string).split(":");
      const [username, password] = (parts.at(-2) ?? "").split(":");
      return new Server(host, Number.parseInt(port || "11211", 10), username, password, options);
    });
    return new Client<TIn, TOut>(servers, options);
  }

  /** Reads a value and its four bytes of flags; both are null on a miss. */
  get(key: Bytes): Promise<{ value: TOut; flags: Buffer | null }>;
  get(key: Bytes, callback: GetCallback<TOut> | null): void;
  get(key: Bytes, callback?: GetCallback<TOut> | null): unknown {
    if (callback === undefined) {
      return promised((settle) =>
        this.get(key, (error, value, flags) => settle(error, { value, flags })),
      );
    }
    this.command(request(Opcode.Get, key, "", "", this.next()), (error, response) => {
      if (error) {
        callback?.(error, null, null);
      } else if (response.header.status === Status.Success) {
        this.#deserialize(response, callback);
      } else if (response.header.status === Status.KeyNotFound) {
        callback?.(null, null, null);
      } else {
        callback?.(this.#refused("GET", response), null, null);
      }
    });
    return undefined;
  }

  /** Stores a value. */
  set(key: Bytes, value: TIn, options?: InsertOptions | null): Promise<boolean>;
  set(key: Bytes, value: TIn, callback: SuccessCallback): void;
  set(
    key: Bytes,
    value: TIn,
    options: InsertOptions | null | undefined,
    callback: SuccessCallback | null,
  ): void;
  set(key: Bytes, value: TIn, options?: unknown, callback?: unknown): unknown {
    return this.#store("SET", Opcode.Set, undefined, key, value, options, callback);
  }

  /** Stores a value if there is none; tells whether it did. */
  add(key: Bytes, value: TIn, options?: InsertOptions | null): Promise<boolean>;
  add(key: Bytes, value: TIn, callback: SuccessCallback): void;
  add(
    key: Bytes,
    value: TIn,
    options: InsertOptions | null | undefined,
    callback: SuccessCallback | null,
  ): void;
  add(key: Bytes, value: TIn, options?: unknown, callback?: unknown): unknown {
    return this.#store("ADD", Opcode.Add, Status.KeyExists, key, value, options, callback);
  }

  /** Stores a value if there is one; tells whether it did. */
  replace(key: Bytes, value: TIn, options?: InsertOptions | null): Promise<boolean>;
  replace(key: Bytes, value: TIn, callback: SuccessCallback): void;
  replace(
    key: Bytes,
    value: TIn,
    options: InsertOptions | null | undefined,
    callback: SuccessCallback | null,
  ): void;
  replace(key: Bytes, value: TIn, options?: unknown, callback?: unknown): unknown {
    const miss = Status.KeyNotFound;
    return this.#store("REPLACE", Opcode.Replace, miss, key, value, options, callback);
  }

  /** Removes an item; tells whether there was one. */
  delete(key: Bytes): Promise<boolean>;
  delete(key: Bytes, callback: SuccessCallback | null): void;
  delete(key: Bytes, callback?: SuccessCallback | null): unknown {
    if (callback === undefined) return promised((settle) => this.delete(key, settle));
    const whole = request(Opcode.Delete, key, "", "", this.next());
    this.command(whole, this.#settled("DELETE", Status.KeyNotFound, callback));
    return undefined;
  }

  /** Counts up; a counter that is not there begins with `initial`, and nothing is added. */
  increment(
    key: Bytes,
    amount: number,
    options?: IncrementDecrementOptions | null,
  ): Promise<{ success: boolean; value?: number | null | undefined }>;
  increment(key: Bytes, amount: number, callback: CountCallback): void;
  increment(
    key: Bytes,
    amount: number,
    options: IncrementDecrementOptions | null | undefined,
    callback: CountCallback | null,
  ): void;
  increment(key: Bytes, amount: number, options?: unknown, callback?: unknown): unknown {
    return this.#count("INCREMENT", Opcode.Increment, key, amount, options, callback);
  }

  /** Counts down, to 0 at most; a counter that is not there begins with `initial`. */
  decrement(
    key: Bytes,
    amount: number,
    options?: IncrementDecrementOptions | null,
  ): Promise<{ success: boolean; value?: number | null | undefined }>;
  decrement(key: Bytes, amount: number, callback: CountCallback): void;
  decrement(
    key: Bytes,
    amount: number,
    options: IncrementDecrementOptions | null | undefined,
    callback: CountCallback | null,
  ): void;
  decrement(key: Bytes, amount: number, options?: unknown, callback?: unknown): unknown {
    return this.#count("DECREMENT", Opcode.Decrement, key, amount, options, callback);
  }

  /** Puts bytes behind a value; an error when there is none. */
  append(key: Bytes, value: TIn): Promise<boolean>;
  append(key: Bytes, value: TIn, callback: SuccessCallback | null): void;
  append(key: Bytes, value: TIn, callback?: SuccessCallback | null): unknown {
    if (callback === undefined) return promised((settle) => this.append(key, value, settle));
    this.#concatenate("APPEND", Opcode.Append, key, value, callback);
    return undefined;
  }

  /** Puts bytes before a value; an error when there is none. */
  prepend(key: Bytes, value: TIn): Promise<boolean>;
  prepend(key: Bytes, value: TIn, callback: SuccessCallback | null): void;
  prepend(key: Bytes, value: TIn, callback?: SuccessCallback | null): unknown {
    if (callback === undefined) return promised((settle) => this.prepend(key, value, settle));
    this.#concatenate("PREPEND", Opcode.Prepend, key, value, callback);
    return undefined;
  }

  /** Sets the seconds to live; tells whether there is such an item. */
  touch(key: Bytes, expires?: number | null): Promise<boolean>;
  touch(key: Bytes, callback: SuccessCallback): void;
  touch(key: Bytes, expires: number | null | undefined, callback: SuccessCallback | null): void;
  touch(key: Bytes, expires?: unknown, callback?: SuccessCallback | null): unknown {
    if (typeof expires === "function") {
      return this.touch(key, undefined, expires as SuccessCallback);
    }
    const seconds = expires as number | null | undefined;
    if (callback === undefined) return promised((settle) => this.touch(key, seconds, settle));
    const extras = Buffer.alloc(4);
    extras.writeUInt32BE(this.#lifetime(seconds));
    const whole = request(Opcode.Touch, key, extras, "", this.next());
    this.command(whole, this.#settled("TOUCH", Status.KeyNotFound, callback));
    return undefined;
  }

  /** Removes all items of all servers; by `"host:port"`, true or an error. */
  flush(): Promise<Record<string, boolean>>;
  flush(callback: FlushCallback | null): void;
  flush(callback?: FlushCallback | null): unknown {
    if (callback === undefined) return promised((settle) => this.flush(settle));
    const results: Record<string, boolean | Error> = {};
    let lastError: Error | null = null;
    let left = this.servers.length;
    const note = (name: string, result: true | Error) => {
      results[name] = result;
      left--;
      if (left === 0) callback?.(lastError, results);
    };
    for (const server of this.servers) {
      const name = `${server.host}:${server.port}`;
      const seq = this.next();
      server.onResponse(seq, () => note(name, true));
      server.onError(seq, (error) => {
        lastError = error;
        note(name, error);
      });
      server.write(encoded(request(Opcode.Flush, "", "", "", seq)));
    }
    return undefined;
  }

  /** Reads the report `key` of each server, `""` for the general one. */
  statsWithKey(key: string, callback?: StatsCallback | null): void {
    for (const server of this.servers) {
      const name = `${server.host}:${server.port}`;
      const stats: Record<string, string> = {};
      const seq = this.next();
      const handle = ({ header, key: line, val }: Message) => {
        if (header.totalBodyLength === 0) {
          callback?.(null, name, stats);
        } else if (header.status === Status.Success) {
          stats[line.toString()] = val.toString();
        } else {
          callback?.(this.#failed(`STATS (${key})`, header.status), name, null);
        }
      };
      server.onResponse(seq, Object.assign(handle, { quiet: true }));
      server.onError(seq, (error) => callback?.(error, name, null));
      server.write(encoded(request(Opcode.Stat, key, "", "", seq)));
    }
  }

  /** Reads the general report of each server. */
  stats(callback?: StatsCallback | null): void {
    this.statsWithKey("", callback);
  }

  /** Sets the counts of each server's report to 0. */
  resetStats(callback?: StatsCallback | null): void {
    this.statsWithKey("reset", callback);
  }

  /** Closes the connections once what is under way has ended; later commands open new ones. */
  quit(): void {
    for (const server of this.servers) {
      const seq = this.next();
      const close = () => server.close();
      server.onResponse(seq, close);
      server.onError(seq, close);
      server.write(encoded(request(Opcode.Quit, "", "", "", seq)));
    }
  }

  /** The same without a word to the servers. */
  close(): void {
    for (const server of this.servers) server.close();
  }

  #deserialize({ header, val, extras }: Message, callback: GetCallback<TOut> | null): void {
    let found: { value: TOut; extras: Buffer };
    try {
      found = this.serializer.deserialize(header.opcode, val, extras);
    } catch (error) {
      callback?.(error as Error, null, null);
      return;
    }
    callback?.(null, found.value, found.extras);
  }

  #store(
    name: string,
    opcode: number,
    refusal: number | undefined,
    key: Bytes,
    value: TIn,
    options: unknown,
    callback: unknown,
  ): unknown {
    if (callback === undefined && typeof options !== "function") {
      return promised((settle) => {
        this.#store(name, opcode, refusal, key, value, options ?? {}, settle);
      });
    }
    const [{ expires }, chosen] = this.#arguments<InsertOptions>(name, options, callback);
    const extras = Buffer.alloc(8);
    extras.writeUInt32BE(this.#lifetime(expires), 4);
    const seq = this.next();
    const serialized = this.serializer.serialize(opcode, value, extras);
    const whole = request(opcode, key, serialized.extras, serialized.value, seq);
    this.command(whole, this.#settled(name, refusal, chosen));
    return undefined;
  }

  #concatenate(
    name: string,
    opcode: number,
    key: Bytes,
    value: TIn,
    callback: SuccessCallback | null,
  ): void {
    const seq = this.next();
    // memjs has this opcode and an empty text here, for prepend as well.
    const none = "" as unknown as Buffer;
    const serialized = this.serializer.serialize(Opcode.Append, value, none);
    const whole = request(opcode, key, serialized.extras, serialized.value, seq);
    this.command(whole, this.#settled(name, Status.KeyNotFound, callback));
  }

  #count(
    name: string,
    opcode: number,
    key: Bytes,
    amount: number,
    options: unknown,
    callback: unknown,
  ): unknown {
    if (callback === undefined && typeof options !== "function") {
      return promised((settle) => {
        const settled: CountCallback = (error, success, value) => settle(error, { success, value });
        this.#count(name, opcode, key, amount, options ?? {}, settled);
      });
    }
    const chosen = this.#arguments<IncrementDecrementOptions>(name, options, callback);
    const [{ initial, expires }, settle] = chosen;
    const lifetime = this.#lifetime(expires);
    const extras = makeAmountInitialAndExpiration(amount, initial || 0, lifetime);
    this.command(request(opcode, key, extras, "", this.next()), (error, response) => {
      if (error) {
        settle?.(error, null, null);
      } else if (response.header.status === Status.Success) {
        settle?.(null, true, Number(response.val.readBigUInt64BE(0)));
      } else {
        settle?.(this.#refused(name, response), null, null);
      }
    });
    return undefined;
  }

  /** Returns options and callback, which may be in the places that they had long ago. */
  #arguments<T extends object>(
    name: string,
    options: unknown,
    callback: unknown,
  ): [T, AnyCallback] {
    if (typeof options !== "function") return [(options ?? {}) as T, callback as AnyCallback];
    this.log(`MemJS ${name}: using deprecated call - arguments have changed`);
    return [{} as T, options as AnyCallback];
  }

  /** Returns seconds to live for the wire; 0 is a choice too. */
  #lifetime(expires: number | null | undefined): number {
    const chosen = (expires || expires === 0 ? expires : this.options.expires) as number;
    return chosen < 0 ? atOnce : chosen;
  }

  /** Hands on whether a request was done; `refusal` is the status that means no. */
  #settled(name: string, refusal: number | undefined, callback: AnyCallback) {
    return (error: Error | null, response: Message): void => {
      if (error) callback?.(error, null);
      else if (response.header.status === Status.Success) callback?.(null, true);
      else if (response.header.status === refusal) callback?.(null, false);
      else callback?.(this.#refused(name, response), null);
    };
  }

  #refused(name: string, { header }: Message): Error {
    return this.#failed(name, header.status);
  }

  #failed(name: string, status: number): Error {
    const message = `MemJS ${name}: ${statusTexts[status]}`;
    this.log(message);
    return new Error(message);
  }
}

/** Returns a promise for what a command hands to its callback. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
function promised(command: (settle: (error: Error | null, result?: any) => void) => void) {
  return new Promise((resolve, reject) => {
    command((error, result) => (error ? reject(error) : resolve(result)));
  });
}
