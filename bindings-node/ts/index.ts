/**
 * memoxide: a memcached client with an embedded memcached-compatible server.
 *
 * This file is the CommonJS entry and lists what the package exports;
 * `index.mts` hands the same objects to `import`.
 */

export { Client } from "./client.js";
export {
  AuthError,
  BackpressureError,
  ClientError,
  ClosedError,
  ConfigError,
  ConflictError,
  ConnectError,
  ConnectionLostError,
  DecodeError,
  EncodeError,
  type ErrorDetails,
  type ErrorKind,
  InvalidArgumentError,
  InvalidKeyError,
  MemoxideError,
  NoServersError,
  NotNumericError,
  PartialError,
  type Phase,
  ProtocolError,
  ResolveError,
  type Sent,
  ServerError,
  TimeoutError,
  TlsError,
  UnknownCommandError,
  UnsupportedError,
  ValueTooLargeError,
} from "./errors.js";
export { EmbeddedServer, type EmbeddedServerOptions, type EmbeddedServerTls } from "./server.js";
