/**
 * Lists of keys, read one by one or collected.
 */

import type { TextPart } from "../native.js";
import type { Key } from "./cache.js";
import { attach, Call } from "./completion.js";
import { PartialError } from "./errors.js";

/** Keys that may wait for a reader before the servers are made to wait; those of one read may come on top. */
const keysAhead = 1024;

/** What can be done about a list that has begun. */
export interface Listing {
  /** Lets the servers wait, or go on. */
  pause(waits: boolean): void;
  /** Ends it. */
  drop(): void;
}

/** Begins a list, whose keys the call takes: as fast as they come, or as somebody reads them. */
export type BeginListing = (call: Call, collects: boolean) => Listing;

/**
 * The keys that servers list: what {@link Client.keys} returns.
 *
 * Read it with `for await`, which gives one key after the other and lets the
 * servers list no faster than that; or await it, which collects all keys. Nothing
 * is asked before.
 */
export class KeyList implements AsyncIterable<Key>, Promise<Key[]> {
  readonly #begin: BeginListing;
  #collected: Promise<Key[]> | undefined;

  /** Use {@link Client.keys}. */
  constructor(begin: BeginListing) {
    this.#begin = begin;
  }

  get [Symbol.toStringTag](): string {
    return "KeyList";
  }

  /** Begins a list; leaving the loop ends it and closes its connections. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Key, void, undefined> {
    const reader = new Reader(this.#begin, keysAhead);
    try {
      for (;;) {
        const keys = await reader.next();
        if (keys === undefined) return;
        for (const key of keys) yield key;
      }
    } finally {
      reader.drop();
    }
  }

  // biome-ignore lint/suspicious/noThenProperty: awaited, it is all the keys.
  then<A = Key[], B = never>(
    onfulfilled?: ((keys: Key[]) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#collected ??= this.#collect();
    return this.#collected.then(onfulfilled, onrejected);
  }

  catch<B = never>(
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<Key[] | B> {
    return this.then(undefined, onrejected);
  }

  finally(onfinally?: (() => void) | null): Promise<Key[]> {
    return this.then().finally(onfinally);
  }

  async #collect(): Promise<Key[]> {
    const reader = new Reader(this.#begin, Number.POSITIVE_INFINITY);
    const all: Key[] = [];
    try {
      for (;;) {
        const keys = await reader.next();
        if (keys === undefined) return all;
        for (const key of keys) all.push(key);
      }
    } catch (error) {
      if (error instanceof PartialError) attach(error, all);
      throw error;
    }
  }
}

/** Takes the keys of one list, and keeps those that nobody has read yet. */
class Reader {
  readonly #ahead: number;
  readonly #listing: Listing;
  #waiting: Key[] = [];
  #isPaused = false;
  #isOver = false;
  #failure: { readonly reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(begin: BeginListing, ahead: number) {
    this.#ahead = ahead;
    const end = (failure?: { readonly reason: unknown }) => {
      this.#isOver = true;
      this.#failure = failure;
      this.#wake?.();
    };
    const call = new Call(
      () => end(),
      (reason) => end({ reason }),
      () => undefined,
    );
    call.stream = (text) => this.#take(text);
    this.#listing = begin(call, ahead === Number.POSITIVE_INFINITY);
  }

  /** Returns the keys that have come since the last call; nothing at the end. */
  async next(): Promise<Key[] | undefined> {
    if (this.#waiting.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const keys = this.#waiting;
    if (keys.length > 0) {
      this.#waiting = [];
      this.#pause(false);
      return keys;
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.reason;
    return undefined;
  }

  /** Ends the list. */
  drop(): void {
    this.#listing.drop();
  }

  #take({ text, bytes }: TextPart): void {
    const key = text ?? bytes;
    if (key === undefined) return;
    this.#waiting.push(key);
    if (this.#waiting.length >= this.#ahead) this.#pause(true);
    this.#wake?.();
  }

  #pause(waits: boolean): void {
    if (this.#isPaused === waits) return;
    this.#isPaused = waits;
    this.#listing.pause(waits);
  }
}
