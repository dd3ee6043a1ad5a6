/**
 * Listens to signals once, however many calls depend on one.
 *
 * A listener for each call would make Node warn of a leak from the eleventh on.
 */

import type { CallOptions } from "./cache.js";
import { InvalidArgumentError } from "./errors.js";

const dependents = new WeakMap<AbortSignal, Set<() => void>>();

function onAbort(this: AbortSignal): void {
  const abandons = dependents.get(this);
  dependents.delete(this);
  for (const abandon of abandons ?? []) abandon();
}

/** Calls `abandon` when the signal aborts; returns what ends that. */
export function listen(signal: AbortSignal, abandon: () => void): () => void {
  let abandons = dependents.get(signal);
  if (abandons === undefined) {
    abandons = new Set();
    dependents.set(signal, abandons);
    signal.addEventListener("abort", onAbort, { once: true });
  }
  abandons.add(abandon);
  return () => {
    abandons.delete(abandon);
    if (abandons.size > 0 || dependents.get(signal) !== abandons) return;
    dependents.delete(signal);
    signal.removeEventListener("abort", onAbort);
  };
}

/**
 * Returns the signal among the options of a call, and throws if it has aborted.
 *
 * @throws InvalidArgumentError if it is none.
 */
export function signalOf(options: CallOptions | undefined): AbortSignal | undefined {
  const signal = options?.signal;
  if (signal === undefined) return undefined;
  if (!(signal instanceof AbortSignal)) throw new InvalidArgumentError("signal is no AbortSignal");
  signal.throwIfAborted();
  return signal;
}
