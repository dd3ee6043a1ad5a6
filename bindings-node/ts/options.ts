/**
 * What a client is told: servers and options, in the forms that Node programs
 * write them.
 */

import type { ServerEntry, ServerSource } from "../native.js";
import type { OptionValue } from "./driver.js";
import { ConfigError } from "./errors.js";
import { native } from "./native.js";
import { messagePack, type Serializer, Serializing } from "./serializers.js";

/** A server: where it listens and its share of the keys. */
export interface ServerDescription {
  /** A host name or IP address, in any spelling that a server list takes. */
  host?: string;
  /** The port. Default 11211. */
  port?: number;
  /** The path of a unix socket, instead of host and port. */
  path?: string;
  /** The share of the keys, relative to the others. Default 1. */
  weight?: number;
}

/**
 * The servers of a client: a list separated by commas, a URL such as
 * `memcache://a,b:11212/prefix?timeout=0.5`, an array, or an object with a
 * weight for each address.
 */
export type Servers =
  | string
  | readonly (string | ServerDescription)[]
  | Readonly<Record<string, number>>;

/**
 * Tells which server has a key: gets the key without the client's prefix and the
 * names of the servers, and returns the position of one of them. It must always
 * give the same answer for the same key.
 */
export type Hashing = (key: Buffer, servers: readonly string[]) => number;

/** How a client works. Times are in seconds. */
export interface ClientOptions {
  /** What a call takes at most. Default 1. */
  timeout?: number | undefined;
  /** What opening a connection takes at most. Default 0.25. */
  connectTimeout?: number | undefined;
  /** Connections per server, which calls share. Default 1. */
  maxConnections?: number | undefined;
  /** An idle connection is closed after this time. Default 60. */
  idleTimeout?: number | undefined;
  /**
   * How long the event loop stays awake for the reply to a call that is alone under
   * way, at most: it looks for events without sleeping, and need not be woken when
   * the reply comes. That is done only where it was found to make replies a tenth
   * faster at least: with a near server that has a CPU of its own. 0 never does it.
   * Default 0.00005.
   */
  busyPoll?: number | undefined;
  /** Seconds to live of items stored without a time. Default 0, which is for ever. */
  defaultTtl?: number | undefined;
  /** The dialect that values are written and read in. Default `memoxide`. */
  values?: string | undefined;
  /**
   * How keys are placed on servers: the name of a preset, or a function of the
   * program's. Default `ketama`.
   */
  hashing?: string | Hashing | undefined;
  /** Put before each key. Default none. */
  prefix?: string | Uint8Array | undefined;
  /** The protocol to speak. Default `auto`: asks each server. */
  protocol?: "auto" | "meta" | "text" | undefined;
  /** How often a read is made again on another connection. Default 1. */
  retryAttempts?: number | undefined;
  /** Failures in a row after which a server is left alone. Default 3. */
  deadAfter?: number | undefined;
  /** How long it is then left alone, at first; doubles with each failure. Default 1. */
  deadRetry?: number | undefined;
  /** Whether a failing server raises, or reads as a miss. Default `raise`. */
  onError?: "raise" | "miss" | undefined;
  /** The bytes beyond which values are compressed. Default 1024 where `compression` is given, else never. */
  compressAbove?: number | undefined;
  /** The format to compress with: `zlib`, `zstd` or another of the dialect's. Default `zlib` where `compressAbove` is given. */
  compression?: string | undefined;
  /** Formats of other languages that are let through, separated by commas. Default none. */
  foreign?: string | undefined;
  /**
   * How lists and maps are stored: by `json` or the dialect's `native` way, where
   * it has a choice; as MessagePack by `msgpack`, with the package
   * `@msgpack/msgpack`; or by functions of the program's. The last two get whatever
   * is neither bytes nor text nor an integer. Default JSON in most dialects.
   */
  serializer?: "json" | "msgpack" | "native" | Serializer | undefined;
  /** The most bytes that a value may have. Default 1 MiB. */
  maxValueSize?: number | undefined;
  /** The most bytes that a compressed value may inflate to. Default 64 MiB. */
  maxDecompressedSize?: number | undefined;
  /** Who the client is towards the servers. Default: credentials are not sent. */
  username?: string | undefined;
  /** The password of `username`. */
  password?: string | undefined;
  /** How the client authenticates: in the text protocol, or by SASL. Default `sasl`. */
  auth?: "ascii" | "sasl" | undefined;
  /** What becomes of credentials that would go over a network unencrypted. Default `warn`. */
  plaintextAuth?: "allow" | "refuse" | "warn" | undefined;
  /** Whether connections are encrypted; the options that begin with it say so, too. Default false. */
  tls?: boolean | undefined;
  /** The authorities to trust, a file in PEM. Default those that Node trusts. */
  tlsCa?: string | undefined;
  /** The client's certificate and those above it, a file in PEM. Default none. */
  tlsCert?: string | undefined;
  /** The key of that certificate, a file in PEM. Default `tlsCert`. */
  tlsKey?: string | undefined;
  /** The name that certificates of servers must carry. Default the host. */
  tlsServerName?: string | undefined;
  /** Whether certificates are checked. Default true; without it anybody can pass for the server. */
  tlsVerify?: boolean | undefined;

