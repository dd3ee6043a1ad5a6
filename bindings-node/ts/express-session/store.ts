/**
 * The store: sessions of express-session, kept in memcached.
 *
 * Reading a session is one round trip, writing one is another, and a session that
 * has not changed is touched, which sends no contents.
 */

import { viewOf } from "../administration.js";
import { Client } from "../client.js";
import { ConfigError } from "../errors.js";
import { secondsUntil } from "../lifetime.js";
import type { Servers } from "../options.js";
import {
  type AnySession,
  BaseStore,
  type Callback,
  type SessionCookie,
  type SessionData,
} from "./base.js";
import { Reachability } from "./connection.js";
import { read, readMulti, type Stored } from "./items.js";
import { endOf, really, touched } from "./lifetime.js";

/** Turns sessions into text and back; `JSON` is one. */
export interface SessionSerializer {
  stringify(session: SessionData): string;
  parse(text: string): SessionData | Promise<SessionData>;
}

/** How a store works. */
export interface MemoxideStoreOptions {
  /**
   * The client, which may be used for other things too; or servers, for a client
   * of the store's own. Default: servers from the environment.
   */
  client?: Client | Servers | undefined;
  /** Put before the id of a session, which gives its key. Default `sess:`. */
  prefix?: string | undefined;
  /**
   * Seconds that sessions live whose cookies end with the browser. Default one
   * day. A function is asked about every session, and its answer counts rather
   * than the cookie; 0 and less end a session.
   */
  ttl?: number | ((session: SessionData) => number) | undefined;
  /** Whether sessions that have not changed go on towards their end. Default false. */
  disableTouch?: boolean | undefined;
  /** Turns sessions into text and back. Default `JSON`. */
  serializer?: SessionSerializer | undefined;
  /**
   * For sessions that programs without cookies in them share, such as those of
   * PHP: the cookie of every session, with `maxAge` in milliseconds as
   * express-session has it. It is added when a session is read, and not stored.
   */
  cookie?: (SessionCookie & { maxAge?: number | null; [name: string]: unknown }) | undefined;
}

/** Seconds that a session lives whose cookie ends with the browser. */
const aDay = 24 * 60 * 60;

/** How often all sessions are listed to remove them, while there are any. */
const passes = 8;

/**
 * A store for express-session.
 *
 * Every method takes a callback or returns a promise. Emits `disconnect` when no
 * server can be reached any more, and `connect` when one can; express-session
 * goes on without sessions in between.
 */
export class MemoxideStore extends BaseStore {
  /** The client. */
  readonly client: Client;
  readonly prefix: string;
  readonly ttl: number | ((session: SessionData) => number);
  readonly disableTouch: boolean;
  readonly serializer: SessionSerializer;
  readonly cookie: MemoxideStoreOptions["cookie"];
  readonly #reachability: Reachability;

  /** @throws ConfigError for servers that do not parse. */
  constructor(options: MemoxideStoreOptions = {}) {
    super();
    const { client, prefix, ttl, disableTouch, serializer, cookie } = options;
    this.client = viewOf(client) === undefined ? new Client(client as Servers) : (client as Client);
    this.prefix = prefix ?? "sess:";
    this.ttl = ttl ?? aDay;
    this.disableTouch = disableTouch ?? false;
    this.serializer = serializer ?? JSON;
    this.cookie = cookie;
    this.#reachability = new Reachability(this.client, (event) => this.emit(event));
    if (typeof this.ttl !== "function" && !(this.ttl > 0)) {
      throw new ConfigError("ttl is neither a number of seconds above 0 nor a function");
    }
  }

