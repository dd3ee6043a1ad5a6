/**
 * Reads what became of calls and settles their promises.
 *
 * `bindings-node/src/client/report.rs` is the other end and describes the words
 * of an event.
 */

import type { ClientCore, TextPart } from "../native.js";
import { PartialError } from "./errors.js";
import { rebuild } from "./rebuild.js";
import { isSerialized, raised, Serialized, type Serializing } from "./serializers.js";
import { raise, raiseOwned } from "./values.js";

/** The words of an event. */
const stride = 8;

/** What an event tells; the numbers are those of `src/client/report.rs`. */
const Event = {
  Item: 0,
  Owned: 1,
  Details: 2,
  Verdict: 3,
  Number: 4,
  Refused: 5,
  Error: 6,
  Fault: 7,
  Ask: 8,
} as const;

/** Added to an event that ends its call. */
const last = 0x100;

/** Set in the bits of details when the item was read before. */
const hitBefore = 16;

/** How a call ended: no, yes, or the item has changed. */
export const Verdict = { No: 0, Yes: 1, Exists: 2 } as const;

/** A value and its flags. */
export interface Found {
  value: unknown;
  flags: number;
}

/** What else is told about an item, where it was asked for. */
export interface Details {
  cas: bigint;
  /** Remaining seconds, -1 for none. */
  ttl: number;
  /** Bytes of the stored value. */
  size: number;
  /** Seconds since the last access. */
  lastAccess: number;
  /** Whether the item was read before. */
  hitBefore: boolean;
}

/** What is told beside a value. */
export interface Extras {
  flags: number;
  details: Details;
}

/** A call under way. */
export class Call {
  /** The item of a call for one key. */
  item: Found | undefined = undefined;
  /** What else is told about it. */
  details: Details | undefined = undefined;
  /** The values of a call for several keys, by position. */
  values: Map<number, unknown> | undefined = undefined;
  /** Where they are wanted: what else is told about each, by position. */
  extras: Map<number, Extras> | undefined = undefined;
  /** Lines of reports. */
  texts: TextPart[] | undefined = undefined;
  /** Takes lines as they come, in place of `texts`. */
  stream: ((text: TextPart) => void) | undefined = undefined;
  verdict: number = Verdict.No;
  /** A counter's number. */
  number: number | bigint | null = null;
  /** The positions of keys that were not written. */
  refused: readonly number[] = none;
  /** Why an item could not be decoded. */
  failure: unknown = undefined;
  /** What the caller's function gave last. */
  given: unknown = undefined;
  /** Whether there are values that a serializer is to read. */
  isSerialized = false;
  /** Answers when the operation wants its caller's function. */
  ask: ((token: number) => void) | undefined = undefined;
  /** Ends the listening to a signal. */
  unlisten: (() => void) | undefined = undefined;

  constructor(
    readonly resolve: (value: never) => void,
    readonly reject: (reason: unknown) => void,
    /** Makes the result from what was found and how it ended. */
    public finish: (call: Call) => unknown,
  ) {}
}

const none: readonly number[] = [];

/** The calls under way, by token. */
export class Calls {
  readonly #serializing: Serializing | undefined;
  readonly #calls: (Call | undefined)[] = [];
  readonly #free: number[] = [];

  constructor(serializing: Serializing | undefined) {
    this.#serializing = serializing;
  }

  /** How many calls are under way. */
  get size(): number {
    return this.#calls.length - this.#free.length;
  }

  /** Takes a call in and returns its token. */
  add(call: Call): number {
    const token = this.#free.pop() ?? this.#calls.length;
    this.#calls[token] = call;
    return token;
  }

  /** Whether the token names this call. */
  has(token: number, call: Call): boolean {
    return this.#calls[token] === call;
  }

  /** Forgets a call, whose token may then name another. */
  remove(token: number): Call | undefined {
    const call = this.#calls[token];
    if (call === undefined) return undefined;
    this.#calls[token] = undefined;
    this.#free.push(token);
    call.unlisten?.();
    return call;
  }

