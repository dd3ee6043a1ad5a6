/**
 * Reads items as they are stored, with the time that they have left, in one
 * request per server.
 */

import { viewOf } from "../administration.js";
import type { Client } from "../client.js";
import { Call } from "../completion.js";
import type { Write } from "../driver.js";
import { UnsupportedError } from "../errors.js";
import * as results from "../results.js";
import { type Submission, Verb, Want } from "../submission.js";

/** An item as it is stored. */
export interface Stored {
  value: unknown;
  /** The seconds that it has left; null where that is not known, or it has no end. */
  ttl: number | null;
}

/** Reads an item; null when there is none. */
export function read(client: Client, key: string): Promise<Stored | null> {
  return retrieve(client, Verb.Retrieve, single, (packed) => packed.key(key));
}

/** Reads items, by their keys. */
export function readMulti(client: Client, keys: readonly string[]): Promise<Map<string, Stored>> {
  return retrieve(client, Verb.RetrieveMany, results.items(keys), (packed) => packed.keys(keys));
}

function single({ item, details }: Call): Stored | null {
  if (item === undefined) return null;
  const { ttl } = details ?? { ttl: -1 };
  return { value: item.value, ttl: ttl < 0 ? null : ttl };
}

async function retrieve<T>(
  client: Client,
  verb: Verb,
  finish: results.Finish<T>,
  name: (packed: Submission) => number,
): Promise<T> {
  try {
    return await call(client, verb, finish, Want.ValueAndTtl, name);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    // A server that speaks text does not tell how long.
    return call(client, verb, finish, Want.Value, name);
  }
}

function call<T>(
  client: Client,
  verb: Verb,
  finish: results.Finish<T>,
  want: Want,
  name: (packed: Submission) => number,
): Promise<T> {
  const write: Write = (packed) => {
    packed.raw();
    packed.number(want);
    return name(packed);
  };
  return new Promise<T>((resolve, reject) => {
    const view = viewOf(client);
    const call = new Call(resolve, reject, finish);
    call.values = verb === Verb.RetrieveMany ? new Map() : undefined;
    call.extras = verb === Verb.RetrieveMany ? new Map() : undefined;
    view?.driver.begin(verb, call, view.scopes, undefined, write);
  });
}
