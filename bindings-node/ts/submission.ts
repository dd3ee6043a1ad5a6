/**
 * Packs the calls of a turn of the event loop into two arrays, which the core
 * takes over at once.
 *
 * `bindings-node/src/client/submission.rs` is the other end and describes the
 * layout. A call is written between {@link Submission.begin} and
 * {@link Submission.commit}; what is begun and not committed, because an
 * argument turned out to be wrong, is written over by the next one.
 */

import type { CasOptions, CountOptions, Key } from "./cache.js";
import { InvalidArgumentError, InvalidKeyError } from "./errors.js";
import type { Serializing } from "./serializers.js";
import { lower } from "./values.js";

/** What a call does; the numbers are those of `src/client/verb.rs`. */
export const Verb = {
  Retrieve: 0,
  RetrieveMany: 1,
  Set: 2,
  Add: 3,
  Replace: 4,
  Append: 5,
  Prepend: 6,
  SetMany: 7,
  AddMany: 8,
  Delete: 9,
  DeleteMany: 10,
  Touch: 11,
  TouchMany: 12,
  Increment: 13,
  Decrement: 14,
  Flush: 15,
  Version: 16,
  Stats: 17,
  Verbosity: 18,
  CacheMemlimit: 19,
  SetRaw: 20,
  Take: 21,
  Update: 22,
  Acquire: 23,
  Release: 24,
  Generation: 25,
  Invalidate: 26,
  Keys: 27,
  AddRaw: 28,
  ReplaceRaw: 29,
} as const;
export type Verb = (typeof Verb)[keyof typeof Verb];

/** What a retrieval wants of an item, as bits. */
export const Want = { Existence: 0, Value: 1, ValueAndCas: 3, ValueAndTtl: 5, All: 31 } as const;
export type Want = (typeof Want)[keyof typeof Want];

/** Which optional fields a call has, as bits. */
const Mask = {
  Scope: 1,
  Timeout: 2,
  ServerKey: 4,
  Expiry: 8,
  Cas: 16,
  Initial: 32,
  Touch: 64,
  Raw: 128,
} as const;

/** A namespace in one generation. */
export interface Scope {
  readonly name: Key;
  readonly generation: number | bigint;
}

/** Takes namespaces apart for the core. */
export function split(scopes: readonly Scope[]): { names: Uint8Array[]; generations: bigint[] } {
  return {
    names: scopes.map(({ name }) => Buffer.from(name as string)),
    generations: scopes.map(({ generation }) => BigInt(generation)),
  };
}

/** Numbers and bytes that the arrays begin with. */
const firstFields = 1024;
const firstBytes = 64 * 1024;

/** What every call begins with. */
const headerLength = 4;

/** The token of a call that was given up before it was handed over. */
const nobody = 0xffff_ffff;

/** Beyond this a text is written by the engine rather than character by character. */
const shortText = 48;

/** The calls of a turn, packed. */
export class Submission {
  fields = new Float64Array(firstFields);
  bytes = Buffer.allocUnsafeSlow(firstBytes);
  /** How many fields are filled with complete calls. */
  count = 0;
  /** How many bytes belong to them. */
  used = 0;
  /** How often the core has taken everything over. */
  turn = 0;
  /** Whether the arrays are others than before. */
  replaced = false;

  /** Where the next field and the next byte go. */
  #field = 0;
  #byte = 0;
  #mask = 0;
  readonly #serializing: Serializing | undefined;

  constructor(serializing: Serializing | undefined) {
    this.#serializing = serializing;
  }

  /** Begins a call, within namespaces. */
  begin(verb: Verb, scopes: readonly Scope[]): void {
    const at = this.count;
    if (at + headerLength > this.fields.length) this.#growFields(headerLength);
    this.fields[at] = verb;
    this.#field = at + headerLength;
    this.#byte = this.used;
    this.#mask = 0;
    if (scopes.length > 0) {
      this.#mask = Mask.Scope;
      this.number(scopes.length);
      for (const { name, generation } of scopes) {
        this.number(this.key(name));
        this.wide("generation", generation);
      }
    }
  }

