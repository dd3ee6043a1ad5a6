/**
 * For those who run a cluster: where keys are and why, what stored values mean,
 * how many keys a change would move, and moving them.
 *
 * ```js
 * import { Client, migrate } from "memoxide";
 *
 * const old = Client.create("10.0.0.1,10.0.0.2", { hashing: "memjs" });
 * const target = Client.create("10.0.1.1,10.0.1.2,10.0.1.3");
 * const summary = await migrate(old, target, {
 *   onProgress: ({ server, counts }) => console.log(server, counts.copied),
 * });
 * console.log(summary.text);
 * ```
 *
 * Of the clients only servers and options count. What waits for servers runs on
 * a thread of Node's pool, with connections of its own.
 */

import type { ClientPlan, ErrorFields, ProgressFields } from "../native.js";
import { type Administration, viewOf } from "./administration.js";
import type { Key } from "./cache.js";
import type { Driver } from "./driver.js";
import { InvalidArgumentError, InvalidKeyError, type MemoxideError } from "./errors.js";
import { bytesOf } from "./iterables.js";
import { native } from "./native.js";
import { awaiting, calling, rebuild } from "./rebuild.js";

/** Which server has a key, and why. */
export interface KeyExplanation {
  /** The key on the wire, prefix included. */
  readonly key: Buffer;
  /** The part of it that is hashed. */
  readonly hashed: Buffer;
  /** The placement, `custom` for a function. */
  readonly hashing: string;
  /** The name of the server. */
  readonly server: string;
  /**
   * The names of the servers to try one after the other: that of the key, those
   * that the client whose placement it is would try, then all others; without
   * those that are down.
   */
  readonly order: readonly string[];
  /** The hash of the key; on a ring its position. Null where the placement computes no such number. */
  readonly hash: bigint | null;
  /** On a ring, the point that the position belongs to. */
  readonly point: bigint | null;
  /** On a ring, how many points there are. */
  readonly points: number | null;
  /** On a list, the slot. */
  readonly slot: number | null;
  /** On a list, how many slots there are. */
  readonly slots: number | null;
  /** With rendezvous, the score of the winner. */
  readonly score: bigint | null;
  /** All of it in one line. */
  readonly text: string;
}

/** One way to read a stored value. */
export interface Guess {
  /** The name of the dialect, as the option `values` takes it. */
  readonly dialect: string;
  /** The clients that write this dialect. */
  readonly clients: readonly string[];
  /** What the value is then, such as `text`, `integer` or `pickle`. */
  readonly kind: string;
  /** How it is compressed; null if it is not. */
  readonly compression: string | null;
  /** The bytes of the value, decompressed. */
  readonly size: number;
  /** How well the bytes fit. */
  readonly confidence: "likely" | "possible" | "unlikely";
  /** All of it in one line. */
  readonly text: string;
}

/** How many keys belong to another server after a change. */
export interface PlacementComparison {
  /** How many keys were counted. */
  readonly keys: number;
  /** How many of them move. */
  readonly moved: number;
  /** The part of the keys that move, from 0 to 1. */
  readonly share: number;
  /**
   * Keys that were not counted: one side cannot take them, or they were listed
   * without the prefix or on another server than the old placement says.
   */
  readonly passedOver: number;
  /** Between which servers keys move, the most first. */
  readonly flows: readonly { from: string; to: string; keys: number }[];
  /** How many keys each server has before and after. */
  readonly shares: readonly { server: string; before: number; after: number }[];
  /** The keys that move, without the prefix, up to `limit`. */
  readonly moving: readonly Buffer[];
}

/**
 * What a migration has done so far. Every key that was listed is in one of
 * `outside`, `misplaced`, `inPlace`, `gone`, `present`, `copied`, `same`,
 * `missing`, `different` and `failed`.
 */
