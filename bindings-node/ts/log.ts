/**
 * Tells whoever listens what happens to servers.
 *
 * The core makes the entries and says how they are worded. They are published on
 * a channel of `node:diagnostics_channel` and, where the environment says
 * `NODE_DEBUG=memoxide`, written to stderr; without either nothing is made of
 * them.
 */

import { channel } from "node:diagnostics_channel";
import { debuglog } from "node:util";

import type { EntryFields } from "../native.js";
import type { ErrorKind } from "./errors.js";

/** How much an entry matters; the names are those of `console` and of most loggers. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What happened; `docs/logging.md` says when each is told. */
export type LogEvent =
  | "call_degraded"
  | "connection_closed"
  | "connection_failed"
  | "connection_lost"
  | "connection_opened"
  | "credentials_in_clear"
  | "protocol_violated"
  | "requests_retried"
  | "server_back_in_service"
  | "server_out_of_service";

/**
 * One thing that happened to one server: what subscribers of the channel
 * `memoxide:log` are given. It holds neither keys nor values nor credentials.
 *
 * ```js
 * import { subscribe } from "node:diagnostics_channel";
 *
 * subscribe("memoxide:log", (entry) => {
 *   if (entry.level !== "debug") console[entry.level](entry.text);
 * });
 * ```
 */
export interface LogEntry {
  /** What happened. */
  readonly event: LogEvent;
  /** How much it matters. */
  readonly level: LogLevel;
  /** What happened, in words that are always the same for an event. */
  readonly message: string;
  /** The server, as `host:port` or a path. */
  readonly endpoint: string;
  /** Why it happened, where there is a reason to tell. */
  readonly reason?: string | undefined;
  /** The kind of error that is the reason. */
  readonly kind?: ErrorKind | undefined;
  /** How many requests it concerns, of `requests_retried`. */
  readonly requests?: number | undefined;
  /** Message, server and reason in one line. */
  readonly text: string;
}

const published = channel("memoxide:log");

const debug = debuglog("memoxide");

/** Tells of what happened; what a subscriber throws is thrown elsewhere, by Node. */
export function tell(entries: readonly EntryFields[]): void {
  for (const entry of entries) {
    if (published.hasSubscribers) published.publish(Object.freeze(entry));
    if (debug.enabled) debug("%s: %s", entry.level, entry.text);
  }
}
