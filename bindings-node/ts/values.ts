/**
 * Turns JavaScript values into what the core stores, and back.
 *
 * The core knows bytes, text, integers, JSON text and the three numbers that
 * JSON has no text for; flags and formats are its own business. What a type
 * becomes is decided here, by exact type: a class instance, a `Map` or a `Date`
 * would come back as something else than what was stored, so it is refused.
 *
 * | JavaScript | core | comes back as |
 * |---|---|---|
 * | `Uint8Array`, `Buffer` | bytes | `Buffer` |
 * | string | text | string |
 * | number that is a safe integer, bigint | integer | number when safe, else bigint |
 * | other number, boolean, null, array, plain object | JSON | the same |
 *
 * A number beyond 2^53 - 1 counts as a floating-point number, since that is how
 * precise it is; write a bigint to store an exact integer of that size.
 */

import { types } from "node:util";

import { EncodeError } from "./errors.js";
import { native } from "./native.js";
import { isSerialized, type Serializing } from "./serializers.js";

/** What the core takes a value for; the numbers are those of `src/value.rs`. */
export const Kind = { Bytes: 0, Text: 1, Integer: 2, Json: 3, NonFinite: 4 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** A value as the core takes it. */
export interface Plain {
  readonly kind: number;
  /** The bytes, or text that is well formed. */
  readonly data: string | Uint8Array;
}

/** The most arrays and objects that may stand inside each other. */
const maxDepth = native.maxDepth();

/**
 * Returns what the core is to store for `value`, with a serializer of the
 * program's for what is neither bytes nor text nor an integer.
 *
 * JSON text is checked further by the core: integers beyond 2^53 - 1 and halves
 * of surrogate pairs inside a tree are refused there.
 *
 * @throws EncodeError for a type that would not come back as it is.
 */
export function lower(value: unknown, serializing?: Serializing): Plain {
  if (serializing !== undefined && !isScalar(value)) return serializing.lower(value);
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw new EncodeError("text has half of a surrogate pair");
      return { kind: Kind.Text, data: value };
    case "number":
      return lowerNumber(value);
    case "bigint":
      return { kind: Kind.Integer, data: value.toString() };
    case "boolean":
      return { kind: Kind.Json, data: value ? "true" : "false" };
    case "object":
      if (types.isUint8Array(value)) return { kind: Kind.Bytes, data: value };
      checkTree(value, 0);
      return { kind: Kind.Json, data: JSON.stringify(value) };
    default:
      throw refusal(value);
  }
}

/** Whether a value has a form of its own in every dialect. */
function isScalar(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "bigint":
    case "undefined":
      return true;
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0);
    default:
      return types.isUint8Array(value);
  }
}

/** Added to a kind when every byte of the value is ASCII. */
const ascii = 0x100;

/** Returns the JavaScript value for bytes `start` to `end` of a chunk that will be reused. */
export function raise(kind: number, chunk: Buffer, start: number, end: number): unknown {
  if (kind === Kind.Bytes || isSerialized(kind)) {
    // Never a view: it would keep the whole chunk alive, and see it change.
    const bytes = Buffer.allocUnsafe(end - start);
    chunk.copy(bytes, 0, start, end);
    return bytes;
  }
  const text = chunk.toString(kind & ascii ? "latin1" : "utf8", start, end);
  switch (kind & ~ascii) {
    case Kind.Text:
      return text;
    case Kind.Integer: {
      const number = Number(text);
      return Number.isSafeInteger(number) ? number : BigInt(text);
    }
    case Kind.Json:
      return JSON.parse(text);
    default:
      return Number(text);
  }
}

/** Returns the JavaScript value for bytes that are nobody else's. */
export function raiseOwned(kind: number, bytes: Buffer): unknown {
  const isBytes = kind === Kind.Bytes || isSerialized(kind);
  return isBytes ? bytes : raise(kind, bytes, 0, bytes.length);
}

function lowerNumber(value: number): Plain {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    return { kind: Kind.Integer, data: String(value) };
  }
  if (!Number.isFinite(value)) return { kind: Kind.NonFinite, data: String(value) };
  // A fraction or an exponent makes every reader take it for a floating-point
  // number, as it is here.
  const digits = Object.is(value, -0) ? "-0" : String(value);
  const data = /[.e]/.test(digits) ? digits : `${digits}.0`;
  return { kind: Kind.Json, data };
}

/** Refuses what `JSON.stringify` would drop, change or hide in a text that looks right. */
function checkTree(value: unknown, depth: number): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw new EncodeError(`cannot store ${value} inside a tree`);
      return;
    case "bigint":
      throw new EncodeError("cannot store a bigint inside a tree");
    case "object":
      break;
    default:
      throw refusal(value);
  }
  if (value === null) return;
  // A cycle ends here too.
  if (depth === maxDepth) throw new EncodeError("arrays and objects are nested too deeply");
  if (!isPlain(value)) throw refusal(value);
  if (Array.isArray(value)) {
    // By index, so that a hole is met as the undefined that it reads as.
    for (let index = 0; index < value.length; index++) checkTree(value[index], depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    checkTree((value as Record<string, unknown>)[key], depth + 1);
  }
}

/**
 * Whether no class stands between an object and the end of its prototypes.
 *
 * Nothing is compared with this realm's `Object.prototype`, so that plain
 * objects of another realm (a test runner, `node:vm`) are plain here too.
 */
function isPlain(value: object): boolean {
  let prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Array.isArray(value)) prototype = Object.getPrototypeOf(prototype);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function refusal(value: unknown): EncodeError {
  const type = typeof value;
  if (type !== "object")
    return new EncodeError(`cannot store ${type === "undefined" ? type : `a ${type}`}`);
  const name = (value as object).constructor?.name;
  return new EncodeError(`cannot store an instance of ${name || "an unnamed class"}`);
}
