/**
 * The callback form of calls: the same arguments, and a function behind them.
 */

import type { CasLookup, Count, Lookup } from "./cache.js";

/** Gets the result of a call, or the error it would have rejected with. */
export type Callback<T> = (error: Error | null, result?: T) => void;

/** Gets value and flags one by one, as from memjs. */
export type LookupCallback<V> = (
  error: Error | null,
  value?: Lookup<V>["value"],
  flags?: Lookup<V>["flags"],
) => void;

/** Gets value, flags and cas id one by one. */
export type CasLookupCallback<V> = (
  error: Error | null,
  value?: CasLookup<V>["value"],
  flags?: CasLookup<V>["flags"],
  cas?: CasLookup<V>["cas"],
) => void;

/** Gets success and number one by one, as from memjs. */
export type CountCallback = (
  error: Error | null,
  success?: Count["success"],
  value?: Count["value"],
) => void;

/** The arguments behind the required ones, in the callback form. */
export type WithCallback<O, C> = [callback: C] | [options: O | undefined, callback: C];

/**
 * Returns the promise of a call, or hands its result to the callback.
 *
 * The callback runs outside of the promise: what it throws is an uncaught
 * exception, as in any other callback, and no rejection.
 */
export function settle<T>(
  promise: Promise<T>,
  callback: unknown,
  results: (result: T) => unknown[],
): Promise<T> | undefined {
  if (typeof callback !== "function") return promise;
  promise.then(
    (result) =>
      process.nextTick(callback as (...args: unknown[]) => void, null, ...results(result)),
    (error) => process.nextTick(callback as (...args: unknown[]) => void, error),
  );
  return undefined;
}
