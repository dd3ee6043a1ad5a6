/**
 * What an application can ask of a cache, as types.
 *
 * An application that depends on {@link Cache} rather than on the client can be
 * tested with an object of its own. Every method here has a callback form in the
 * client, with the callback behind the last argument.
 */

/** A key: 1 to 250 bytes with its prefix, in UTF-8, without spaces and control characters. */
export type Key = string | Uint8Array;

/**
 * What can be stored: text, bytes, numbers, and trees of arrays and plain
 * objects. Instances of classes other than `Uint8Array` are refused.
 */
export type Storable = string | number | bigint | boolean | null | object;

/** What any call can be told. */
export interface CallOptions {
  /** Seconds that the call may take. Default: the client's `timeout`. */
  timeout?: number | undefined;
  /** Rejects the call with the signal's reason; a write may have been applied then. */
  signal?: AbortSignal | undefined;
  /** Decides about the server in place of the key, so that items are kept together. */
  serverKey?: Key | undefined;
}

/** What a call that stores can be told. */
export interface StoreOptions extends CallOptions {
  /**
   * Seconds until the item expires: 0 for never, negative for at once, a Unix
   * time above 30 days. Default: the client's `defaultTtl`.
   */
  expires?: number | undefined;
  /** The same as `expires`; give one of them. */
  ttl?: number | undefined;
}

/** What {@link Cache.cas} must be told. */
export interface CasOptions extends StoreOptions {
  /** The cas id that {@link Cache.gets} returned. */
  cas: bigint;
}

/** What {@link Cache.delete} can be told. */
export interface DeleteOptions extends CallOptions {
  /** Deletes only if the item still has this cas id. */
  cas?: bigint | undefined;
}

/**
 * What counting can be told. With `initial`, `expires` is for the counter that
 * this creates, and one that is there keeps its expiry; without, `expires` is for
 * the counter that is there.
 */
export interface CountOptions extends StoreOptions {
  /** Stored when there is no counter; the amount is not added then. Default: nothing is stored. */
  initial?: number | bigint | undefined;
  /** Seconds until a counter expires from now on that was there, also with `initial`. */
  touch?: number | undefined;
}

/** What {@link Client.stats} and its kind can be told. */
export interface AdminOptions extends CallOptions {
  /** Asks the server of this key alone. Default: all servers. */
  serverKey?: Key | undefined;
}

/** What {@link Client.namespace} and {@link Client.invalidate} can be told. */
export type NamespaceOptions = Omit<CallOptions, "serverKey">;

/** What a read returns on a hit. */
export interface Hit<V> {
  value: V;
  /** The 32-bit number that is stored beside the value; tells the dialect its type. */
  flags: number;
}

/** What a read returns when there is no item. A stored `null` has flags. */
export interface Miss {
  value: null;
  flags: null;
}

/** What a read returns. */
export type Lookup<V> = Hit<V> | Miss;

/** What a read for {@link Cache.cas} returns. */
export type CasLookup<V> = (Hit<V> & { cas: bigint }) | (Miss & { cas: null });

/** An item with everything that the server tells about it. */
export interface Item<V> extends Hit<V> {
  /** Names this state of the item, for {@link Cache.cas}. */
  cas: bigint;
  /** Remaining seconds to live; `null` when the item does not expire. */
  ttl: number | null;
  /** Bytes of the stored value. */
  size: number;
  /** Seconds since the last access. */
  lastAccess: number;
  /** Whether the item was read before. */
  hitBefore: boolean;
}

/** Flags and bytes as they are stored. */
export interface RawItem {
  flags: number;
  bytes: Buffer;
}

/** What a call that stores bytes as they are can be told. */
export interface RawOptions extends StoreOptions {
  /** The flags to store with the bytes. Default 0. */
  flags?: number | undefined;
}

/** What {@link Cache.update} can be told. */
export interface UpdateOptions extends StoreOptions {
  /** How often it is tried, at least once. Default 16. */
  limit?: number | undefined;
}

/** What {@link Client.lock} can be told. */
export interface LockOptions extends CallOptions {
  /** Seconds to wait for the lock, beyond the `timeout`. Default 0: one try. */
  wait?: number | undefined;
}

/** What became of a compare-and-swap. */
export type CasOutcome = "stored" | "exists" | "notFound";

/** What counting returns: `success` is false and the value `null` when there is no counter. */
export type Count = { success: true; value: number | bigint } | { success: false; value: null };

/** Keys and values to store. */
export type Items<V> =
  | ReadonlyMap<Key, V>
  | Iterable<readonly [Key, V]>
  | Readonly<Record<string, V>>;

