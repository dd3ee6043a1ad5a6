/**
 * A value that does not fit into the input: it is read to where it stays.
 */

/**
 * How many times the bytes that have come may be reserved: a value of 1 MB is
 * not moved again, and a lie about the length costs no more than that.
 */
const reservedAhead = 16;

/** A value being collected. */
export class LargeValue {
  #bytes: Buffer;
  #filled: number;
  readonly #length: number;

  /** Begins with what has come of a value that will have `length` bytes with its line end. */
  constructor(begin: Buffer, length: number) {
    this.#length = length;
    this.#filled = 0;
    this.#bytes = begin;
    this.#reserve(begin.length);
  }

  /** Where the next bytes go. */
  get room(): Buffer {
    return this.#bytes.subarray(this.#filled);
  }

  /** The value with its line end, once it is complete. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Notes that the first `count` bytes of the room are filled; tells whether the value is complete. */
  add(count: number): boolean {
    this.#filled += count;
    if (this.#filled === this.#length) return true;
    if (this.#filled === this.#bytes.length) this.#reserve(this.#filled);
    return false;
  }

  #reserve(filled: number): void {
    const room = Math.min(this.#length, Math.max(filled, 4096) * reservedAhead);
    const bytes = Buffer.allocUnsafeSlow(room);
    this.#bytes.copy(bytes, 0, 0, filled);
    this.#bytes = bytes;
    this.#filled = filled;
  }
}