  /** As `defaultTtl`, by the name that memjs has for it. */
  expires?: number | undefined;
  /** As `connectTimeout`, by the name that memjs has for it. */
  conntimeout?: number | undefined;
  /** Attempts in all, by the name that memjs has for it; `retryAttempts` is one less. */
  retries?: number | undefined;
}

/** What memjs calls an option: the name of the core, and its value. */
const ofMemjs: Readonly<Record<string, (value: OptionValue) => [string, OptionValue]>> = {
  conntimeout: (seconds) => ["connect_timeout", seconds],
  expires: (seconds) => ["default_ttl", seconds],
  // Attempts in all; 0 and 1 both mean a single one.
  retries: (attempts) => ["retry_attempts", Math.max(0, Number(attempts) - 1)],
};

/** Returns the servers that the program names, else the environment for the core to look at. */
export function serverSource(servers: Servers | undefined): ServerSource {
  if (servers === undefined) return { environment: environment() };
  if (typeof servers === "string") return { text: servers };
  if (Array.isArray(servers)) return { list: servers.map(entry) };
  if (typeof servers !== "object" || servers === null) {
    throw new ConfigError("servers are neither text nor an array nor an object of weights");
  }
  const weights = Object.entries(servers);
  return { list: weights.map(([address, weight]) => ({ address, weight: asWeight(weight) })) };
}

/** The variables that may concern a memcached client. */
function environment(): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith("MEM") && value !== undefined) variables[name] = value;
  }
  return variables;
}

function entry(server: unknown): ServerEntry {
  if (typeof server === "string") return { address: server };
  if (typeof server !== "object" || server === null) {
    throw new ConfigError("a server is neither text nor an object");
  }
  const { host, port, path, weight, ...rest } = server as ServerDescription;
  for (const name of Object.keys(rest)) {
    throw new ConfigError(`a server has no property "${name}", only: host, path, port, weight`);
  }
  if ((host === undefined) === (path === undefined)) {
    throw new ConfigError("a server has either a host or a path");
  }
  const bracketed = host?.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const place = port === undefined ? bracketed : `${bracketed}:${port}`;
  const address = path === undefined ? String(place) : `unix:${path}`;
  return weight === undefined ? { address } : { address, weight: asWeight(weight) };
}

function asWeight(weight: unknown): number {
  if (typeof weight === "number") return weight;
  throw new ConfigError("the weight of a server is no number");
}

/** Functions of the program that take part. */
export interface OwnFunctions {
  readonly choose?: Hashing | undefined;
  readonly serializing?: Serializing | undefined;
}

/** Options by the names that the core has for them, and functions of the program. */
export interface ReadOptions extends OwnFunctions {
  readonly values: Record<string, OptionValue>;
}

/**
 * Tells options that are functions of the program from those that are values.
 *
 * @throws ConfigError for what is no option.
 */
export function readOptions(options: ClientOptions): ReadOptions {
  const { hashing, serializer, ...others } = options;
  const named: ClientOptions = others;
  let choose: Hashing | undefined;
  if (typeof hashing === "function") choose = hashing;
  else named.hashing = hashing;
  let serializing: Serializing | undefined;
  if (serializer === "msgpack") {
    serializing = new Serializing(messagePack());
  } else if (typeof serializer === "object" && serializer !== null) {
    serializing = new Serializing(serializer);
  } else {
    named.serializer = serializer;
  }
  if (serializing !== undefined) {
    const { format } = serializing;
    if (format !== undefined) {
      named.foreign = named.foreign === undefined ? format : `${named.foreign},${format}`;
    }
  }
  return { values: optionValues(named), choose, serializing };
}

function optionValues(options: ClientOptions): Record<string, OptionValue> {
  const known = new Set(native.optionNames());
  const values: Record<string, OptionValue> = {};
  for (const [given, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    const [name, setting] = ofMemjs[given]?.(value) ?? [snakeCase(given), value];
    if (!known.has(name) || given.includes("_")) throw unknown(given, known);
    if (!isSetting(setting)) {
      throw new ConfigError(`option ${given} is neither text nor a number nor bytes`);
    }
    values[name] = setting;
  }
  return values;
}

function isSetting(value: unknown): value is OptionValue {
  return ["string", "number", "boolean"].includes(typeof value) || value instanceof Uint8Array;
}

function unknown(name: string, known: ReadonlySet<string>): ConfigError {
  const names = [...known].map(camelCase).join(", ");
  return new ConfigError(`there is no option "${name}", only: ${names}`);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Warns that credentials go to this server unencrypted over a network. */
export function warnOf(endpoint: string): void {
  process.emitWarning(
    `credentials go to ${endpoint} unencrypted; use TLS, or set plaintextAuth`,
    "SecurityWarning",
    "MEMOXIDE_PLAINTEXT_AUTH",
  );
}
