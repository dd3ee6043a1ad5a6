/**
 * Rebuilds the error classes from what the native module hands over.
 *
 * `bindings-node/src/errors.rs` is the other end: an error arrives as plain
 * fields, inside a completion or under the property `memoxide` of what a native
 * function throws.
 */

import type { ErrorFields } from "../native.js";
import {
  type ErrorKind,
  errorClasses,
  InvalidArgumentError,
  type MemoxideError,
} from "./errors.js";

/** Builds the class of an error that the core described. */
export function rebuild(fields: ErrorFields): MemoxideError {
  const { kind, message, parts, cause, failed: _, ...details } = fields;
  return new errorClasses[kind as ErrorKind](message, {
    ...details,
    parts: parts?.map(rebuild),
    cause: cause === undefined ? undefined : new Error(cause),
  });
}

/** Returns the class for what a native function threw; any other value as it is. */
export function rebuilt(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  if ("memoxide" in thrown) return rebuild(thrown.memoxide as ErrorFields);
  if ("code" in thrown && wrongType.test(String(thrown.code))) {
    return new InvalidArgumentError(thrown.message, { cause: thrown });
  }
  return thrown;
}

/** The codes of errors for arguments that Node-API could not convert. */
const wrongType = /^(InvalidArg|[A-Z]\w+Expected)$/;

/** Runs a native function, with the classes of this package for what it throws. */
export function calling<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw rebuilt(thrown);
  }
}

/** Awaits a native promise, with the classes of this package for what goes wrong. */
export async function awaiting<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw rebuilt(thrown);
  }
}