  /**
   * Settles what the events in the first `length` words tell of. Values lie in
   * `chunk`, which is reused unless it is one value alone.
   */
  settle(
    core: ClientCore,
    words: Uint32Array,
    length: number,
    chunk: Buffer,
    isAlone: boolean,
  ): void {
    for (let at = 0; at < length; at += stride) {
      const token = words[at] as number;
      const what = words[at + 1] as number;
      const call = this.#calls[token];
      if (call === undefined) continue;
      switch (what & 0xff) {
        case Event.Item:
        case Event.Owned:
          take(core, call, words, at, chunk, isAlone);
          break;
        case Event.Details:
          call.details = details(words, at);
          break;
        case Event.Verdict:
          call.verdict = words[at + 2] as number;
          break;
        case Event.Number:
          call.number = words[at + 4] === 0 ? null : wide(words, at + 2);
          break;
        case Event.Refused:
          call.refused = positions(words, at + 2);
          at += Math.ceil(call.refused.length / 6) * stride;
          break;
        case Event.Ask:
          // Not now: the events are still being read.
          queueMicrotask(() => call.ask?.(token));
          break;
        case Event.Error:
        case Event.Fault: {
          const fields = core.error(words[at + 2] as number);
          if (fields) {
            call.failure = rebuild(fields);
            call.refused = fields.failed ?? none;
          }
          break;
        }
      }
      if (what & last) this.#end(token);
    }
  }

  /** Adds lines of reports to their calls. */
  addTexts(texts: readonly TextPart[]): void {
    for (const text of texts) {
      const call = this.#calls[text.token];
      if (call === undefined) continue;
      if (call.stream !== undefined) {
        call.stream(text);
        continue;
      }
      call.texts ??= [];
      call.texts.push(text);
    }
  }

  #end(token: number): void {
    const call = this.remove(token) as Call;
    // Not now: a serializer may use the client, and the events are still being read.
    if (call.isSerialized) queueMicrotask(() => this.#settle(call));
    else this.#settle(call);
  }

  #settle(call: Call): void {
    try {
      this.raise(call);
      const { failure } = call;
      if (failure instanceof PartialError) attach(failure, call.finish(call));
      if (failure !== undefined) throw failure;
      call.resolve(call.finish(call) as never);
    } catch (error) {
      call.reject(error);
    }
  }

  /** Has the program's serializer read the values of a call. */
  raise(call: Call): void {
    if (!call.isSerialized) return;
    call.isSerialized = false;
    const { item, values } = call;
    if (item !== undefined) item.value = raised(item.value, this.#serializing);
    if (values === undefined) return;
    for (const [position, value] of values) values.set(position, raised(value, this.#serializing));
  }
}

/** Attaches to an error what the call would have resolved to, as far as it is known. */
export function attach(failure: PartialError, results: unknown): void {
  if (results === undefined) return;
  Object.defineProperty(failure, "results", { value: results, enumerable: true });
}

function take(
  core: ClientCore,
  call: Call,
  words: Uint32Array,
  at: number,
  chunk: Buffer,
  isAlone: boolean,
): void {
  const kind = words[at + 3] as number;
  const start = words[at + 4] as number;
  const length = words[at + 5] as number;
  let value: unknown;
  try {
    value =
      ((words[at + 1] as number) & 0xff) === Event.Owned
        ? raiseOwned(kind, core.value(start) as Buffer)
        : isAlone
          ? raiseOwned(kind, chunk.subarray(start, start + length))
          : raise(kind, chunk, start, start + length);
  } catch (error) {
    call.failure = error;
    return;
  }
  const flags = words[at + 6] as number;
  if (isSerialized(kind)) {
    value = new Serialized(kind, value as Buffer, flags);
    call.isSerialized = true;
  }
  if ((words[at + 1] as number) & last) call.verdict = Verdict.Yes;
  if (call.values === undefined) {
    call.item = { value, flags };
    return;
  }
  const position = words[at + 2] as number;
  call.values.set(position, value);
  if (call.details !== undefined) call.extras?.set(position, { flags, details: call.details });
}

function details(words: Uint32Array, at: number): Details {
  const cas = (BigInt(words[at + 3] as number) << 32n) | BigInt(words[at + 2] as number);
  return {
    cas,
    ttl: (words[at + 4] as number) | 0,
    size: words[at + 5] as number,
    lastAccess: words[at + 6] as number,
    hitBefore: ((words[at + 7] as number) & hitBefore) !== 0,
  };
}

function wide(words: Uint32Array, at: number): number | bigint {
  const low = words[at] as number;
  const high = words[at + 1] as number;
  const number = high * 2 ** 32 + low;
  return Number.isSafeInteger(number) ? number : (BigInt(high) << 32n) | BigInt(low);
}

/** Reads a count, and as many positions, six in each of the events behind. */
function positions(words: Uint32Array, at: number): number[] {
  const count = words[at] as number;
  const found: number[] = [];
  for (let index = 0; index < count; index++) {
    found.push(words[at + stride * (1 + Math.floor(index / 6)) + (index % 6)] as number);
  }
  return found;
}