  /** Ends a call, which concerns `count` bytes of key, or as many keys. */
  commit(token: number, count: number): void {
    this.fields[this.count + 1] = token;
    this.fields[this.count + 2] = this.#mask;
    this.fields[this.count + 3] = count;
    this.count = this.#field;
    this.used = this.#byte;
  }

  /** Where the fields and bytes of the call that was begun are, with its header in front. */
  seal(count: number): { from: number; to: number; byte: number } {
    const from = this.count;
    this.fields[from + 1] = nobody;
    this.fields[from + 2] = this.#mask;
    this.fields[from + 3] = count;
    return { from, to: this.#field, byte: this.used };
  }

  /** Makes the call do nothing that was begun at this position. */
  erase(position: number): void {
    this.fields[position + 1] = nobody;
  }

  /** Forgets everything, which the core has taken over. */
  clear(): void {
    this.turn++;
    this.count = 0;
    this.used = 0;
    if (this.bytes.length > 16 * firstBytes || this.fields.length > 64 * firstFields) {
      this.fields = new Float64Array(firstFields);
      this.bytes = Buffer.allocUnsafeSlow(firstBytes);
      this.replaced = true;
    }
  }

  // The optional fields, in this order.

  /** Writes what the caller has chosen; of the times to live at most one. */
  options(options: unknown): void {
    if (typeof options !== "object" || options === null) {
      throw wrongType("options", "an object", options);
    }
    const { timeout, serverKey, expires, ttl, cas, initial, touch } = options as CountOptions &
      Partial<CasOptions>;
    if (timeout !== undefined) this.#seconds(Mask.Timeout, "timeout", timeout);
    if (serverKey !== undefined) {
      this.#mask |= Mask.ServerKey;
      this.number(this.key(serverKey));
    }
    if (expires !== undefined) this.expiry(expires);
    if (ttl !== undefined) this.expiry(ttl);
    if (cas !== undefined) {
      if (typeof cas !== "bigint") throw wrongType("cas", "a bigint, as gets returns it", cas);
      this.#mask |= Mask.Cas;
      this.wide("cas", cas);
    }
    if (initial !== undefined) {
      this.#mask |= Mask.Initial;
      this.wide("initial", initial);
    }
    if (touch !== undefined) this.#seconds(Mask.Touch, "touch", touch);
  }

  /** Wants values as they are stored. */
  raw(): void {
    this.#mask |= Mask.Raw;
  }

  /** Whether a cas id is among the options. */
  get hasCas(): boolean {
    return (this.#mask & Mask.Cas) !== 0;
  }

  /** Writes seconds to live. */
  expiry(seconds: unknown): void {
    if (this.#mask & Mask.Expiry) {
      throw new InvalidArgumentError("there is more than one time to live");
    }
    this.#seconds(Mask.Expiry, "expires", seconds);
  }

  #seconds(bit: number, name: string, seconds: unknown): void {
    if (typeof seconds !== "number") throw wrongType(name, "a number of seconds", seconds);
    this.#mask |= bit;
    this.number(seconds);
  }

  // What the fields are made of.

  number(number: number): void {
    const at = this.#field;
    if (at === this.fields.length) this.#growFields(1);
    this.fields[at] = number;
    this.#field = at + 1;
  }

  /** Writes a number whose range the core knows. */
  amount(name: string, amount: unknown): void {
    if (typeof amount !== "number") throw wrongType(name, "a number", amount);
    this.number(amount);
  }

  /** Writes an integer of 64 bits without sign. */
  wide(name: string, integer: unknown): void {
    if (typeof integer === "number") {
      if (!Number.isSafeInteger(integer) || integer < 0) throw outOfRange(name, integer);
      this.number(integer >>> 0);
      this.number(Math.floor(integer / 2 ** 32));
    } else if (typeof integer === "bigint") {
      if (integer < 0n || integer >= 2n ** 64n) throw outOfRange(name, integer);
      this.number(Number(BigInt.asUintN(32, integer)));
      this.number(Number(integer >> 32n));
    } else {
      throw wrongType(name, "a number or a bigint", integer);
    }
  }

  /** Writes a key and returns how many bytes it has. */
  key(key: unknown): number {
    if (typeof key === "string") {
      const length = this.#text(key);
      if (length !== key.length && !key.isWellFormed()) {
        throw new InvalidKeyError("key has half of a surrogate pair");
      }
      return length;
    }
    if (key instanceof Uint8Array) return this.#data(key);
    throw new InvalidKeyError(`key is neither text nor bytes but ${describe(key)}`);
  }

  /** Writes text with its length among the fields. */
  textWithLength(text: string): void {
    const at = this.#field;
    this.number(0);
    const length = this.#text(text);
    this.fields[at] = length;
  }

  /** Writes flags and bytes as they are to be stored; returns how many bytes the key has. */
  rawItem(key: unknown, bytes: unknown, flags: unknown): number {
    if (!(bytes instanceof Uint8Array)) throw wrongType("the value", "bytes", bytes);
    this.amount("flags", flags);
    this.number(bytes.length);
    const length = this.key(key);
    this.#data(bytes);
    return length;
  }

  /** Writes keys with their lengths, and returns how many. */
  keys(keys: readonly Key[]): number {
    for (const key of keys) {
      const at = this.#field;
      this.number(0);
      // Not in one statement: the array may be another one afterwards.
      const length = this.key(key);
      this.fields[at] = length;
    }
    return keys.length;
  }

  /** Writes keys and values with their lengths, and returns how many. */
  items(items: readonly (readonly [Key, unknown])[]): number {
    for (const [key, value] of items) {
      const at = this.#field;
      this.number(0);
      const length = this.item(key, value);
      this.fields[at] = length;
    }
    return items.length;
  }

  /** Writes a key and its value; returns how many bytes the key has. */
  item(key: unknown, value: unknown): number {
    const at = this.#field;
    this.number(0);
    this.number(0);
    const length = this.key(key);
    const { kind, data } = lower(value, this.#serializing);
    const size = typeof data === "string" ? this.#text(data) : this.#data(data);
    this.fields[at] = kind;
    this.fields[at + 1] = size;
    return length;
  }

  #text(text: string): number {
    const length = text.length;
    const at = this.#byte;
    // A UTF-16 unit takes at most three bytes.
    if (at + length * 3 > this.bytes.length) this.#growBytes(length * 3);
    const bytes = this.bytes;
    if (length <= shortText) {
      let index = 0;
      for (; index < length; index++) {
        const unit = text.charCodeAt(index);
        if (unit >= 0x80) break;
        bytes[at + index] = unit;
      }
      if (index === length) {
        this.#byte = at + length;
        return length;
      }
    }
    const written = bytes.write(text, at);
    this.#byte = at + written;
    return written;
  }

  #data(data: Uint8Array): number {
    const at = this.#byte;
    const length = data.length;
    if (at + length > this.bytes.length) this.#growBytes(length);
    this.bytes.set(data, at);
    this.#byte = at + length;
    return length;
  }

  #growFields(more: number): void {
    const fields = new Float64Array(Math.max(this.fields.length * 2, this.#field + more));
    fields.set(this.fields);
    this.fields = fields;
    this.replaced = true;
  }

  #growBytes(more: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.#byte + more));
    this.bytes.copy(bytes, 0, 0, this.#byte);
    this.bytes = bytes;
    this.replaced = true;
  }
}

function wrongType(name: string, wanted: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`${name} is not ${wanted} but ${describe(value)}`);
}

function outOfRange(name: string, value: number | bigint): InvalidArgumentError {
  return new InvalidArgumentError(`${name} is no whole number from 0 to 2^64 - 1: ${value}`);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
