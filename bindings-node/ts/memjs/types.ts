/**
 * What programs tell memjs and get from it, as types with the names of
 * `@types/memjs`.
 */

/** How a client works. Times are in seconds. */
export interface ClientOptions<TIn = string | Buffer, TOut = Buffer | null> {
  /** Attempts in all: 0 and 1 both mean a single one. Default 2. */
  retries?: number | null | undefined;
  /** Pause before another attempt. Default 0.2. */
  retry_delay?: number | null | undefined;
  /**
   * Seconds to live where a call names none: 0 for ever, over 30 days a Unix
   * time. Default 0.
   */
  expires?: number | null | undefined;
  /** Whether the next server gets the keys of one that fails. Default false. */
  failover?: boolean | null | undefined;
  /** How long a server that failed is skipped, with `failover`. Default 60. */
  failoverTime?: number | null | undefined;
  /** Gets a line for each error. Default `console`. */
  logger?: Logger | null | undefined;
  /** Turns values into bytes and back. Default: bytes stay as they are. */
  serializer?: Serializer<TIn, TOut> | null | undefined;
}

/** How servers are reached. Times are in seconds. */
export interface ServerOptions {
  /** For servers that have none in their address. */
  username?: string | null | undefined;
  /** For servers that have none in their address. */
  password?: string | null | undefined;
  /**
   * How to authenticate; not known to memjs. Default `sasl`, which needs the
   * binary protocol.
   */
  auth?: "sasl" | "ascii" | undefined;
  /** For a reply. Default 0.5. */
  timeout?: number | null | undefined;
  /** For opening a connection. Default twice the `timeout`. */
  conntimeout?: number | null | undefined;
  /** Whether the system probes idle connections. Default false. */
  keepAlive?: boolean | null | undefined;
  /** When it begins to. Default 30. */
  keepAliveDelay?: number | null | undefined;
}

/** What lines are logged to. */
export interface Logger {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the program's logger takes.
  log(...args: any[]): void;
}

/**
 * Turns values into bytes and back.
 *
 * The opcode is 0 for get, 1 for set, 2 for add, 3 for replace, 14 for append
 * and prepend. The extras of set, add and replace are eight bytes: flags and
 * seconds to live. Those of get are the four bytes of flags; for append and
 * prepend an empty text stands in their place.
 */
export interface Serializer<TIn, TOut> {
  serialize(opcode: number, value: TIn, extras: Buffer): { value: string | Buffer; extras: Buffer };
  deserialize(
    opcode: number,
    value: Buffer | null,
    extras: Buffer,
  ): { value: TOut; extras: Buffer };
}

/** What a call that stores can be told. */
export interface InsertOptions {
  /** Seconds to live, instead of the client's `expires`: 0 for ever, negative for at once. */
  expires?: number | null | undefined;
}

/** What a call that counts can be told. */
export interface IncrementDecrementOptions extends InsertOptions {
  /** What a counter begins with; nothing is added then. Default 0. */
  initial?: number | null | undefined;
}

/** Gets a value and its flags; null on a miss, and on an error. */
export type GetCallback<TOut> = (
  error: Error | null,
  value: TOut | null,
  flags: Buffer | null,
) => void;

/** Gets whether it was done; null on an error. */
export type SuccessCallback = (error: Error | null, success: boolean | null) => void;

/** Gets the number; null on an error. */
export type CountCallback = (
  error: Error | null,
  success: boolean | null,
  value?: number | null,
) => void;

/** Gets the outcome of each server, and the last error. */
export type FlushCallback = (
  lastError: Error | null,
  results: Record<string, boolean | Error>,
) => void;

/** Is called for each server with its report. */
export type StatsCallback = (
  error: Error | null,
  server: string,
  stats: Record<string, string> | null,
) => void;