/**
 * A cache of items under keys.
 *
 * Calls reject with the errors of this package: `InvalidKeyError`,
 * `InvalidArgumentError` and `EncodeError` before anything is sent,
 * `DecodeError` for a value of another dialect, and those of the way to the
 * server, which name it. A miss is a result.
 */
export interface Cache {
  /** Reads a value and its flags; both are `null` on a miss. */
  get<V = unknown>(key: Key, options?: CallOptions): Promise<Lookup<V>>;

  /** Reads a value with its cas id, for {@link cas}. */
  gets<V = unknown>(key: Key, options?: CallOptions): Promise<CasLookup<V>>;

  /** Reads a value and sets a new expiry, in seconds. */
  gat<V = unknown>(key: Key, expires: number, options?: CallOptions): Promise<Lookup<V>>;

  /** Reads a value with its cas id and sets a new expiry, in seconds. */
  gats<V = unknown>(key: Key, expires: number, options?: CallOptions): Promise<CasLookup<V>>;

  /** Reads an item with everything that the server tells; `null` on a miss. Needs memcached 1.6. */
  getItem<V = unknown>(key: Key, options?: CallOptions): Promise<Item<V> | null>;

  /** Whether there is an item, without reading its value. Needs memcached 1.6. */
  exists(key: Key, options?: CallOptions): Promise<boolean>;

  /** Reads several values, in one request per server. Misses are absent from the map. */
  getMulti<V = unknown, K extends Key = Key>(
    keys: Iterable<K>,
    options?: CallOptions,
  ): Promise<Map<K, V>>;

  /** Stores a value. */
  set(key: Key, value: Storable, options?: StoreOptions): Promise<boolean>;

  /** Stores a value only if the key is absent; tells whether it was. */
  add(key: Key, value: Storable, options?: StoreOptions): Promise<boolean>;

  /** Stores a value only if the key is present; tells whether it was. */
  replace(key: Key, value: Storable, options?: StoreOptions): Promise<boolean>;

  /** Puts text or bytes behind the present value; tells whether there was one. */
  append(key: Key, value: string | Uint8Array, options?: CallOptions): Promise<boolean>;

  /** Puts text or bytes before the present value; tells whether there was one. */
  prepend(key: Key, value: string | Uint8Array, options?: CallOptions): Promise<boolean>;

  /**
   * Stores a value only if the item is still the one that {@link gets} read.
   * Resolves to `"stored"`, to `"exists"` when it has changed, or to
   * `"notFound"`.
   */
  cas(key: Key, value: Storable, options: CasOptions): Promise<CasOutcome>;

  /** Stores several values, pipelined on all servers at once. Returns the keys that were refused. */
  setMulti<V extends Storable>(items: Items<V>, options?: StoreOptions): Promise<Key[]>;

  /** Stores several values whose keys are absent. Returns the keys that were present, or refused. */
  addMulti<V extends Storable>(items: Items<V>, options?: StoreOptions): Promise<Key[]>;

  /**
   * Changes a value without losing the change of another: reads it, calls
   * `change`, and stores what that returns if the item is still the same, else
   * begins again after a pause, which doubles from about 1 to about 50
   * milliseconds.
   *
   * `change` is given `undefined` when there is no item, and may be async; when
   * it returns `undefined` the item stays as it is. Returns the value that was
   * stored. Rejects with `ConflictError` when other writers were faster each time.
   */
  update<V = unknown>(
    key: Key,
    change: (value: V | undefined) => Storable | undefined | Promise<Storable | undefined>,
    options?: UpdateOptions,
  ): Promise<Storable | undefined>;

  /** Reads a value and removes it; of several callers one gets it. */
  take<V = unknown>(key: Key, options?: CallOptions): Promise<Lookup<V>>;

  /** Removes an item; tells whether there was one. */
  delete(key: Key, options?: DeleteOptions): Promise<boolean>;

  /** Removes several items. Returns the keys that were absent. */
  deleteMulti<K extends Key>(keys: Iterable<K>, options?: CallOptions): Promise<K[]>;

  /** Sets a new expiry, in seconds; tells whether there is such an item. */
  touch(key: Key, expires: number, options?: CallOptions): Promise<boolean>;

  /** Sets a new expiry for several items. Returns the keys that are absent. */
  touchMulti<K extends Key>(
    keys: Iterable<K>,
    expires: number,
    options?: CallOptions,
  ): Promise<K[]>;

  /** Counts up, wrapping at 2^64. The number is a bigint where it is not a safe integer. */
  increment(key: Key, amount?: number | bigint, options?: CountOptions): Promise<Count>;

  /** Counts down, stopping at 0. */
  decrement(key: Key, amount?: number | bigint, options?: CountOptions): Promise<Count>;
}
