/**
 * What can go wrong, as classes.
 *
 * Every error of this package is a {@link MemoxideError}; its `kind` and `code`
 * tell what happened, its predicates what to do about it. A miss, a refused
 * `add` and a cas conflict are results and have no class here. A cancelled call
 * rejects with the `AbortError` of its signal.
 *
 * ```js
 * try {
 *   await cache.set("user:1", { name: "Ada" });
 * } catch (error) {
 *   if (error instanceof MemoxideError && error.isRetryable) queue.push(error.endpoint);
 *   else throw error;
 * }
 * ```
 *
 * The kinds and the rules behind the predicates are the core's
 * (`core/src/error.rs`); `tests/errors.json` lists the names in every language.
 */

import type { ErrorFields, ErrorTraits, RawValue } from "../native.js";
import { native } from "./native.js";

/** Whether a failed request may have taken effect at the server. */
export type Sent = NonNullable<ErrorFields["sent"]>;

/** Where a call was when its deadline passed. */
export type Phase = NonNullable<ErrorFields["phase"]>;

/** What is known about an error beyond its message. */
export interface ErrorDetails {
  /** The endpoint concerned, as `host:port` or a path. */
  endpoint?: string | undefined;
  /** Whether the request may have been applied, for errors of the way. */
  sent?: Sent | undefined;
  /** Where the call was when its deadline passed. */
  phase?: Phase | undefined;
  /** The flags and bytes that could not be decoded. */
  raw?: RawValue | undefined;
  /** The errors of the single servers. */
  parts?: readonly MemoxideError[] | undefined;
  /** What the call would have resolved to, as far as it is known. */
  results?: unknown;
  /** The underlying error. */
  cause?: unknown;
}

/** The base of every error of this package. */
export abstract class MemoxideError extends Error {
  /** The kind, named alike in Rust, Python and Node. */
  abstract readonly kind: string;
  /** The kind in the form of Node's own error codes. */
  abstract readonly code: `ERR_MEMOXIDE_${string}`;
  /** The endpoint concerned, as `host:port` or a path. */
  declare readonly endpoint?: string;
  /** Whether the request may have been applied, for errors of the way. */
  declare readonly sent?: Sent;
  /** Where the call was when its deadline passed. */
  declare readonly phase?: Phase;
  /** The flags and bytes that could not be decoded. */
  declare readonly raw?: RawValue;
  /** The errors of the single servers, of a {@link PartialError}. */
  declare readonly parts?: readonly MemoxideError[];

  constructor(message: string, details: ErrorDetails = {}) {
    const { cause, ...known } = details;
    super(message, cause === undefined ? undefined : { cause });
    for (const [name, value] of Object.entries(known)) {
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true });
    }
  }

  /** Whether the same call can be made again without risk of doing it twice. */
  get isRetryable(): boolean {
    return this.#traits.isRetryable;
  }

  /** Whether the request may have been applied although no reply arrived. */
  get isAmbiguous(): boolean {
    return this.#traits.isAmbiguous || (this.parts?.some((part) => part.isAmbiguous) ?? false);
  }

  /** Whether the deadline passed. */
  get isTimeout(): boolean {
    return this.#traits.isTimeout;
  }

  /** Whether the way to the server failed, rather than the request. */
  get isConnection(): boolean {
    return this.#traits.isConnection;
  }

  get #traits(): ErrorTraits {
    return native.errorTraits(this.kind, this.sent);
  }
}

/** The peer refused the credentials. */
export class AuthError extends MemoxideError {
  readonly kind = "Auth";
  readonly code = "ERR_MEMOXIDE_AUTH";
}

/** A local limit on queued or open work was reached; nothing was sent. */
export class BackpressureError extends MemoxideError {
  readonly kind = "Backpressure";
  readonly code = "ERR_MEMOXIDE_BACKPRESSURE";
}

/** The peer answered `CLIENT_ERROR` to a request that was well formed here. */
export class ClientError extends MemoxideError {
  readonly kind = "Client";
  readonly code = "ERR_MEMOXIDE_CLIENT";
}

/** The client, the connection or the embedded server was closed by its owner. */
export class ClosedError extends MemoxideError {
  readonly kind = "Closed";
  readonly code = "ERR_MEMOXIDE_CLOSED";
}

/** A setting, URL or server list does not parse or contradicts another. */
export class ConfigError extends MemoxideError {
  readonly kind = "Config";
  readonly code = "ERR_MEMOXIDE_CONFIG";
}

/** An `update` loop gave up: other writers were faster each time. */
export class ConflictError extends MemoxideError {
  readonly kind = "Conflict";
  readonly code = "ERR_MEMOXIDE_CONFLICT";
}

/** The connection could not be opened. */
export class ConnectError extends MemoxideError {
  readonly kind = "Connect";
  readonly code = "ERR_MEMOXIDE_CONNECT";
}

