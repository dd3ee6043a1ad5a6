/**
 * Opcodes and statuses of the binary protocol, which are the terms that memjs,
 * its serializers and its error texts speak in.
 */

export const Opcode = {
  Get: 0x00,
  Set: 0x01,
  Add: 0x02,
  Replace: 0x03,
  Delete: 0x04,
  Increment: 0x05,
  Decrement: 0x06,
  Quit: 0x07,
  Flush: 0x08,
  Append: 0x0e,
  Prepend: 0x0f,
  Stat: 0x10,
  Touch: 0x1c,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

export const Status = {
  Success: 0x00,
  KeyNotFound: 0x01,
  KeyExists: 0x02,
  ValueTooLarge: 0x03,
  InvalidArguments: 0x04,
  ItemNotStored: 0x05,
  NotNumeric: 0x06,
  AuthenticationFailed: 0x20,
  UnknownCommand: 0x81,
  OutOfMemory: 0x82,
  InternalError: 0x84,
} as const;

/** What memjs calls each status in its errors. */
export const statusTexts: Readonly<Record<number, string>> = {
  0: "No error",
  1: "Key not found",
  2: "Key exists",
  3: "Value too large",
  4: "Invalid arguments",
  5: "Item not stored",
  6: "Incr/Decr on non-numeric value",
  7: "The vbucket belongs to another server",
  8: "Authentication error",
  9: "Authentication continue",
  129: "Unknown command",
  130: "Out of memory",
  131: "Not supported",
  132: "Internal error",
  133: "Busy",
  134: "Temporary failure",
};

/**
 * The requests that leave the same behind when they are done twice, so that
 * they may be sent again when nobody knows what became of them.
 */
export const repeatable: ReadonlySet<number> = new Set([
  Opcode.Get,
  Opcode.Set,
  Opcode.Replace,
  Opcode.Delete,
  Opcode.Touch,
]);
