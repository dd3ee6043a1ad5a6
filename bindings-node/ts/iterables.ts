/**
 * Reads keys and items in the forms that programs hand them over.
 */

import type { Items, Key } from "./cache.js";
import { InvalidArgumentError, InvalidKeyError } from "./errors.js";

/** Returns the bytes of a key. */
export function bytesOf(key: unknown): Uint8Array {
  if (typeof key === "string") return Buffer.from(key);
  if (key instanceof Uint8Array) return key;
  throw new InvalidKeyError(`key is neither text nor bytes but a ${typeof key}`);
}

/** Returns the keys as a list. */
export function keysOf<K extends Key>(keys: Iterable<K>): K[] {
  if (typeof keys === "object" && keys !== null && Symbol.iterator in keys) return [...keys];
  throw new InvalidArgumentError("keys are no array and no other iterable of keys");
}

/** Returns keys and values as a list. */
export function pairsOf<V>(items: Items<V>): (readonly [Key, V])[] {
  if (typeof items !== "object" || items === null) {
    throw new InvalidArgumentError("items are no map, no object and no iterable of pairs");
  }
  if (!(Symbol.iterator in items)) return Object.entries(items);
  const pairs = [...(items as Iterable<readonly [Key, V]>)];
  for (const pair of pairs) {
    if (!Array.isArray(pair)) throw new InvalidArgumentError("an item is no pair of key and value");
  }
  return pairs;
}
