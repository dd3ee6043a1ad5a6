/**
 * Serializers of the program's own, for values that are neither bytes nor text
 * nor integers.
 *
 * ```js
 * import { pack, unpack } from "msgpackr";
 * import { Client } from "memoxide";
 *
 * const cache = new Client("127.0.0.1", {
 *   serializer: { format: "msgpack", serialize: pack, deserialize: unpack },
 * });
 * ```
 */

import { ConfigError, DecodeError, EncodeError } from "./errors.js";
import { native } from "./native.js";

/** A format that dialects have flags for. */
export type SerializerFormat = "igbinary" | "marshal" | "msgpack" | "php" | "pickle";

/**
 * Turns values into bytes and back. It is asked for what would else be JSON, and
 * for instances of classes; bytes, text and integers are stored as such.
 *
 * Give either the `format`, whose flags the dialect knows, or `flags` of your own.
 */
export interface Serializer {
  /** The format of the bytes. Other clients know by it what they are. */
  readonly format?: SerializerFormat | undefined;
  /**
   * The flags to store with the bytes, and to know them by. Give some that have none of
   * the dialect's marks of compression (in `memoxide` 8), or values are not compressed.
   */
  readonly flags?: number | undefined;
  /** Returns the bytes of a value. It must answer at once and cannot use the client. */
  serialize(value: unknown): Uint8Array;
  /** Returns the value of bytes, which are nobody else's. */
  deserialize(bytes: Buffer): unknown;
}

/** What is used of the package `@msgpack/msgpack`. */
interface MessagePackPackage {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array, options: { useBigInt64: boolean }): unknown;
}

/**
 * MessagePack, by the package `@msgpack/msgpack`.
 *
 * @throws ConfigError if the package is not installed.
 */
export function messagePack(): Serializer {
  let found: MessagePackPackage;
  try {
    found = require("@msgpack/msgpack");
  } catch (cause) {
    const message = 'serializer "msgpack" needs the package: npm install @msgpack/msgpack';
    throw new ConfigError(message, { cause });
  }
  const { decode, encode } = found;
  return {
    format: "msgpack",
    serialize: (value) => encode(value),
    // Integers of 64 bits, so that none is rounded.
    deserialize: (bytes) => narrowed(decode(bytes, { useBigInt64: true })),
  };
}

/** Makes numbers of the integers that are exact as such. */
function narrowed(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = narrowed(value[index]);
  } else if (typeof value === "object" && value !== null && isTree(value)) {
    const tree = value as Record<string, unknown>;
    for (const key of Object.keys(tree)) tree[key] = narrowed(tree[key]);
  }
  return value;
}

/** Whether a value has parts of its own, rather than being bytes or a date. */
function isTree(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Where the numbers of kinds begin that serializers make. */
const firstKind = 16;

const formats = native.formats();

/** A value that a serializer has made and that is still to be read. */
export class Serialized {
  constructor(
    readonly kind: number,
    readonly bytes: Buffer,
    readonly flags: number,
  ) {}
}

/** Whether values of this kind are a serializer's. */
export function isSerialized(kind: number): boolean {
  // Above stands the mark of text that is ASCII.
  return (kind & 0xff) >= firstKind;
}

/** A serializer that was looked at. */
export class Serializing {
  readonly #serializer: Serializer;
  readonly #kind: number;
  /** The flags, where they are the program's own. */
  readonly flags: number | undefined;
  /** The format, where it has a name. */
  readonly format: SerializerFormat | undefined;

  /**
   * Looks at a serializer.
   *
   * @throws ConfigError if it is none.
   */
  constructor(serializer: Serializer) {
    const { format, flags, serialize, deserialize } = serializer;
    if (typeof serialize !== "function" || typeof deserialize !== "function") {
      throw new ConfigError("a serializer has the functions serialize and deserialize");
    }
    if ((format === undefined) === (flags === undefined)) {
      throw new ConfigError("a serializer has either a format or flags");
    }
    const isOpaque = format === undefined;
    const index = formats.indexOf(isOpaque ? "opaque" : format);
    if (index < 0 || (format as string) === "opaque") {
      const names = formats.filter((name) => name !== "opaque").join(", ");
      throw new ConfigError(`the format of a serializer is one of: ${names}`);
    }
    if (isOpaque && !(Number.isInteger(flags) && Number(flags) > 0 && Number(flags) < 2 ** 32)) {
      throw new ConfigError("flags of a serializer are a whole number of 32 bits above 0");
    }
    this.#serializer = serializer;
    this.#kind = firstKind + index;
    this.flags = flags;
    this.format = format;
  }

  /** Returns the kind of a value and its bytes. */
  lower(value: unknown): { readonly kind: number; readonly data: Uint8Array } {
    let bytes: unknown;
    try {
      bytes = this.#serializer.serialize(value);
    } catch (cause) {
      throw new EncodeError("the serializer failed", { cause });
    }
    if (!(bytes instanceof Uint8Array)) throw new EncodeError("the serializer returned no bytes");
    if (this.flags === undefined) return { kind: this.#kind, data: bytes };
    const data = Buffer.allocUnsafe(4 + bytes.length);
    data.writeUInt32LE(this.flags);
    data.set(bytes, 4);
    return { kind: this.#kind, data };
  }

  /** Returns the value. */
  raise({ kind, bytes, flags }: Serialized): unknown {
    if (kind !== this.#kind) throw unread(kind, bytes, flags);
    try {
      return this.#serializer.deserialize(bytes);
    } catch (cause) {
      throw new DecodeError("the serializer failed", { cause, raw: { flags, bytes } });
    }
  }
}

/** Returns the value of something serialized; other values are what they are. */
export function raised(value: unknown, serializing: Serializing | undefined): unknown {
  if (!(value instanceof Serialized)) return value;
  if (serializing !== undefined) return serializing.raise(value);
  throw unread(value.kind, value.bytes, value.flags);
}

function unread(kind: number, bytes: Buffer, flags: number): DecodeError {
  const name = formats[kind - firstKind];
  return new DecodeError(`value is ${name}, which is not read here`, { raw: { flags, bytes } });
}