export interface Counts {
  /** Keys that the source's servers listed, or that were given. */
  readonly listed: number;
  /** Keys without the source's prefix; they belong to somebody else. */
  readonly outside: number;
  /** Keys on another source server than the placement says; no client reads them there. */
  readonly misplaced: number;
  /** Keys that are on their server already, because it has them in both placements. */
  readonly inPlace: number;
  /** Keys that belong to another server than before. */
  readonly moved: number;
  /** Keys that were gone when they were read: expired, deleted, evicted. */
  readonly gone: number;
  /** Keys that the target had and that were left as they were there. */
  readonly present: number;
  /** Items that were written, or that would have been. */
  readonly copied: number;
  /** Items that are the same on both sides. */
  readonly same: number;
  /** Items that the target does not have. */
  readonly missing: number;
  /** Items whose flags or bytes are others on the target. */
  readonly different: number;
  /** Keys that failed. */
  readonly failed: number;
  /** Bytes of the values that were copied, or would have been, or that were found the same. */
  readonly bytes: number;
  /** Seconds that it took. */
  readonly elapsed: number;
}

/** How far a migration has come. */
export interface Progress {
  /** The source server whose keys are at work; empty where keys were given. */
  readonly server: string;
  /** How many servers have been worked through. */
  readonly serversDone: number;
  /** How many servers there are. */
  readonly servers: number;
  /** How many items the source's servers said they have; null where they did not tell. */
  readonly expected: number | null;
  /** What was done so far. */
  readonly counts: Counts;
}

/** A key that is not on the target as it is on the source. */
export interface Unresolved {
  /** The key without prefixes. */
  readonly key: Buffer;
  /** The server that the reason is about. */
  readonly server: string;
  /** Why. */
  readonly reason: "different" | "failed" | "missing";
  /** What failed, where the reason is `failed`. */
  readonly error: MemoxideError | null;
}

/** What a migration has done. */
export interface MigrationSummary extends Counts {
  /**
   * Whether it came to its end: it was not stopped, not given up after too many
   * failures, and every server has listed its keys.
   */
  readonly finished: boolean;
  /** Why servers did not list all their keys. */
  readonly unlisted: readonly MemoxideError[];
  /** The keys that failed, are missing or differ. They are what to give to the next run. */
  readonly unresolved: readonly Unresolved[];
  /** The counts that are not 0 in one line. */
  readonly text: string;
}

/** Keys: one after the other, or a file with one on each line (as it is, or as `lru_crawler metadump` lists it). */
export type KeySource = Iterable<Key> | AsyncIterable<Key> | { readonly file: string };

/** What an explanation can be told. */
export interface ExplainOptions {
  /** Names of servers that are thought to be down. Default none. */
  down?: readonly string[] | undefined;
}

/** What a comparison can be told. */
export interface CompareOptions {
  /** How many of the keys that move are returned at most. Default 1000. */
  limit?: number | undefined;
  /** Ends the comparison. */
  signal?: AbortSignal | undefined;
}

/** What a migration can be told. */
export interface MigrateOptions {
  /** Keys without the prefix. They are kept in memory. Default: all that the source's servers list. */
  keys?: KeySource | undefined;
  /** `dry-run` writes nothing; `verify` compares flags and bytes. Default `copy`. */
  mode?: "copy" | "dry-run" | "verify" | undefined;
  /** Whether items that the target has are overwritten. Default false. */
  overwrite?: boolean | undefined;
  /** Whether the target is asked for each key before the source is read, which makes repeated runs cheaper. Default false. */
  checkFirst?: boolean | undefined;
  /** Whether keys are copied that are on another source server than its placement says. Default false. */
  misplaced?: boolean | undefined;
  /** The most keys in a second. Default no limit. */
  keysPerSecond?: number | undefined;
  /** The most bytes of values in a second. Default no limit. */
  bytesPerSecond?: number | undefined;
  /** After how many keys that fail, are missing or differ the run is given up. Default 10000. */
  maxFailures?: number | undefined;
  /** Called after each batch of up to 256 keys; the run ends when it returns `false`. */
  onProgress?: ((progress: Progress) => unknown) | undefined;
  /** Ends the run; what was done is done. */
  signal?: AbortSignal | undefined;
}

/**
 * Tells which server has a key, and why. Nothing is sent.
 *
 * What becomes of the keys of a server that is down is decided as the client does
 * it whose placement it is.
 *
 * @throws InvalidKeyError for a key that memcached does not take.
 * @throws NoServersError when no server is left.
 * @throws InvalidArgumentError for a name in `down` that is that of no server.
 */
