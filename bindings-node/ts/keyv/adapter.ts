/**
 * The adapter: what Keyv stores, kept in memcached.
 *
 * Keys are within a namespace of memoxide, whose name is Keyv's. A namespace is
 * cleared by beginning its next generation, in one request however much it has.
 */

import { EventEmitter } from "node:events";

import { viewOf } from "../administration.js";
import { Client } from "../client.js";
import { ConfigError } from "../errors.js";
import { secondsUntil } from "../lifetime.js";
import type { Servers } from "../options.js";

/** How an adapter works. */
export interface KeyvMemoxideOptions {
  /** What Keyv's keys are within, until Keyv says otherwise. Default `keyv`. */
  namespace?: string | undefined;
  /**
   * Seconds for which a generation is taken for the present one: so long may keys
   * be seen that another process has cleared. 0 asks before each call, which is
   * another round trip. Default 1.
   */
  generationAge?: number | undefined;
  /** The Keyv that this is for; 5 hands over the time to live in another way. Default 6. */
  keyv?: 5 | 6 | undefined;
}

/** What is stored with others. */
export interface KeyvEntry<V = unknown> {
  key: string;
  value: V;
  /** When it ends, in milliseconds since 1970; from Keyv 6. */
  expires?: number | undefined;
  /** Milliseconds until it ends; from Keyv 5. */
  ttl?: number | undefined;
}

/** The namespace of an adapter that has not been given one. */
const defaultNamespace = "keyv";

/** How many values an iterator reads at once. */
const batch = 100;

/** A namespace in its present generation. */
interface View {
  readonly name: string;
  readonly client: Promise<Client>;
  /** Until when it is taken for that. */
  readonly until: number;
}

/**
 * A storage adapter for Keyv.
 *
 * Errors are emitted as `error`, which Keyv passes on, and answered as a miss or
 * `false`; without a listener they reject.
 */
export class KeyvMemoxide extends EventEmitter {
  /** The client. */
  readonly client: Client;
  /** Set by Keyv. */
  namespace: string | undefined;
  /** What Keyv 5 wants to know of an adapter. */
  readonly opts: { readonly dialect: string; readonly url: string };
  readonly #isFor5: boolean;
  readonly #isOwn: boolean;
  readonly #generationAge: number;
  #view: View | undefined;

  /**
   * @param client The client, which may be used for other things too; or servers,
   *   for one of the adapter's own. Default: servers from the environment.
   * @throws ConfigError for servers that do not parse.
   */
  constructor(client?: Client | Servers, options: KeyvMemoxideOptions = {}) {
    super();
    this.#isOwn = viewOf(client) === undefined;
    this.client = this.#isOwn ? new Client(client as Servers) : (client as Client);
    this.opts = { dialect: "memcached", url: this.client.servers.join() };
    const { namespace, generationAge = 1, keyv = 6 } = options;
    if (!(generationAge >= 0)) throw new ConfigError("generationAge is no number of seconds");
    if (keyv !== 5 && keyv !== 6) throw new ConfigError("keyv is neither 5 nor 6");
    this.namespace = namespace;
    this.#generationAge = generationAge;
    this.#isFor5 = keyv === 5;
  }

  /** Tells Keyv 6 that times are handed over as it does it. */
  get capabilities(): Capabilities | undefined {
    return this.#isFor5 ? undefined : capabilities;
  }

