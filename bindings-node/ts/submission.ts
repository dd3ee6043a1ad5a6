/**
 * Packs the calls of a turn of the event loop into two arrays, which the core
 * takes over at once.
 *
 * `bindings-node/src/client/submission.rs` is the other end and describes the
 * layout. A call is written between {@link Submission.begin} and
 * {@link Submission.commit}; what is begun and not committed, because an
 * argument turned out to be wrong, is written over by the next one.
 */

import { InvalidArgumentError, InvalidKeyError } from "./errors.js";
import { lower } from "./values.js";

/** What a call does; the numbers are those of `src/client/submission.rs`. */
export const Verb = {
  Nothing: 0,
  Retrieve: 1,
  RetrieveMany: 2,
  Set: 3,
  Add: 4,
  Replace: 5,
  Append: 6,
  Prepend: 7,
  SetMany: 8,
  AddMany: 9,
  Delete: 10,
  DeleteMany: 11,
  Touch: 12,
  TouchMany: 13,
  Increment: 14,
  Decrement: 15,
  Flush: 16,
  Version: 17,
  Stats: 18,
  Verbosity: 19,
  CacheMemlimit: 20,
  Noop: 21,
} as const;
export type Verb = (typeof Verb)[keyof typeof Verb];

/** What a retrieval wants of an item, as bits. */
export const Want = { Existence: 0, Value: 1, ValueAndCas: 3, All: 31 } as const;
export type Want = (typeof Want)[keyof typeof Want];

/** Which optional fields a call has, as bits. */
const Mask = { Timeout: 1, ServerKey: 2, Expiry: 4, Cas: 8, Initial: 16 } as const;

/** Numbers and bytes that the arrays begin with. */
const firstFields = 1024;
const firstBytes = 64 * 1024;

/** Beyond this a text is written by the engine rather than character by character. */
const shortText = 48;

/** A key, as text or as bytes. */
export type Key = string | Uint8Array;

export class Submission {
  fields = new Float64Array(firstFields);
  bytes = Buffer.allocUnsafeSlow(firstBytes);
  /** How many fields are filled with complete calls. */
  count = 0;
  /** How many bytes belong to them. */
  used = 0;
  /** Whether the arrays are others than before. */
  replaced = false;

  /** Where the next field and the next byte go. */
  #field = 0;
  #byte = 0;
  #mask = 0;

  /** Begins a call. */
  begin(verb: Verb, token: number): void {
    const at = this.count;
    if (at + 16 > this.fields.length) this.#growFields(16);
    this.fields[at] = verb;
    this.fields[at + 1] = token;
    this.#field = at + 4;
    this.#byte = this.used;
    this.#mask = 0;
  }

  /** Ends a call, which concerns `count` bytes of key, or as many keys. */
  commit(count: number): void {
    this.fields[this.count + 2] = this.#mask;
    this.fields[this.count + 3] = count;
    this.count = this.#field;
    this.used = this.#byte;
  }

  /** Makes the call begun at `position` do nothing. */
  erase(position: number): void {
    this.fields[position] = Verb.Nothing;
  }

  /** Forgets everything, which the core has taken over. */
  clear(): void {
    this.count = 0;
    this.used = 0;
    if (this.bytes.length > 16 * firstBytes || this.fields.length > 64 * firstFields) {
      this.fields = new Float64Array(firstFields);
      this.bytes = Buffer.allocUnsafeSlow(firstBytes);
      this.replaced = true;
    }
  }

  // The optional fields, in this order.

  timeout(seconds: unknown): void {
    if (typeof seconds !== "number") throw wrongType("timeout", "a number of seconds", seconds);
    this.#mask |= Mask.Timeout;
    this.number(seconds);
  }

  serverKey(key: unknown): void {
    this.#mask |= Mask.ServerKey;
    this.number(this.key(key));
  }

  expiry(seconds: unknown): void {
    if (typeof seconds !== "number") throw wrongType("expires", "a number of seconds", seconds);
    this.#mask |= Mask.Expiry;
    this.number(seconds);
  }

  cas(id: unknown): void {
    if (typeof id !== "bigint") throw wrongType("cas", "a bigint, as gets returns it", id);
    this.#mask |= Mask.Cas;
    this.wide("cas", id);
  }

  initial(number: unknown): void {
    this.#mask |= Mask.Initial;
    this.wide("initial", number);
  }

  // What the fields are made of.

  number(number: number): void {
    const at = this.#field;
    if (at === this.fields.length) this.#growFields(1);
    this.fields[at] = number;
    this.#field = at + 1;
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

  /** Writes keys with their lengths. */
  keys(keys: readonly Key[]): void {
    for (const key of keys) {
      const at = this.#field;
      this.number(0);
      this.fields[at] = this.key(key);
    }
  }

  /** Writes a key and its value; returns how many bytes the key has. */
  item(key: unknown, value: unknown): number {
    const at = this.#field;
    this.number(0);
    this.number(0);
    const length = this.key(key);
    const { kind, data } = lower(value);
    this.fields[at] = kind;
    this.fields[at + 1] = typeof data === "string" ? this.#text(data) : this.#data(data);
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
