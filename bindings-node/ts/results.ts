/**
 * Makes the results of calls from what was found and how they ended.
 */

import type { CasLookup, CasOutcome, Count, Item, Key, Lookup } from "./cache.js";
import { type Call, Verdict } from "./completion.js";

/** Makes a result; what it throws rejects the call. */
export type Finish<T> = (call: Call) => T;

/** Arguments for a callback, behind the error. */
export type Spread<T> = (result: T) => unknown[];

export function lookup(call: Call): Lookup<unknown> {
  return call.item ?? { value: null, flags: null };
}

export function casLookup(call: Call): CasLookup<unknown> {
  const { item, details } = call;
  if (item === undefined || details === undefined) return { value: null, flags: null, cas: null };
  return { value: item.value, flags: item.flags, cas: details.cas };
}

export function item(call: Call): Item<unknown> | null {
  const { item, details } = call;
  if (item === undefined || details === undefined) return null;
  const { cas, ttl, size, lastAccess, hitBefore } = details;
  return { ...item, cas, ttl: ttl < 0 ? null : ttl, size, lastAccess, hitBefore };
}

/** Whether the server said yes, or sent an item. */
export function flag(call: Call): boolean {
  return call.verdict === Verdict.Yes || call.item !== undefined;
}

const outcomes: readonly CasOutcome[] = ["notFound", "stored", "exists"];

export function casOutcome(call: Call): CasOutcome {
  return outcomes[call.verdict] as CasOutcome;
}

export function count({ number }: Call): Count {
  return number === null ? { success: false, value: null } : { success: true, value: number };
}

/** The values of several keys by key; where a key is named twice, both are the same. */
export function values<K extends Key>(keys: readonly K[]): Finish<Map<K, unknown>> {
  return (call) => {
    const found = new Map<K, unknown>();
    // In the order of the call, whichever server was faster.
    for (let position = 0; position < keys.length; position++) {
      if (call.values?.has(position)) found.set(keys[position] as K, call.values.get(position));
    }
    return found;
  };
}

/** The keys that were not written. */
export function refused<K extends Key>(keys: readonly K[]): Finish<K[]> {
  return (call) => call.refused.map((position) => keys[position] as K);
}

/** True for every server. */
export function acknowledged(servers: readonly string[]): Finish<Record<string, true>> {
  return () => Object.fromEntries(servers.map((server) => [server, true]));
}

/** One line of each server. */
export function lines(servers: readonly string[]): Finish<Record<string, string>> {
  return ({ texts = [] }) =>
    Object.fromEntries(
      servers.flatMap((server, index) =>
        texts.filter(({ endpoint }) => endpoint === index).map(({ text }) => [server, text ?? ""]),
      ),
    );
}

/** A report of each server. */
export function reports(
  servers: readonly string[],
): Finish<Record<string, Record<string, string>>> {
  return ({ texts = [] }) => {
    const found = servers.map((server) => [server, {}] as [string, Record<string, string>]);
    for (const { endpoint, name, text } of texts) {
      const report = found[endpoint]?.[1];
      if (report && name !== undefined) report[name] = text ?? "";
    }
    return Object.fromEntries(found);
  };
}

/** Hands a result to a callback as it is. */
export function whole<T>(result: T): unknown[] {
  return [result];
}

/** Hands value, flags and cas id to a callback one by one, as memjs does. */
export function ofLookup(result: Lookup<unknown> | CasLookup<unknown>): unknown[] {
  return "cas" in result ? [result.value, result.flags, result.cas] : [result.value, result.flags];
}

/** Hands success and number to a callback one by one, as memjs does. */
export function ofCount({ success, value }: Count): unknown[] {
  return [success, value];
}
