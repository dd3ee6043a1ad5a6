/**
 * Puts requests in the terms of the driver's calls, and outcomes in those of
 * memjs's replies.
 */

import type { CountOptions } from "../cache.js";
import type { Call } from "../completion.js";
import type { Write } from "../driver.js";
import * as results from "../results.js";
import { Verb, Want } from "../submission.js";
import { Opcode, Status, statusTexts } from "./protocol.js";
import { nothing, type Request, reply } from "./request.js";
import { bytesOf, type Message } from "./utils.js";

/** What is done about a request. */
export interface Plan {
  readonly verb: Verb;
  readonly options: CountOptions;
  /** Packs what the verb has beside its options. */
  readonly write: Write;
  /** Makes the replies: one, but for reports, which have one for each line and an empty one. */
  readonly finish: (call: Call) => Message[];
}

/** Up to here a time to live is relative. */
const aMonth = 30 * 24 * 60 * 60;

/** The first Unix time that the core does not take for a duration, in September 2001. */
const firstDate = 1_000_000_000;

/** The last one that memcached's text takes. */
const lastDate = 2 ** 31 - 1;

/** A time to live that is over: servers take it for a date in 1970. */
export const atOnce = aMonth + 1;

/** A counter with this time to live is not created. */
const noCounter = 2 ** 32 - 1;

/** How values are stored: verbs without and with flags, and the status where they are not. */
const stores = {
  [Opcode.Set]: { verb: Verb.Set, raw: Verb.SetRaw, refused: Status.ItemNotStored },
  [Opcode.Add]: { verb: Verb.Add, raw: Verb.AddRaw, refused: Status.KeyExists },
  [Opcode.Replace]: { verb: Verb.Replace, raw: Verb.ReplaceRaw, refused: Status.KeyNotFound },
} as const;

/** Returns the plan for a request, or the status to refuse it with. */
export function planOf(request: Request): Plan | number {
  const { opcode, key, extras } = request;
  const named: Write = (packed) => packed.key(key);
  switch (opcode) {
    case Opcode.Get:
      return {
        verb: Verb.Retrieve,
        options: {},
        write: (packed) => {
          packed.raw();
          packed.number(Want.Value);
          return packed.key(key);
        },
        finish: (call) => [hit(request, call)],
      };
    case Opcode.Set:
    case Opcode.Add:
    case Opcode.Replace:
      return extras.length === 8 ? storing(request, opcode) : Status.InvalidArguments;
    case Opcode.Append:
    case Opcode.Prepend:
      if (extras.length !== 0) return Status.InvalidArguments;
      return {
        verb: opcode === Opcode.Append ? Verb.Append : Verb.Prepend,
        options: {},
        write: (packed) => packed.item(key, request.value),
        finish: (call) => [outcome(request, call, Status.ItemNotStored)],
      };
    case Opcode.Delete:
      return {
        verb: Verb.Delete,
        options: {},
        write: named,
        finish: (call) => [outcome(request, call, Status.KeyNotFound)],
      };
    case Opcode.Touch:
      if (extras.length !== 4) return Status.InvalidArguments;
      return {
        verb: Verb.Touch,
        options: { expires: lifetime(extras.readUInt32BE(0)) },
        write: named,
        finish: (call) => [outcome(request, call, Status.KeyNotFound)],
      };
    case Opcode.Increment:
    case Opcode.Decrement:
      return extras.length === 20 ? counting(request) : Status.InvalidArguments;
    case Opcode.Flush:
      return {
        verb: Verb.Flush,
        options: {},
        write: (packed) => {
          packed.number(extras.length === 4 ? extras.readUInt32BE(0) : 0);
          return 0;
        },
        finish: () => [reply(request, Status.Success)],
      };
    case Opcode.Stat:
      return {
        verb: Verb.Stats,
        options: {},
        write: named,
        finish: (call) => report(request, call),
      };
    default:
      return Status.UnknownCommand;
  }
}

/** Returns the reply of a server that refuses a request. */
export function refusal(request: Request, status: number): Message {
  return reply(request, status, Buffer.from(statusTexts[status] ?? ""));
}

function storing(request: Request, opcode: keyof typeof stores): Plan {
  const { key, value, extras } = request;
  const { verb, raw, refused } = stores[opcode];
  const flags = extras.readUInt32BE(0);
  const isPlain = typeof value === "string" && flags === 0;
  return {
    verb: isPlain ? verb : raw,
    options: { expires: lifetime(extras.readUInt32BE(4)) },
    write: isPlain
      ? (packed) => packed.item(key, value)
      : (packed) => packed.rawItem(key, bytesOf(value), flags),
    finish: (call) => [outcome(request, call, refused)],
  };
}

function counting(request: Request): Plan {
  const { opcode, key, extras } = request;
  const expires = extras.readUInt32BE(16);
  const initial = extras.readBigUInt64BE(8);
  return {
    verb: opcode === Opcode.Increment ? Verb.Increment : Verb.Decrement,
    options: expires === noCounter ? {} : { initial, expires: lifetime(expires) },
    write: (packed) => {
      packed.wide("amount", extras.readBigUInt64BE(0));
      return packed.key(key);
    },
    finish: ({ number }) => {
      if (number === null) return [refusal(request, Status.KeyNotFound)];
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt(number));
      return [reply(request, Status.Success, bytes)];
    },
  };
}

/** Returns seconds to live, as a server reads them, in the terms of the core. */
function lifetime(seconds: number): number {
  if (seconds > aMonth && seconds < firstDate) return -1;
  return Math.min(seconds, lastDate);
}

function hit(request: Request, call: Call): Message {
  const item = results.rawItem(call);
  if (item === null) return refusal(request, Status.KeyNotFound);
  const flags = Buffer.alloc(4);
  flags.writeUInt32BE(item.flags);
  return reply(request, Status.Success, item.bytes, flags);
}

function outcome(request: Request, call: Call, refused: number): Message {
  return results.flag(call) ? reply(request, Status.Success) : refusal(request, refused);
}

function report(request: Request, { texts = [] }: Call): Message[] {
  const lines = texts.map(({ name, text }) =>
    reply(request, Status.Success, Buffer.from(text ?? ""), nothing, Buffer.from(name ?? "")),
  );
  return [...lines, reply(request, Status.Success)];
}
