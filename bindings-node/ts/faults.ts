/**
 * Fault rules of an embedded server, and what it logs: `docs/faults.md` tells
 * what each of them does.
 *
 * ```js
 * import { Client, EmbeddedServer } from "memoxide";
 *
 * await using server = await EmbeddedServer.start();
 * const client = new Client(server.endpoint, { onError: "miss" });
 * {
 *   await using fault = await server.fault({ action: "error", kind: "busy", times: 1 });
 *   const { value } = await client.get("greeting"); // null, not an error
 *   console.log(fault.hits); // 1
 * }
 * ```
 *
 * Rules are objects of the JSON form, with its names, and are read by the core.
 */

import { ConfigError } from "./errors.js";
import type { EmbeddedServer } from "./server.js";

/** A preset: a set of rules with a name. */
export type FaultPreset = "dead" | "drip" | "flaky" | "liar" | "restarting" | "slow";

/** Numbers that count from 1: one, a list, a range with its ends, or every so many. */
export type FaultNumbers =
  | number
  | readonly number[]
  | { readonly from?: number; readonly to?: number }
  | { readonly every: number };

/** When a rule strikes: where all of these hold. */
export interface FaultConditions {
  /** Which connections, counted as the server accepts them. */
  connection?: FaultNumbers;
  /** Which requests of a connection. */
  request?: FaultNumbers;
  /** Which commands, in the text protocol's words, for binary requests too. */
  command?: string | readonly string[];
  /** Which keys: `*` stands for any characters, `?` for one. */
  key?: string;
  /** The chance to strike, from 0 to 1. */
  probability?: number;
  /** The same seed strikes the same requests. */
  seed?: number;
  /** How many matches pass first. */
  skip?: number;
  /** How often the rule strikes at most. */
  times?: number;
  /** For people. */
  name?: string;
}

/** Before a request takes effect, or after. */
export type FaultMoment = "after" | "before";

/** The bytes that are concerned. */
export type FaultStream = "replies" | "requests";

/** What a rule does. Times are in seconds. */
export type FaultAction =
  // Connections.
  | { action: "accept_and_close" }
  | { action: "accept_and_hang"; seconds?: number }
  | { action: "accept_and_reset" }
  | { action: "refuse"; seconds?: number }
  | { action: "tls_failure"; how?: "alert" | "close" | "garbage" | "hang" | "reset" }
  // Time and end.
  | { action: "close"; when?: FaultMoment }
  | { action: "delay"; seconds: number; jitter?: number; when?: FaultMoment }
  | { action: "hang"; seconds?: number; when?: FaultMoment }
  | { action: "reset"; when?: FaultMoment }
  | { action: "silence"; seconds?: number; reset?: boolean }
  | { action: "slow_close"; seconds: number }
  // Replies.
  | { action: "bandwidth"; bytes_per_second: number; stream?: FaultStream }
  | { action: "drip"; bytes?: number; seconds?: number }
  | { action: "duplicate_reply" }
  | { action: "extra_reply"; text?: string; place?: "after" | "before" }
  | { action: "garbage"; bytes?: number }
  | { action: "limit_data"; bytes: number; stream?: FaultStream }
  | {
      action: "slice";
      average: number;
      variation?: number;
      seconds?: number;
      stream?: FaultStream;
    }
  | { action: "split" }
  | { action: "stale_reply" }
  | { action: "truncate"; bytes: number; then?: "close" | "hang" | "reset" }
  | { action: "wrong_key"; wrong?: string }
  | { action: "wrong_length"; by?: number }
  | { action: "wrong_opaque" }
  // Errors.
  | { action: "auth_failure" }
  | {
      action: "error";
      kind?: "busy" | "client" | "out_of_memory" | "server" | "too_large" | "unknown_command";
      message?: string;
      when?: FaultMoment;
    }
  // The server as a whole.
  | { action: "clock_jump"; seconds: number }
  | { action: "evict"; count?: number }
  | { action: "flush" }
  | { action: "freeze"; seconds?: number }
  | { action: "restart"; seconds?: number; when?: FaultMoment };

/** A rule: what happens, and when. */
export type FaultRule = FaultAction & FaultConditions;

/** A toxic in toxiproxy's form, with its names and units. */
export interface Toxic {
  type: "bandwidth" | "latency" | "limit_data" | "reset_peer" | "slicer" | "slow_close" | "timeout";
  name?: string;
  stream?: "downstream" | "upstream";
  toxicity?: number;
  attributes?: Readonly<Record<string, number>>;
}

/** One rule or several, as objects, presets, or JSON of that. */
export type FaultRules =
  | FaultPreset
  | FaultRule
  | Toxic
  | readonly (FaultPreset | FaultRule | Toxic)[]
  | (string & {});

/** A rule of a server, and how often it has struck. */
export interface FaultStatus {
  /** The rule's number on its server. */
  readonly id: number;
  /** The rule, with every field that has a value. */
  readonly rule: FaultRule;
  /** How often it has struck. */
  readonly hits: number;
}

/** One request, as the server received it. */
export interface LoggedRequest {
  /** The connection, counted from 1 as the server accepts them. */
  readonly connection: number;
  /** The request, counted from 1 on its connection. */
  readonly request: number;
  /** The command, in the text protocol's words also for binary requests. */
  readonly command: string;
  /** The first key, with other than UTF-8 replaced; empty without one. */
  readonly key: string;
  /** The line without its end, or the binary header with extras and key; at most 512 bytes. */
  readonly head: Buffer;
  /** The bytes of the request, data block included. */
  readonly length: number;
  /** The bytes of the reply, before any fault. */
  readonly replyLength: number;
  /** The numbers of the fault rules that struck. */
  readonly faults: readonly number[];
}

/** Rules that were added together by {@link EmbeddedServer.fault}. */
export class Faults implements AsyncDisposable {
  /** The numbers of the rules on their server. */
  readonly ids: readonly number[];
  readonly #server: EmbeddedServer;
  /** As they were when the rules were last there. */
  readonly #hits = new Map<number, number>();

  /** Use {@link EmbeddedServer.fault}. */
  constructor(server: EmbeddedServer, ids: readonly number[]) {
    this.ids = Object.freeze([...ids]);
    this.#server = server;
  }

  /** How often the rules have struck, all together; kept after {@link remove}. */
  get hits(): number {
    let sum = 0;
    for (const id of this.ids) {
      const hits = this.#server.faultHits(id) ?? this.#hits.get(id) ?? 0;
      this.#hits.set(id, hits);
      sum += hits;
    }
    return sum;
  }

  /**
   * Removes the rules; those that are gone already do not matter. Connections
   * that they kept hanging are closed.
   */
  async remove(): Promise<void> {
    void this.hits;
    if (!this.#server.isRunning) return;
    await Promise.all(this.ids.map((id) => this.#server.removeFault(id)));
  }

  /** Removes the rules at the end of a block that declared them with `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }
}

/**
 * Returns rules as the core reads them.
 *
 * @throws ConfigError for what has no form in JSON.
 */
export function toJson(rules: FaultRules): string {
  if (typeof rules === "string") return rules;
  return JSON.stringify(rules, (name, value) => {
    // What `JSON.stringify` would leave out or change could strike everywhere.
    const isLost =
      (typeof value === "number" && !Number.isFinite(value)) ||
      ["bigint", "function", "symbol"].includes(typeof value) ||
      (name === "" && value === undefined) ||
      ArrayBuffer.isView(value);
    if (isLost) {
      const where = name === "" ? "fault rule" : `${name} of a fault rule`;
      throw new ConfigError(`${where} has no form in JSON`);
    }
    return value;
  });
}
