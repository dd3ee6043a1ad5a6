/**
 * The client: what an application calls.
 *
 * ```js
 * import { Client } from "memoxide";
 *
 * const cache = Client.create("10.0.0.1:11211,10.0.0.2:11211", { timeout: 0.5 });
 * await cache.set("user:1", { name: "Ada" }, { expires: 600 });
 * const { value } = await cache.get("user:1");
 * await cache.quit();
 * ```
 *
 * A method packs its call and returns a promise; the driver hands over what was
 * packed, and the core knows the rest.
 */

import { randomUUID } from "node:crypto";

import { Administration } from "./administration.js";
import type {
  Cache,
  CallOptions,
  CasLookup,
  CasOptions,
  CasOutcome,
  Count,
  CountOptions,
  DeleteOptions,
  Hit,
  Item,
  Items,
  Key,
  LockOptions,
  Lookup,
  RawItem,
  RawOptions,
  Storable,
  StoreOptions,
  UpdateOptions,
} from "./cache.js";
import type {
  Callback,
  CasLookupCallback,
  CountCallback,
  LookupCallback,
  WithCallback,
} from "./callbacks.js";
import type { Change } from "./driver.js";
import { InvalidArgumentError } from "./errors.js";
import { keysOf, pairsOf } from "./iterables.js";
import { Lock } from "./lock.js";
import type { LogEntry } from "./log.js";
import type { ClientOptions, Servers } from "./options.js";
import * as results from "./results.js";
import { type Submission, Verb, Want } from "./submission.js";

/**
 * A client of one or more memcached servers.
 *
 * Connections are opened on first use, one for each server, and calls made in
 * the same turn of the event loop go out together. A call ends within its
 * `timeout`, whatever the servers do. An idle client does not keep the process
 * alive. What happens to servers is told on the channel `memoxide:log` of
 * `node:diagnostics_channel`, as {@link LogEntry}.
 *
 * Each method has a callback form too, with the function behind the last
 * argument; `get`, `gets`, `gat`, `gats`, `increment` and `decrement` hand their
 * results to it one by one, as memjs does.
 */
export class Client extends Administration implements Cache {
  /** Prepares a client, by the name that memjs has for it. */
  static create(servers?: Servers, options?: ClientOptions): Client {
    return new Client(servers, options);
  }

  // Reading

  get<V = unknown>(key: Key, options?: CallOptions): Promise<Lookup<V>>;
  get<V = unknown>(key: Key, ...rest: WithCallback<CallOptions, LookupCallback<V>>): void;
  get(key: Key, options?: unknown, callback?: unknown): unknown {
    return this.call(
      Verb.Retrieve,
      results.lookup,
      results.ofLookup,
      options,
      callback,
      (packed) => {
        packed.number(Want.Value);
        return packed.key(key);
      },
    );
  }

  gets<V = unknown>(key: Key, options?: CallOptions): Promise<CasLookup<V>>;
  gets<V = unknown>(key: Key, ...rest: WithCallback<CallOptions, CasLookupCallback<V>>): void;
  gets(key: Key, options?: unknown, callback?: unknown): unknown {
    return this.call(
      Verb.Retrieve,
      results.casLookup,
      results.ofLookup,
      options,
      callback,
      (packed) => {
        packed.number(Want.ValueAndCas);
        return packed.key(key);
      },
    );
  }

  gat<V = unknown>(key: Key, expires: number, options?: CallOptions): Promise<Lookup<V>>;
  gat<V = unknown>(
    key: Key,
    expires: number,
    ...rest: WithCallback<CallOptions, LookupCallback<V>>
  ): void;
  gat(key: Key, expires: number, options?: unknown, callback?: unknown): unknown {
    return this.call(
      Verb.Retrieve,
      results.lookup,
      results.ofLookup,
      options,
      callback,
      (packed) => {
        packed.expiry(expires);
        packed.number(Want.Value);
        return packed.key(key);
      },
    );
  }

  gats<V = unknown>(key: Key, expires: number, options?: CallOptions): Promise<CasLookup<V>>;
  gats<V = unknown>(
    key: Key,
    expires: number,
    ...rest: WithCallback<CallOptions, CasLookupCallback<V>>
  ): void;
  gats(key: Key, expires: number, options?: unknown, callback?: unknown): unknown {
    return this.call(
      Verb.Retrieve,
      results.casLookup,
      results.ofLookup,
      options,
      callback,
      (packed) => {
        packed.expiry(expires);
        packed.number(Want.ValueAndCas);
        return packed.key(key);
      },
    );
  }

