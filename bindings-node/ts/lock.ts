/**
 * Locks in the cache.
 */

import type { CallOptions, Key } from "./cache.js";

/** What a lock asks of its client. */
export type Change = (expires: number | undefined, options: CallOptions) => Promise<boolean>;

/**
 * A lock that is held.
 *
 * It is an item whose value is a token that nobody else has, and it ends by
 * itself when its time to live is over or the server evicts it: it keeps callers
 * from doing the same work at once, and is no proof that nobody else does it.
 * Work that must never overlap needs a store that is not a cache.
 *
 * ```js
 * const lock = await cache.lock("report:lock", 30, { wait: 5 });
 * if (lock !== null) {
 *   try {
 *     await makeReport();
 *   } finally {
 *     await lock.release();
 *   }
 * }
 * ```
 */
export class Lock implements AsyncDisposable {
  /** The key of the lock. */
  readonly key: Key;
  /** What marks the owner. */
  readonly token: string;
  readonly #change: Change;

  /** Made by {@link Client.lock}. */
  constructor(key: Key, token: string, change: Change) {
    this.key = key;
    this.token = token;
    this.#change = change;
  }

  /** Holds the lock for `expires` seconds from now on; tells whether it was still held. */
  extend(expires: number, options: CallOptions = {}): Promise<boolean> {
    return this.#change(expires, options);
  }

  /** Gives the lock back; tells whether it was still held. */
  release(options: CallOptions = {}): Promise<boolean> {
    return this.#change(undefined, options);
  }

  /** Gives the lock back at the end of a block that declared it with `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