  /** Reads a session; null when there is none, or it has ended. */
  get(sid: string, callback?: Callback<AnySession>): Promise<SessionData | null> {
    return this.#settle(callback, async () => {
      const item = await read(this.client, this.prefix + sid);
      return item === null ? null : this.#session(item);
    });
  }

  /** Stores a session; one that has ended is removed. */
  set(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    return this.#settle(callback, async () => {
      const seconds = this.#seconds(session, secondsUntil);
      if (seconds <= 0) {
        await this.client.delete(this.prefix + sid);
        return;
      }
      const stored = this.cookie === undefined ? session : { ...session, cookie: undefined };
      const text = Buffer.from(this.serializer.stringify(stored as SessionData));
      await this.client.setRaw(this.prefix + sid, text, { expires: seconds });
    });
  }

  /** Extends the life of a session, if it is there. */
  touch(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    return this.#settle(callback, async () => {
      if (this.disableTouch) return;
      const seconds = this.#seconds(session, touched);
      if (seconds <= 0) await this.client.delete(this.prefix + sid);
      else await this.client.touch(this.prefix + sid, seconds);
    });
  }

  /** Removes a session. */
  destroy(sid: string, callback?: Callback): Promise<void> {
    return this.#settle(callback, async () => {
      await this.client.delete(this.prefix + sid);
    });
  }

  /**
   * Reads all sessions, by their ids.
   *
   * This and what follows have the servers list their keys, which is for looking
   * after them and not for every request. memcached before 1.6.9 leaves out of
   * its lists what has been read several times within the last second or so.
   */
  all(callback?: Callback<Record<string, AnySession>>): Promise<Record<string, SessionData>> {
    return this.#settle(callback, async () => {
      const sessions: Record<string, SessionData> = Object.create(null);
      const items = await readMulti(this.client, await this.#keys());
      for (const [key, item] of items) {
        const session = await this.#session(item);
        if (session !== null) sessions[key.slice(this.prefix.length)] = session;
      }
      return sessions;
    });
  }

  /** Returns the ids of all sessions; of one that has ended perhaps for some seconds more. */
  ids(callback?: Callback<string[]>): Promise<string[]> {
    return this.#settle(callback, async () => {
      const keys = await this.#keys();
      return keys.map((key) => key.slice(this.prefix.length));
    });
  }

  /** Counts the sessions that {@link ids} lists. */
  length(callback?: Callback<number>): Promise<number> {
    return this.#settle(callback, async () => (await this.#keys()).length);
  }

  /** Removes all sessions, those of this prefix only. */
  clear(callback?: Callback): Promise<void> {
    return this.#settle(callback, async () => {
      // A list may leave out some of what was there.
      for (let pass = 0; pass < passes; pass++) {
        const keys = await this.#keys();
        if (keys.length === 0) return;
        await this.client.deleteMulti(keys);
      }
    });
  }

  async #keys(): Promise<string[]> {
    // Others lock sessions that they share by a key of this kind.
    const locks = `${this.prefix}lock:`;
    const keys = await this.client.keys(this.prefix);
    const ours = keys.filter((key) => typeof key === "string" && !key.startsWith(locks));
    // Two servers have one where it was stored before and after a change of servers.
    return [...new Set(ours)] as string[];
  }

  /** Returns how long an item is to live, in seconds; nothing above 0 for not at all. */
  #seconds(session: SessionData, until: (end: number) => number): number {
    if (typeof this.ttl === "function") return Math.ceil(this.ttl(session));
    const end = endOf(session);
    return end === undefined ? this.ttl : until(end);
  }

  /** Returns the session that an item holds, unless it has ended. */
  async #session({ value, ttl }: Stored): Promise<SessionData | null> {
    const session = await this.serializer.parse(String(value));
    if (this.cookie !== undefined) return { ...session, cookie: this.#cookie(this.cookie) };
    const end = endOf(session);
    // Where the program says how long a session lives, or the server does not tell.
    if (typeof this.ttl === "function" || end === undefined || ttl === null) return session;
    const last = really(end, ttl);
    if (last <= Date.now()) return null;
    if (last !== end) session.cookie.expires = new Date(last).toISOString();
    return session;
  }

  #cookie({ maxAge, ...rest }: NonNullable<MemoxideStoreOptions["cookie"]>): SessionCookie {
    if (maxAge === undefined || maxAge === null) return { originalMaxAge: null, ...rest };
    return { originalMaxAge: maxAge, expires: new Date(Date.now() + maxAge), ...rest };
  }

  /** Returns a promise, and hands what comes of it to a callback. */
  #settle<T>(callback: Callback<T> | undefined, act: () => Promise<T>): Promise<T> {
    const promise = act();
    promise.then(
      (result) => {
        this.#reachability.succeeded();
        if (callback) process.nextTick(callback, null, result);
      },
      // An error that nobody asks for is no reason to end the process.
      (error) => {
        this.#reachability.failed(error);
        if (callback) process.nextTick(callback, error);
      },
    );
    return promise;
  }
}