  getItem<V = unknown>(key: Key, options?: CallOptions): Promise<Item<V> | null>;
  getItem<V = unknown>(
    key: Key,
    ...rest: WithCallback<CallOptions, Callback<Item<V> | null>>
  ): void;
  getItem(key: Key, options?: unknown, callback?: unknown): unknown {
    return this.call(Verb.Retrieve, results.item, results.whole, options, callback, (packed) => {
      packed.number(Want.All);
      return packed.key(key);
    });
  }

  exists(key: Key, options?: CallOptions): Promise<boolean>;
  exists(key: Key, ...rest: WithCallback<CallOptions, Callback<boolean>>): void;
  exists(key: Key, options?: unknown, callback?: unknown): unknown {
    return this.call(Verb.Retrieve, results.flag, results.whole, options, callback, (packed) => {
      packed.number(Want.Existence);
      return packed.key(key);
    });
  }

  /** Reads flags and bytes as they are stored, whatever the dialect; `null` on a miss. */
  getRaw(key: Key, options?: CallOptions): Promise<RawItem | null>;
  getRaw(key: Key, ...rest: WithCallback<CallOptions, Callback<RawItem | null>>): void;
  getRaw(key: Key, options?: unknown, callback?: unknown): unknown {
    return this.call(Verb.Retrieve, results.rawItem, results.whole, options, callback, (packed) => {
      packed.raw();
      packed.number(Want.Value);
      return packed.key(key);
    });
  }