/** The connection ended before the reply was complete. */
export class ConnectionLostError extends MemoxideError {
  readonly kind = "ConnectionLost";
  readonly code = "ERR_MEMOXIDE_CONNECTION_LOST";
}

/** Stored bytes do not match what their flags promise. */
export class DecodeError extends MemoxideError {
  readonly kind = "Decode";
  readonly code = "ERR_MEMOXIDE_DECODE";
}

/** The value cannot be expressed in the chosen dialect. */
export class EncodeError extends MemoxideError {
  readonly kind = "Encode";
  readonly code = "ERR_MEMOXIDE_ENCODE";
}

/** An argument other than the key is of the wrong type or out of range. */
export class InvalidArgumentError extends MemoxideError {
  readonly kind = "InvalidArgument";
  readonly code = "ERR_MEMOXIDE_INVALID_ARGUMENT";
}

/** The key is empty, too long, or holds a character that memcached refuses. */
export class InvalidKeyError extends MemoxideError {
  readonly kind = "InvalidKey";
  readonly code = "ERR_MEMOXIDE_INVALID_KEY";
}

/** No server is configured or every one is out of service. */
export class NoServersError extends MemoxideError {
  readonly kind = "NoServers";
  readonly code = "ERR_MEMOXIDE_NO_SERVERS";
}

/** The stored value is not a decimal number. */
export class NotNumericError extends MemoxideError {
  readonly kind = "NotNumeric";
  readonly code = "ERR_MEMOXIDE_NOT_NUMERIC";
}

/** Some servers failed; the results of the others are attached. */
export class PartialError extends MemoxideError {
  readonly kind = "Partial";
  readonly code = "ERR_MEMOXIDE_PARTIAL";
  declare readonly parts: readonly MemoxideError[];
  /**
   * What the call would have resolved to, as far as it is known: the values that were
   * found, the reports of the servers that answered, or the keys that were not written
   * or may not have been.
   */
  declare readonly results?: unknown;
}

/** The peer answered something that is no answer to what was asked. */
export class ProtocolError extends MemoxideError {
  readonly kind = "Protocol";
  readonly code = "ERR_MEMOXIDE_PROTOCOL";
}

/** The host name could not be resolved. */
export class ResolveError extends MemoxideError {
  readonly kind = "Resolve";
  readonly code = "ERR_MEMOXIDE_RESOLVE";
}

/** The peer answered `SERVER_ERROR`. */
export class ServerError extends MemoxideError {
  readonly kind = "Server";
  readonly code = "ERR_MEMOXIDE_SERVER";
}

/** The deadline passed; `phase` tells where. */
export class TimeoutError extends MemoxideError {
  readonly kind = "Timeout";
  readonly code = "ERR_MEMOXIDE_TIMEOUT";
}

/** The TLS handshake or a certificate failed. */
export class TlsError extends MemoxideError {
  readonly kind = "Tls";
  readonly code = "ERR_MEMOXIDE_TLS";
}

/** The peer does not know the command. */
export class UnknownCommandError extends MemoxideError {
  readonly kind = "UnknownCommand";
  readonly code = "ERR_MEMOXIDE_UNKNOWN_COMMAND";
}

/** The operation is not available with this server, protocol or build. */
export class UnsupportedError extends MemoxideError {
  readonly kind = "Unsupported";
  readonly code = "ERR_MEMOXIDE_UNSUPPORTED";
}

/** The value is over the limit, here or at the server. */
export class ValueTooLargeError extends MemoxideError {
  readonly kind = "ValueTooLarge";
  readonly code = "ERR_MEMOXIDE_VALUE_TOO_LARGE";
}

/** The class of every kind, by its name. */
export const errorClasses = {
  Auth: AuthError,
  Backpressure: BackpressureError,
  Client: ClientError,
  Closed: ClosedError,
  Config: ConfigError,
  Conflict: ConflictError,
  Connect: ConnectError,
  ConnectionLost: ConnectionLostError,
  Decode: DecodeError,
  Encode: EncodeError,
  InvalidArgument: InvalidArgumentError,
  InvalidKey: InvalidKeyError,
  NoServers: NoServersError,
  NotNumeric: NotNumericError,
  Partial: PartialError,
  Protocol: ProtocolError,
  Resolve: ResolveError,
  Server: ServerError,
  Timeout: TimeoutError,
  Tls: TlsError,
  UnknownCommand: UnknownCommandError,
  Unsupported: UnsupportedError,
  ValueTooLarge: ValueTooLargeError,
} as const;

/** The name of a kind, alike in Rust, Python and Node. */
export type ErrorKind = keyof typeof errorClasses;

// On the prototypes, and not read from the constructors, so that a bundler that
// shortens class names does not change what is logged.
for (const [kind, errorClass] of Object.entries(errorClasses)) {
  Object.defineProperty(errorClass.prototype, "name", { value: `${kind}Error`, writable: true });
}
