/**
 * A request with its parts, and replies as memjs hands them around.
 *
 * Servers of this package take a request as it is; bytes are made of it where a
 * program has put its own functions between client and server.
 */

import { fromBuffer, type Header } from "./header.js";
import { type Bytes, bytesOf, type Message, makeRequestBuffer, parseMessage } from "./utils.js";

export const nothing = Buffer.alloc(0);

/** A request. */
export interface Request {
  readonly opcode: number;
  readonly key: string | Buffer;
  readonly extras: Buffer;
  readonly value: string | Buffer;
  /** What the reply is named by. */
  readonly seq: number;
}

/** Returns a request; what is no bytes is refused as by `Buffer.from`. */
export function request(
  opcode: number,
  key: Bytes,
  extras: Bytes,
  value: Bytes,
  seq: number,
): Request {
  return { opcode, key: plain(key), extras: bytesOf(extras), value: plain(value), seq };
}

/** Returns the bytes of a request. */
export function encoded({ opcode, key, extras, value, seq }: Request): Buffer {
  return makeRequestBuffer(opcode, key, extras, value, seq);
}

/**
 * Takes the bytes of a request apart.
 *
 * @throws TypeError when they are not one whole request.
 */
export function decoded(bytes: Buffer): Request {
  const message = parseMessage(bytes);
  if (message === false) throw new TypeError("bytes are no request of the binary protocol");
  const { header, key, extras, val } = message;
  return { opcode: header.opcode, key, extras, value: val, seq: header.opaque };
}

/** Returns the reply of a server to a request. */
export function reply(
  { opcode, seq }: Request,
  status: number,
  val: Buffer = nothing,
  extras: Buffer = nothing,
  key: Buffer = nothing,
): Message {
  const header: Required<Header> = {
    magic: 0x81,
    opcode,
    keyLength: key.length,
    extrasLength: extras.length,
    dataType: 0,
    status,
    totalBodyLength: key.length + extras.length + val.length,
    opaque: seq,
    cas: noCas,
  };
  return { header, key, extras, val };
}

const noCas = fromBuffer(Buffer.alloc(24)).cas;

/** Text stays text, which the driver packs without a buffer in between. */
function plain(value: Bytes): string | Buffer {
  // Half of a surrogate pair becomes U+FFFD, as ever.
  if (typeof value === "string" && value.isWellFormed()) return value;
  return bytesOf(value);
}
