/**
 * Makes the results of calls from what was found and how they ended.
 */

import type { CasLookup, CasOutcome, Count, Hit, Item, Key, Lookup, RawItem } from "./cache.js";
import { type Call, type Details, Verdict } from "./completion.js";
import { PartialError } from "./errors.js";
import { native } from "./native.js";
import { calling } from "./rebuild.js";
import type { Reports } from "./reports.js";

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
  return described(item.value, item.flags, details);
}

function described(value: unknown, flags: number, details: Details): Item<unknown> {
  const { cas, ttl, size, lastAccess, hitBefore } = details;
  return { value, flags, cas, ttl: ttl < 0 ? null : ttl, size, lastAccess, hitBefore };
}

export function rawItem({ item }: Call): RawItem | null {
  return item === undefined ? null : { flags: item.flags, bytes: item.value as Buffer };
}

/** The item counts only if it was this call that removed it. */
export function taken(call: Call): Lookup<unknown> {
  return call.verdict === Verdict.Yes ? lookup(call) : { value: null, flags: null };
}

/** What was stored, if anything was. */
export function given(call: Call): unknown {
  return call.verdict === Verdict.Yes ? call.given : undefined;
}

/** The number that tells the generation of a namespace. */
export function generation({ number }: Call): number | bigint {
  return number ?? 0;
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
  return byKey(keys, (value) => value);
}

/** Values with their cas ids, by key. */
export function casHits<K extends Key>(
  keys: readonly K[],
): Finish<Map<K, Hit<unknown> & { cas: bigint }>> {
  return byKey(keys, (value, flags, details) => ({ value, flags, cas: details.cas }));
}

/** Items with everything that the servers tell, by key. */
export function items<K extends Key>(keys: readonly K[]): Finish<Map<K, Item<unknown>>> {
  return byKey(keys, described);
}

function byKey<K extends Key, T>(
  keys: readonly K[],
  made: (value: unknown, flags: number, details: Details) => T,
): Finish<Map<K, T>> {
  return ({ values, extras }) => {
    const found = new Map<K, T>();
    // In the order of the call, whichever server was faster.
    for (let position = 0; position < keys.length; position++) {
      if (!values?.has(position)) continue;
      const { flags, details } = extras?.get(position) ?? nothing;
      found.set(keys[position] as K, made(values.get(position), flags, details));
    }
    return found;
  };
}

const nothing = {
  flags: 0,
  details: { cas: 0n, ttl: -1, size: 0, lastAccess: 0, hitBefore: false },
};

/** The keys that were not written. */
export function refused<K extends Key>(keys: readonly K[]): Finish<K[]> {
  return (call) => call.refused.map((position) => keys[position] as K);
}

/** True for every server that was asked. */
export function acknowledged(asked: readonly string[]): Finish<Record<string, true>> {
  return (call) => Object.fromEntries(answering(asked, call).map((server) => [server, true]));
}

/** The servers that did not fail, of those that were asked. */
function answering(asked: readonly string[], { failure }: Call): readonly string[] {
  if (!(failure instanceof PartialError)) return asked;
  const failed = new Set(failure.parts.map(({ endpoint }) => endpoint));
  return asked.filter((server) => !failed.has(server));
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

/** A report of each server that was asked. */
export function reports(
  servers: readonly string[],
  asked: readonly string[],
): Finish<Record<string, Record<string, string>>> {
  return (call) => {
    const found = new Map<string | undefined, Record<string, string>>();
    for (const server of answering(asked, call)) found.set(server, {});
    for (const { endpoint, name, text } of call.texts ?? []) {
      const report = found.get(servers[endpoint]);
      if (report && name !== undefined) report[name] = text ?? "";
    }
    return Object.fromEntries(found);
  };
}

/** Reports with numbers and truth values where memcached means such. */
export function typedReports(
  raw: Finish<Record<string, Record<string, string>>>,
  name: string,
): Finish<Record<string, Reports[keyof Reports]>> {
  return (call) =>
    Object.fromEntries(
      Object.entries(raw(call)).map(([server, report]) => [
        server,
        JSON.parse(calling(() => native.typedReport(name, report))),
      ]),
    );
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
