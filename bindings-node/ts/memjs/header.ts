/**
 * The first 24 bytes of requests and replies of the binary protocol, as memjs
 * shows them in its export `Header`.
 */

/** What stands in a header. */
export interface Header {
  /** 0x80 for a request, 0x81 for a reply. */
  magic: number;
  opcode: number;
  keyLength: number;
  extrasLength: number;
  dataType?: number;
  /** 0 for success; of replies only. */
  status?: number;
  /** Bytes of extras, key and value together. */
  totalBodyLength: number;
  /** A number that a reply repeats. */
  opaque?: number;
  /** Eight bytes. */
  cas?: Buffer | undefined;
}

/** How many bytes a header has. */
export const headerLength = 24;

/** Returns what the bytes of a header say. */
export function fromBuffer(bytes: Buffer): Required<Header>;
export function fromBuffer(bytes?: Buffer): Partial<Header>;
export function fromBuffer(bytes?: Buffer): Partial<Header> {
  if (!bytes) return {};
  return {
    magic: bytes.readUInt8(0),
    opcode: bytes.readUInt8(1),
    keyLength: bytes.readUInt16BE(2),
    extrasLength: bytes.readUInt8(4),
    dataType: bytes.readUInt8(5),
    status: bytes.readUInt16BE(6),
    totalBodyLength: bytes.readUInt32BE(8),
    opaque: bytes.readUInt32BE(12),
    cas: bytes.subarray(16, headerLength),
  };
}

/** Returns the bytes of a header. */
export function toBuffer(header: Header): Buffer {
  const bytes = Buffer.alloc(headerLength);
  bytes.writeUInt8(header.magic, 0);
  bytes.writeUInt8(header.opcode, 1);
  bytes.writeUInt16BE(header.keyLength, 2);
  bytes.writeUInt8(header.extrasLength, 4);
  bytes.writeUInt8(header.dataType || 0, 5);
  bytes.writeUInt16BE(header.status || 0, 6);
  bytes.writeUInt32BE(header.totalBodyLength, 8);
  bytes.writeUInt32BE(header.opaque || 0, 12);
  header.cas?.copy(bytes, 16);
  return bytes;
}