  getMulti<V = unknown, K extends Key = Key>(
    keys: Iterable<K>,
    options?: CallOptions,
  ): Promise<Map<K, V>>;
  getMulti<V = unknown, K extends Key = Key>(
    keys: Iterable<K>,
    ...rest: WithCallback<CallOptions, Callback<Map<K, V>>>
  ): void;
  getMulti(keys: Iterable<Key>, options?: unknown, callback?: unknown): unknown {
    return this.#multi(Verb.RetrieveMany, results.values, keys, options, callback, (packed) =>
      packed.number(Want.Value),
    );
  }

  /** Reads several values with their cas ids. Misses are absent from the map. */
  getsMulti<V = unknown, K extends Key = Key>(
    keys: Iterable<K>,
    options?: CallOptions,
  ): Promise<Map<K, Hit<V> & { cas: bigint }>>;
  getsMulti<V = unknown, K extends Key = Key>(
    keys: Iterable<K>,
    ...rest: WithCallback<CallOptions, Callback<Map<K, Hit<V> & { cas: bigint }>>>
  ): void;
  getsMulti(keys: Iterable<Key>, options?: unknown, callback?: unknown): unknown {
    return this.#multi(Verb.RetrieveMany, results.casHits, keys, options, callback, (packed) =>
      packed.number(Want.ValueAndCas),
    );
  }

  /** Reads several items with everything that the servers tell. Needs memcached 1.6. */
  getItemMulti<V = unknown, K extends Key = Key>(
    keys: Iterable<K>,
    options?: CallOptions,
  ): Promise<Map<K, Item<V>>>;
  getItemMulti<V = unknown, K extends Key = Key>(
    keys: Iterable<K>,
    ...rest: WithCallback<CallOptions, Callback<Map<K, Item<V>>>>
  ): void;
  getItemMulti(keys: Iterable<Key>, options?: unknown, callback?: unknown): unknown {
    return this.#multi(Verb.RetrieveMany, results.items, keys, options, callback, (packed) =>
      packed.number(Want.All),
    );
  }

  // Storing

  set(key: Key, value: Storable, options?: StoreOptions): Promise<boolean>;
  set(key: Key, value: Storable, ...rest: WithCallback<StoreOptions, Callback<boolean>>): void;
  set(key: Key, value: Storable, options?: unknown, callback?: unknown): unknown {
    return this.#store(Verb.Set, key, value, options, callback);
  }

  add(key: Key, value: Storable, options?: StoreOptions): Promise<boolean>;
  add(key: Key, value: Storable, ...rest: WithCallback<StoreOptions, Callback<boolean>>): void;
  add(key: Key, value: Storable, options?: unknown, callback?: unknown): unknown {
    return this.#store(Verb.Add, key, value, options, callback);
  }

  replace(key: Key, value: Storable, options?: StoreOptions): Promise<boolean>;
  replace(key: Key, value: Storable, ...rest: WithCallback<StoreOptions, Callback<boolean>>): void;
  replace(key: Key, value: Storable, options?: unknown, callback?: unknown): unknown {
    return this.#store(Verb.Replace, key, value, options, callback);
  }

  append(key: Key, value: string | Uint8Array, options?: CallOptions): Promise<boolean>;
  append(
    key: Key,
    value: string | Uint8Array,
    ...rest: WithCallback<CallOptions, Callback<boolean>>
  ): void;
  append(key: Key, value: string | Uint8Array, options?: unknown, callback?: unknown): unknown {
    return this.#store(Verb.Append, key, value, options, callback);
  }

  prepend(key: Key, value: string | Uint8Array, options?: CallOptions): Promise<boolean>;
  prepend(
    key: Key,
    value: string | Uint8Array,
    ...rest: WithCallback<CallOptions, Callback<boolean>>
  ): void;
  prepend(key: Key, value: string | Uint8Array, options?: unknown, callback?: unknown): unknown {
    return this.#store(Verb.Prepend, key, value, options, callback);
  }

  cas(key: Key, value: Storable, options: CasOptions): Promise<CasOutcome>;
  cas(key: Key, value: Storable, options: CasOptions, callback: Callback<CasOutcome>): void;
  cas(key: Key, value: Storable, options: CasOptions, callback?: unknown): unknown {
    return this.call(Verb.Set, results.casOutcome, results.whole, options, callback, (packed) => {
      if (!packed.hasCas) throw new InvalidArgumentError("cas needs the cas id that gets returned");
      return packed.item(key, value);
    });
  }

  setMulti<V extends Storable>(items: Items<V>, options?: StoreOptions): Promise<Key[]>;
  setMulti<V extends Storable>(
    items: Items<V>,
    ...rest: WithCallback<StoreOptions, Callback<Key[]>>
  ): void;
  setMulti(items: Items<Storable>, options?: unknown, callback?: unknown): unknown {
    return this.#storeMulti(Verb.SetMany, items, options, callback);
  }

  addMulti<V extends Storable>(items: Items<V>, options?: StoreOptions): Promise<Key[]>;
  addMulti<V extends Storable>(
    items: Items<V>,
    ...rest: WithCallback<StoreOptions, Callback<Key[]>>
  ): void;
  addMulti(items: Items<Storable>, options?: unknown, callback?: unknown): unknown {
    return this.#storeMulti(Verb.AddMany, items, options, callback);
  }

  /** Stores flags and bytes as they are, whatever the dialect. */
  setRaw(key: Key, bytes: Uint8Array, options?: RawOptions): Promise<boolean>;
  setRaw(key: Key, bytes: Uint8Array, ...rest: WithCallback<RawOptions, Callback<boolean>>): void;
  setRaw(key: Key, bytes: Uint8Array, options?: unknown, callback?: unknown): unknown {
    const { flags = 0 } = (options ?? {}) as RawOptions;
    return this.call(Verb.SetRaw, results.flag, results.whole, options, callback, (packed) =>
      packed.rawItem(key, bytes, flags),
    );
  }

  update<V = unknown>(
    key: Key,
    change: (value: V | undefined) => Storable | undefined | Promise<Storable | undefined>,
    options?: UpdateOptions,
  ): Promise<Storable | undefined>;
  update<V = unknown>(
    key: Key,
    change: (value: V | undefined) => Storable | undefined | Promise<Storable | undefined>,
    ...rest: WithCallback<UpdateOptions, Callback<Storable | undefined>>
  ): void;
  update(key: Key, change: unknown, options?: unknown, callback?: unknown): unknown {
    return this.call(
      Verb.Update,
      results.given,
      results.whole,
      options,
      callback,
      (packed, call) => {
        if (typeof change !== "function") throw new InvalidArgumentError("change is no function");
        const { limit, expires, ttl } = (options ?? {}) as UpdateOptions;
        this.asking(call, change as Change, expires ?? ttl);
        packed.amount("limit", limit === undefined ? Number.NaN : limit);
        return packed.key(key);
      },
    );
  }

  /**
   * Takes the lock `key` for `expires` seconds; `null` when another holds it, or
   * held it all the time that `wait` says.
   */
  async lock(key: Key, expires: number, options?: LockOptions): Promise<Lock | null> {
    const token = randomUUID();
    const { serverKey } = options ?? {};
    const named = (packed: Submission) => {
      const length = packed.key(key);
      packed.textWithLength(token);
      return length;
    };
    const change = async (expires: number | undefined, own: CallOptions): Promise<boolean> => {
      const all = { serverKey, ...own };
      const write = (packed: Submission) => {
        if (expires !== undefined) packed.expiry(expires);
        return named(packed);
      };
      const call = this.call(Verb.Release, results.flag, results.whole, all, undefined, write);
      return (await call) === true;
    };
    const write = (packed: Submission) => {
      packed.amount("expires", expires);
      packed.amount("wait", options?.wait ?? 0);
      return named(packed);
    };
    const call = this.call(Verb.Acquire, results.flag, results.whole, options, undefined, write);
    return (await call) ? new Lock(key, token, change) : null;
  }

  // Removing, expiry, counting

  take<V = unknown>(key: Key, options?: CallOptions): Promise<Lookup<V>>;
  take<V = unknown>(key: Key, ...rest: WithCallback<CallOptions, LookupCallback<V>>): void;
  take(key: Key, options?: unknown, callback?: unknown): unknown {
    return this.call(Verb.Take, results.taken, results.ofLookup, options, callback, (packed) =>
      packed.key(key),
    );
  }

  delete(key: Key, options?: DeleteOptions): Promise<boolean>;
  delete(key: Key, ...rest: WithCallback<DeleteOptions, Callback<boolean>>): void;
  delete(key: Key, options?: unknown, callback?: unknown): unknown {
    return this.call(Verb.Delete, results.flag, results.whole, options, callback, (packed) =>
      packed.key(key),
    );
  }

  deleteMulti<K extends Key>(keys: Iterable<K>, options?: CallOptions): Promise<K[]>;
  deleteMulti<K extends Key>(
    keys: Iterable<K>,
    ...rest: WithCallback<CallOptions, Callback<K[]>>
  ): void;
  deleteMulti(keys: Iterable<Key>, options?: unknown, callback?: unknown): unknown {
    return this.#multi(Verb.DeleteMany, results.refused, keys, options, callback);
  }

  touch(key: Key, expires: number, options?: CallOptions): Promise<boolean>;
  touch(key: Key, expires: number, ...rest: WithCallback<CallOptions, Callback<boolean>>): void;
  touch(key: Key, expires: number, options?: unknown, callback?: unknown): unknown {
    return this.call(Verb.Touch, results.flag, results.whole, options, callback, (packed) => {
      packed.expiry(expires);
      return packed.key(key);
    });
  }

  touchMulti<K extends Key>(
    keys: Iterable<K>,
    expires: number,
    options?: CallOptions,
  ): Promise<K[]>;
  touchMulti<K extends Key>(
    keys: Iterable<K>,
    expires: number,
    ...rest: WithCallback<CallOptions, Callback<K[]>>
  ): void;
  touchMulti(keys: Iterable<Key>, expires: number, options?: unknown, callback?: unknown): unknown {
    return this.#multi(Verb.TouchMany, results.refused, keys, options, callback, (packed) =>
      packed.expiry(expires),
    );
  }

  increment(key: Key, amount?: number | bigint, options?: CountOptions): Promise<Count>;
  increment(key: Key, callback: CountCallback): void;
  increment(
    key: Key,
    amount: number | bigint | undefined,
    ...rest: WithCallback<CountOptions, CountCallback>
  ): void;
  increment(key: Key, amount?: unknown, options?: unknown, callback?: unknown): unknown {
    return this.#count(Verb.Increment, key, amount, options, callback);
  }

  decrement(key: Key, amount?: number | bigint, options?: CountOptions): Promise<Count>;
  decrement(key: Key, callback: CountCallback): void;
  decrement(
    key: Key,
    amount: number | bigint | undefined,
    ...rest: WithCallback<CountOptions, CountCallback>
  ): void;
  decrement(key: Key, amount?: unknown, options?: unknown, callback?: unknown): unknown {
    return this.#count(Verb.Decrement, key, amount, options, callback);
  }

  #store(verb: Verb, key: Key, value: unknown, options: unknown, callback: unknown): unknown {
    return this.call(verb, results.flag, results.whole, options, callback, (packed) =>
      packed.item(key, value),
    );
  }

  #storeMulti(verb: Verb, items: Items<unknown>, options: unknown, callback: unknown): unknown {
    return this.call(verb, nothing, results.whole, options, callback, (packed, call) => {
      const pairs = pairsOf(items);
      call.finish = results.refused(pairs.map(([key]) => key));
      return packed.items(pairs);
    });
  }

  #multi<K extends Key>(
    verb: Verb,
    finish: (keys: readonly K[]) => results.Finish<unknown>,
    keys: Iterable<K>,
    options: unknown,
    callback: unknown,
    write?: (packed: Submission) => void,
  ): unknown {
    return this.call(verb, nothing, results.whole, options, callback, (packed, call) => {
      const list = keysOf(keys);
      call.finish = finish(list);
      call.values = new Map();
      call.extras = new Map();
      write?.(packed);
      return packed.keys(list);
    });
  }

  #count(verb: Verb, key: Key, amount: unknown, options: unknown, callback: unknown): unknown {
    if (typeof amount === "function") return this.#count(verb, key, 1, undefined, amount);
    return this.call(verb, results.count, results.ofCount, options, callback, (packed) => {
      packed.wide("amount", amount === undefined ? 1 : amount);
      return packed.key(key);
    });
  }
}

/** Stands for what a call with several keys returns until they are known. */
function nothing(): undefined {}