export function explainKey(
  client: Administration,
  key: Key,
  options: ExplainOptions = {},
): KeyExplanation {
  const { driver, plan } = sideOf(client);
  const bytes = bytesOf(key);
  const placed = driver.placed(bytes);
  const down = options.down ?? [];
  if (!Array.isArray(down)) throw new InvalidArgumentError("down is no list of names");
  const fields = calling(() => native.explainKey(plan, bytes, down, placed));
  const { hash, point, points, slot, slots, score } = fields;
  return {
    ...fields,
    hash: hash ?? null,
    point: point ?? null,
    points: points ?? null,
    slot: slot ?? null,
    slots: slots ?? null,
    score: score ?? null,
  };
}

/**
 * Lists who probably wrote a stored value and what it is, the most probable first.
 * The list is never empty: clients without types write anything.
 */
export function explainValue(flags: number, value: Uint8Array): Guess[] {
  if (!Number.isInteger(flags) || flags < 0 || flags > 0xffff_ffff) {
    throw new InvalidArgumentError(`flags are no whole number of 32 bits: ${flags}`);
  }
  const guesses = calling(() => native.explainValue(flags, value));
  return guesses.map((guess) => ({ ...guess, compression: guess.compression ?? null }));
}

/**
 * Counts the keys that belong to another server after a change of placement or of
 * the server list.
 *
 * @param keys The keys; they are kept in memory. Default: those that the servers
 *   of `old` list.
 * @throws InvalidArgumentError if the file cannot be read.
 * @throws UnsupportedError if a server cannot list its keys.
 */
export async function comparePlacements(
  old: Administration,
  current: Administration,
  keys?: KeySource,
  options: CompareOptions = {},
): Promise<PlacementComparison> {
  const sides = [sideOf(old), sideOf(current)] as const;
  const { packed, file } = await pack(keys);
  const limit = options.limit ?? 1000;
  if (!Number.isInteger(limit) || limit < 0) {
    throw new InvalidArgumentError(`limit is no whole number: ${limit}`);
  }
  const fields = await running(options.signal, (stop, functions) =>
    native.comparePlacements(
      sides[0].plan,
      sides[1].plan,
      packed,
      file,
      limit,
      stop,
      functions.choose(sides[0].driver),
      functions.choose(sides[1].driver),
    ),
  );
  return { ...fields, share: fields.keys === 0 ? 0 : fields.moved / fields.keys };
}

/**
 * Copies the items of a running cluster to where another placement or another list
 * of servers wants them, or compares both sides.
 *
 * Keys are listed by the servers (`lru_crawler metadump`), or given. Items are read
 * without counting as a use and written as they are: same flags, same bytes, the
 * time to live that is left. What the target has already is left alone unless
 * `overwrite` says otherwise, so that a run can be repeated.
 *
 * What fails for single keys or servers is in the summary.
 *
 * @throws UnsupportedError if no server can list its keys.
 * @throws InvalidArgumentError for an option that does not fit, or a file that
 *   cannot be read.
 */
export async function migrate(
  source: Administration,
  target: Administration,
  options: MigrateOptions = {},
): Promise<MigrationSummary> {
  const { keys, onProgress, signal, ...settings } = options;
  const sides = [sideOf(source), sideOf(target)] as const;
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const values = given.map(([name, value]) => settingOf(name, value));
  const { packed, file } = await pack(keys);
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new InvalidArgumentError("onProgress is no function");
  }
  const { counts, unlisted, unresolved, ...fields } = await running(signal, (stop, functions) =>
    native.migrate(
      sides[0].plan,
      sides[1].plan,
      given.map(([name]) => optionNames[name as keyof typeof optionNames] ?? name),
      values,
      packed,
      file,
      stop,
      functions.tell(onProgress),
      functions.choose(sides[0].driver),
      functions.choose(sides[1].driver),
    ),
  );
  return {
    ...counts,
    ...fields,
    unlisted: unlisted.map(rebuild),
    unresolved: unresolved.map(({ error, ...rest }) => ({
      ...rest,
      error: error === undefined ? null : rebuild(error as ErrorFields),
    })),
  };
}