  /** Reads a value; undefined when there is none. */
  get<V = unknown>(key: string): Promise<V | undefined> {
    return this.#attempt(undefined, async (view) => {
      const { value, flags } = await view.get<V>(key);
      return flags === null ? undefined : (value as V);
    });
  }

  /** Reads values, in the order of their keys. */
  getMany<V = unknown>(keys: string[]): Promise<(V | undefined)[]> {
    const none = (): undefined => undefined;
    return this.#attempt(keys.map(none), async (view) => {
      const found = await view.getMulti<V, string>(keys);
      return keys.map((key) => found.get(key));
    });
  }

  /**
   * Stores a value.
   *
   * @param time When it ends, in milliseconds since 1970; for Keyv 5, milliseconds
   *   until then. Without it is kept until it is deleted or evicted.
   */
  set(key: string, value: unknown, time?: number): Promise<boolean> {
    return this.#attempt(false, (view) =>
      this.#set(view, { key, value, expires: this.#end(time) }),
    );
  }

  /** Stores values, each with its end; tells which were stored. */
  setMany(entries: KeyvEntry[]): Promise<boolean[]> {
    return this.#attempt(
      entries.map(() => false),
      (view) => {
        // In one turn of the event loop, so that they go out together.
        const stored = entries.map(({ key, value, expires, ttl }) =>
          this.#set(view, { key, value, expires: this.#isFor5 ? this.#end(ttl) : expires }),
        );
        return Promise.all(stored);
      },
    );
  }

  /** Removes a value; tells whether there was one. */
  delete(key: string): Promise<boolean> {
    return this.#attempt(false, (view) => view.delete(key));
  }

  /** Removes values; tells of each whether it was there, and Keyv 5 whether all were. */
  deleteMany(keys: string[]): Promise<boolean | boolean[]> {
    const nothing = this.#isFor5 ? false : keys.map(() => false);
    return this.#attempt<boolean | boolean[]>(nothing, async (view) => {
      const missing = new Set(await view.deleteMulti(keys));
      return this.#isFor5 ? missing.size === 0 : keys.map((key) => !missing.has(key));
    });
  }

  /** Whether there is a value, without reading it. Needs memcached 1.6. */
  has(key: string): Promise<boolean> {
    return this.#attempt(false, (view) => view.exists(key));
  }

  /** Whether there are values. */
  hasMany(keys: string[]): Promise<boolean[]> {
    return this.#attempt(
      keys.map(() => false),
      (view) => Promise.all(keys.map((key) => view.exists(key))),
    );
  }

  /** Removes everything in the namespace. */
  clear(): Promise<void> {
    return this.#attempt(undefined, async () => {
      await this.client.invalidate(this.#name);
      this.#view = undefined;
    });
  }

  /** Goes through keys and values of the namespace, as far as the servers list them. */
  async *iterator<V = unknown>(): AsyncGenerator<[string, V], void> {
    const view = await this.#present();
    let keys: string[] = [];
    for await (const key of view.keys()) {
      keys.push(String(key));
      if (keys.length < batch) continue;
      yield* await view.getMulti<V, string>(keys);
      keys = [];
    }
    yield* await view.getMulti<V, string>(keys);
  }

  /** Closes the client if it is the adapter's own. */
  async disconnect(): Promise<void> {
    if (this.#isOwn) await this.client.quit();
  }

  get #name(): string {
    return this.namespace || defaultNamespace;
  }

  /** Returns the client within the present generation of the namespace. */
  #present(): Promise<Client> {
    const name = this.#name;
    const now = performance.now();
    const known = this.#view;
    if (known?.name === name && now < known.until) return known.client;
    const client = this.client.namespace(name);
    const view = { name, client, until: now + this.#generationAge * 1000 };
    this.#view = view;
    client.catch(() => {
      if (this.#view === view) this.#view = undefined;
    });
    return client;
  }

  async #set(view: Client, { key, value, expires }: KeyvEntry): Promise<boolean> {
    if (expires === undefined) return view.set(key, value as object, { expires: 0 });
    const seconds = secondsUntil(expires);
    if (seconds > 0) return view.set(key, value as object, { expires: seconds });
    await view.delete(key);
    return true;
  }

  /** Returns when something ends, from what Keyv hands over. */
  #end(time: number | undefined): number | undefined {
    if (!this.#isFor5) return time;
    return time === undefined || time <= 0 ? undefined : Date.now() + time;
  }

  async #attempt<T>(fallback: T, act: (view: Client) => Promise<T>): Promise<T> {
    try {
      return await act(await this.#present());
    } catch (error) {
      if (this.listenerCount("error") === 0) throw error;
      this.emit("error", error);
      return fallback;
    }
  }
}

/** What Keyv 6 asks about an adapter. */
export interface Capabilities {
  compatible: boolean;
  store: "keyvStorage";
  methods: Record<(typeof methods)[number], { exists: boolean; methodType: "async" }>;
  expires: boolean;
}

const methods = [
  "get",
  "getMany",
  "set",
  "setMany",
  "delete",
  "deleteMany",
  "has",
  "hasMany",
  "clear",
  "disconnect",
  "iterator",
] as const;

const capabilities: Capabilities = {
  compatible: true,
  store: "keyvStorage",
  methods: Object.fromEntries(
    methods.map((name) => [name, { exists: true, methodType: "async" }]),
  ) as Capabilities["methods"],
  expires: true,
};
