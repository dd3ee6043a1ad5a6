/**
 * memoxide: a memcached client with an embedded memcached-compatible server.
 *
 * This file is the CommonJS entry and lists what the package exports;
 * `index.mts` hands the same objects to `import`.
 */

export type {
  AdminOptions,
  Cache,
  CallOptions,
  CasLookup,
  CasOptions,
  CasOutcome,
  Count,
  CountOptions,
  DeleteOptions,
  Hit,
  Item,
  Items,
  Key,
  LockOptions,
  Lookup,
  Miss,
  NamespaceOptions,
  RawItem,
  RawOptions,
  Storable,
  StoreOptions,
  UpdateOptions,
} from "./cache.js";
export type {
  Callback,
  CasLookupCallback,
  CountCallback,
  LookupCallback,
  WithCallback,
} from "./callbacks.js";
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
export {
  type FaultAction,
  type FaultConditions,
  type FaultMoment,
  type FaultNumbers,
  type FaultPreset,
  type FaultRule,
  type FaultRules,
  type FaultStatus,
  type FaultStream,
  Faults,
  type LoggedRequest,
  type Toxic,
} from "./faults.js";
export { KeyList } from "./keys.js";
export { Lock } from "./lock.js";
export type { LogEntry, LogEvent, LogLevel } from "./log.js";
export type { ClientOptions, Hashing, ServerDescription, Servers } from "./options.js";
export type {
  ConnectionReport,
  ConnectionsReport,
  GeneralReport,
  ItemClass,
  ItemsReport,
  Reports,
  SettingsReport,
  SizesReport,
  SlabClass,
  SlabsReport,
} from "./reports.js";
export type { Serializer, SerializerFormat } from "./serializers.js";
export { EmbeddedServer, type EmbeddedServerOptions, type EmbeddedServerTls } from "./server.js";
export {
  type CompareOptions,
  type Counts,
  comparePlacements,
  type ExplainOptions,
  explainKey,
  explainValue,
  type Guess,
  type KeyExplanation,
  type KeySource,
  type MigrateOptions,
  type MigrationSummary,
  migrate,
  type PlacementComparison,
  type Progress,
  type Unresolved,
} from "./tools.js";
