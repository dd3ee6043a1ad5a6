/**
 * What memjs has in its export `Utils`: requests and replies of the binary
 * protocol as bytes, and small helpers.
 *
 * The client itself makes such bytes only for servers that are a program's own,
 * with a `write` that is not ours.
 */

import { native } from "../native.js";
import { fromBuffer, type Header, headerLength, toBuffer } from "./header.js";

/** What `Buffer.from` makes bytes of. */
export type Bytes = string | Uint8Array | ArrayBuffer | readonly number[];

/** A request or a reply, taken apart. */
export interface Message {
  header: Required<Header>;
  key: Buffer;
  extras: Buffer;
  val: Buffer;
}

/** Returns bytes as a buffer; `Buffer.from` says what is no bytes. */
export function bytesOf(value: Bytes): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value as string);
}

/** Returns the bytes of a request. */
export function makeRequestBuffer(
  opcode: number,
  key: Bytes,
  extras: Bytes,
  value: Bytes,
  opaque?: number,
): Buffer {
  const body = [bytesOf(extras), bytesOf(key), bytesOf(value)] as const;
  const header = toBuffer({
    magic: 0x80,
    opcode,
    keyLength: body[1].length,
    extrasLength: body[0].length,
    totalBodyLength: body[0].length + body[1].length + body[2].length,
    opaque: opaque ?? 0,
  });
  return Buffer.concat([header, ...body]);
}

/** Returns the extras of a request that counts; the numbers have 32 bits at most. */
export function makeAmountInitialAndExpiration(
  amount: number,
  amountIfEmpty: number,
  expiration: number,
): Buffer {
  const extras = Buffer.alloc(20);
  extras.writeUInt32BE(amount, 4);
  extras.writeUInt32BE(amountIfEmpty, 12);
  extras.writeUInt32BE(expiration, 16);
  return extras;
}

/** Returns seconds to live as four bytes. */
export function makeExpiration(expiration: number): Buffer {
  const extras = Buffer.alloc(4);
  extras.writeUInt32BE(expiration, 0);
  return extras;
}

/** Returns the number whose remainder by the number of servers tells where a key is. */
export function hashCode(key: string): number {
  return native.memjsHash(key);
}

/** Takes the first message apart; `false` while it is incomplete. */
export function parseMessage(bytes: Buffer): Message | false {
  if (bytes.length < headerLength) return false;
  const header = fromBuffer(bytes);
  const { keyLength, extrasLength, totalBodyLength } = header;
  const end = headerLength + totalBodyLength;
  if (bytes.length < end || totalBodyLength < keyLength + extrasLength) return false;
  const key = headerLength + extrasLength;
  return {
    header,
    key: bytes.subarray(key, key + keyLength),
    extras: bytes.subarray(headerLength, key),
    val: bytes.subarray(key + keyLength, end),
  };
}

/** Puts defaults where an object has nothing, or null; returns the object. */
export function merge<T extends object, D extends object>(original: T, defaults: D): T & D {
  const merged = original as Record<string, unknown>;
  for (const [name, value] of Object.entries(defaults)) merged[name] ??= value;
  return original as T & D;
}

/** Returns milliseconds that never go back. */
export function timestamp(): number {
  return Math.round(performance.now());
}