/** The options of a migration by the names that the core has for them. */
const optionNames = {
  bytesPerSecond: "bytes_per_second",
  checkFirst: "check_first",
  keysPerSecond: "keys_per_second",
  maxFailures: "max_failures",
  misplaced: "misplaced",
  mode: "mode",
  overwrite: "overwrite",
} as const;

function settingOf(name: string, value: unknown): string | number | boolean {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  throw new InvalidArgumentError(`option ${name} is neither text nor a number nor true or false`);
}

interface Side {
  readonly driver: Driver;
  readonly plan: ClientPlan;
}

function sideOf(client: Administration): Side {
  const view = viewOf(client);
  if (view === undefined) throw new InvalidArgumentError("a client is wanted");
  return { driver: view.driver, plan: view.driver.plan(view.scopes) };
}

/** The functions of the program for the other thread, and what they threw. */
class Functions {
  failure: { readonly thrown: unknown } | undefined;

  choose(driver: Driver): ((key: Buffer) => number) | null {
    if (!driver.chooses) return null;
    // Below 0 stands for a failure.
    return this.#keeping((key: Buffer) => driver.placed(key) ?? -1, -1);
  }

  tell(onProgress: MigrateOptions["onProgress"]): ((progress: ProgressFields) => boolean) | null {
    if (onProgress === undefined) return null;
    const tell = (progress: ProgressFields) =>
      onProgress({ ...progress, expected: progress.expected ?? null }) !== false;
    return this.#keeping(tell, false);
  }

  #keeping<T, R>(call: (argument: T) => R, otherwise: R): (argument: T) => R {
    return (argument) => {
      if (this.failure !== undefined) return otherwise;
      try {
        return call(argument);
      } catch (thrown) {
        this.failure = { thrown };
        return otherwise;
      }
    };
  }
}

/** Runs something on the other thread, until it is done or the signal says so. */
async function running<T>(
  signal: AbortSignal | undefined,
  run: (stop: InstanceType<typeof native.Stop>, functions: Functions) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const stop = new native.Stop();
  const functions = new Functions();
  const pull = () => stop.pull();
  signal?.addEventListener("abort", pull, { once: true });
  try {
    const result = await awaiting(() => run(stop, functions));
    if (functions.failure !== undefined) throw functions.failure.thrown;
    signal?.throwIfAborted();
    return result;
  } catch (error) {
    if (functions.failure !== undefined) throw functions.failure.thrown;
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", pull);
  }
}

/** Bytes of keys that are handed over together. */
const chunkLength = 256 * 1024;

/** Packs keys for the other thread: a length of two bytes, the least significant first, and the key. */
async function pack(
  keys: KeySource | undefined,
): Promise<{ packed: Buffer[] | null; file: string | null }> {
  if (keys === undefined) return { packed: null, file: null };
  if (typeof keys === "object" && keys !== null && "file" in keys) {
    if (typeof keys.file !== "string") throw new InvalidArgumentError("file is no path");
    return { packed: null, file: keys.file };
  }
  const iterable =
    typeof keys === "object" &&
    keys !== null &&
    !(keys instanceof Uint8Array) &&
    (Symbol.iterator in keys || Symbol.asyncIterator in keys);
  if (!iterable) {
    throw new InvalidArgumentError("keys are no iterable of keys and no { file }");
  }
  const packed: Buffer[] = [];
  let chunk = Buffer.allocUnsafe(chunkLength);
  let used = 0;
  for await (const key of keys) {
    const bytes = bytesOf(key);
    if (bytes.length > 0xffff) throw new InvalidKeyError(`key has ${bytes.length} bytes`);
    if (used + 2 + bytes.length > chunk.length) {
      packed.push(chunk.subarray(0, used));
      chunk = Buffer.allocUnsafe(chunkLength);
      used = 0;
    }
    used = chunk.writeUInt16LE(bytes.length, used);
    chunk.set(bytes, used);
    used += bytes.length;
  }
  packed.push(chunk.subarray(0, used));
  return { packed, file: null };
}
