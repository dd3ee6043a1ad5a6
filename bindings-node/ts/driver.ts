/**
 * The driver: moves bytes between sockets and the core, and keeps its timers.
 *
 * Which bytes to write, what a reply means, which server gets a key, when to
 * retry and when a server is down are the core's business. Calls of one turn of
 * the event loop are packed and handed over together; a received chunk is
 * handed over as it is, and what came of it is read from an array of events.
 *
 * A process ends when nothing else keeps it alive and no call is under way:
 * sockets never hold it, the timer does while calls wait.
 */

import { lookup } from "node:dns";
import type { Socket } from "node:net";

import type {
  ActionFields,
  ClientCore,
  ClientPlan,
  ServerSource,
  SharedArrays,
} from "../native.js";
import { Alarm } from "./alarm.js";
import type { CallOptions } from "./cache.js";
import { type Call, Calls } from "./completion.js";
import { ClosedError, InvalidArgumentError } from "./errors.js";
import { LargeValue } from "./large.js";
import { tell } from "./log.js";
import { native } from "./native.js";
import { type Hashing, type OwnFunctions, warnOf } from "./options.js";
import { calling, rebuilt } from "./rebuild.js";
import type { Serializing } from "./serializers.js";
import { listen, signalOf } from "./signals.js";
import { Sockets, type Stage, type Watcher } from "./sockets.js";
import { State, stateLength } from "./state.js";
import { type Scope, Submission, split, type Verb } from "./submission.js";
import { lower } from "./values.js";
import { Vigil } from "./vigil.js";

/** Words of events and bytes of output that there is room for at first. */
const firstWords = 8 * 1024;
const outputLength = 64 * 1024;

/** Bytes that one read may bring, at first and once a read has brought as many. */
const inputLengths = [64 * 1024, 256 * 1024] as const;

/** A value of which more is missing is read to where it stays. */
const largeLength = 64 * 1024;

/** Packed bytes that are handed over before the turn of the event loop ends. */
const packedLimit = 1024 * 1024;

/** What an option may be. */
export type OptionValue = string | number | boolean | Uint8Array;

/** Writes what a call has beside its options; returns the length of its key, or how many keys it has. */
export type Write = (packed: Submission, call: Call) => number;

/** Makes the new value of an item from the present one. */
export type Change = (value: unknown) => unknown;

export class Driver {
  /** The servers, in the order of the configuration. */
  readonly endpoints: readonly string[];
  readonly #submission: Submission;
  readonly #calls: Calls;
  /** Those who wait until no call is under way. */
  #idlers: (() => void)[] = [];
  readonly #core: ClientCore;
  readonly #number: number;
  readonly #sockets: Sockets;
  /** Sockets by the numbers of connections. */
  readonly #connections = new Map<number, Socket>();
  #input = Buffer.allocUnsafeSlow(inputLengths[0]);
  readonly #state = new Float64Array(stateLength);
  #events = new Uint32Array(firstWords);
  #output = Buffer.allocUnsafeSlow(outputLength);
  /** Whether calls are refused. */
  isClosed = false;
  /** Set by whoever wants to know about connections. */
  watcher: Watcher | undefined;
  #isScheduled = false;
  readonly #alarm = new Alarm((now) => this.#tick(now));
  readonly #vigil = new Vigil();
  /** The program's placement function. */
  readonly #choose: Hashing | undefined;
  /** The program's serializer. */
  readonly #serializing: Serializing | undefined;
  /** Whether a call is being packed, for which functions of the program may be asked. */
  #isPacking = false;

  constructor(
    servers: ServerSource,
    options: Record<string, OptionValue>,
    { choose, serializing }: OwnFunctions = {},
  ) {
    this.#choose = choose;
    this.#serializing = serializing;
    this.#submission = new Submission(serializing);
    this.#calls = new Calls(serializing);
    this.#core = calling(
      () =>
        new native.ClientCore(
          servers,
          Object.keys(options),
          Object.values(options),
          { choose: choose !== undefined, opaque: serializing?.flags },
          Math.random(),
          this.#arrays(),
        ),
    );
    this.#number = this.#core.number;
    this.endpoints = Object.freeze(this.#core.endpoints());
    this.#sockets = new Sockets(this.#core.tls());
    const overheard = this.#core.overheard();
    if (overheard !== null) warnOf(overheard);
    const entry = this.#core.firstEntry();
    if (entry !== null) tell([entry]);
  }

  /** Servers and options as JSON, without secrets. */
  get configuration(): string {
    return this.#core.configuration();
  }

  /** The name of the server that has a key, within namespaces, or of that of a server key. */
  serverFor(key: Uint8Array, serverKey: Uint8Array | undefined, scopes: readonly Scope[]): string {
    const placed = this.placed(serverKey ?? key);
    const { names, generations } = split(scopes);
    return calling(() => this.#core.serverFor(key, serverKey, names, generations, placed));
  }

  /** Servers, placement and options, within namespaces. */
  plan(scopes: readonly Scope[]): ClientPlan {
    const { names, generations } = split(scopes);
    return this.#core.plan(names, generations);
  }

  /** Whether a function of the program's places keys. */
  get chooses(): boolean {
    return this.#choose !== undefined;
  }

  /** Where the program's function places a key, if there is one. */
  placed(key: Uint8Array): number | undefined {
    if (this.#choose === undefined) return undefined;
    // A copy: what the function does with it is its own affair.
    const index = this.#choose(Buffer.from(key), this.endpoints);
    if (Number.isInteger(index) && index >= 0 && index < this.endpoints.length) return index;
    const count = this.endpoints.length;
    throw new InvalidArgumentError(`placement function named server ${index}, there are ${count}`);
  }

  /** Has the program's function place the keys of the call that was begun. */
  #place(submission: Submission, count: number): void {
    const { from, to, byte } = submission.seal(count);
    if (submission.replaced) this.#attach();
    const keys = this.#core.keysToPlace(from, to, byte);
    for (const key of keys) this.#core.place(key, this.placed(key) as number);
  }

  /** Refuses what would write over the call that is being packed. */
  #refuseWhilePacking(): void {
    if (this.#isPacking) {
      const message = "what is asked while a call begins cannot use the client";
      throw new InvalidArgumentError(message);
    }
  }

  /**
   * Begins a call and returns its token; what is wrong with its arguments is
   * thrown, and nothing has happened then.
   */
  begin(verb: Verb, call: Call, scopes: readonly Scope[], options: unknown, write: Write): number {
    if (this.isClosed) throw new ClosedError("client is closed", { sent: "not_sent" });
    this.#refuseWhilePacking();
    const submission = this.#submission;
    let count: number;
    this.#isPacking = true;
    try {
      submission.begin(verb, scopes);
      if (options !== undefined) submission.options(options);
      count = write(submission, call);
      if (this.#choose !== undefined) this.#place(submission, count);
    } finally {
      this.#isPacking = false;
    }
    const signal = signalOf(options as CallOptions | undefined);
    const token = this.#calls.add(call);
    if (signal !== undefined) this.#listen(signal, token, call);
    submission.commit(token, count);
    if (submission.used > packedLimit) {
      this.#flush();
    } else if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(this.#flushLater);
    }
    return token;
  }

  /** Lets the lines of a list wait while its reader is behind, or come again. */
  pause(token: number, call: Call, waits: boolean): void {
    if (!this.#calls.has(token, call)) return;
    this.#core.pause(token, waits, performance.now());
    this.#attend();
  }

  /** Gives a call up that nobody waits for any more. */
  drop(token: number, call: Call): void {
    if (!this.#calls.has(token, call)) return;
    // It may not have been handed over yet, and may fail when it is.
    this.#flush();
    if (this.#calls.has(token, call)) this.#abandon(token, call, undefined);
  }

  /** Gives a call up when its signal says so; what was not handed over yet is not sent. */
  #listen(signal: AbortSignal, token: number, call: Call): void {
    const submission = this.#submission;
    const { count: position, turn } = submission;
    call.unlisten = listen(signal, () => {
      if (submission.turn === turn) submission.erase(position);
      this.#abandon(token, call, signal.reason);
    });
  }

  /** Gives a call up, for this reason. */
  #abandon(token: number, call: Call, reason: unknown): void {
    this.#calls.remove(token);
    this.#core.cancel(token);
    this.#attend();
    call.reject(reason);
    this.#wakeIdlers();
  }

  /**
   * Asks the caller's function, which may be async, and passes its answer on. A
   * call that has ended meanwhile is left alone.
   */
  async ask(token: number, call: Call, change: Change, expires: number | undefined): Promise<void> {
    try {
      this.#calls.raise(call);
      const { item, failure } = call;
      call.item = undefined;
      if (failure !== undefined) throw failure;
      const value = await change(item?.value);
      if (!this.#calls.has(token, call)) return;
      call.given = value;
      const plain = value === undefined ? undefined : lower(value, this.#serializing);
      const bytes = Buffer.from((plain?.data ?? "") as string);
      this.#core.answer(token, plain?.kind ?? null, bytes, expires ?? null, performance.now());
    } catch (error) {
      if (this.#calls.has(token, call)) this.#abandon(token, call, rebuilt(error));
      return;
    }
    this.#conclude();
  }

  /** Whether there are connections. */
  get isConnected(): boolean {
    return this.#connections.size > 0;
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    while (this.#calls.size > 0) await new Promise<void>((resolve) => this.#idlers.push(resolve));
  }

  readonly #flushLater = (): void => {
    this.#isScheduled = false;
    this.#flush();
  };

  #wakeIdlers(): void {
    if (this.#calls.size > 0) return;
    for (const wake of this.#idlers.splice(0)) wake();
  }

  /** Hands over what was packed. */
  #flush(): void {
    this.#refuseWhilePacking();
    const submission = this.#submission;
    if (submission.count === 0) return;
    if (submission.replaced) this.#attach();
    native.submit(this.#number, submission.count, performance.now());
    submission.clear();
    this.#conclude();
  }

  /** Ends every call and closes the connections; for good, or until the next call. */
  close(forGood: boolean): void {
    this.#flush();
    this.#core.close(forGood);
    this.#conclude();
  }

  #attach(): void {
    this.#core.attach(this.#arrays());
  }

  #arrays(): SharedArrays {
    const submission = this.#submission;
    submission.replaced = false;
    return {
      fields: submission.fields,
      bytes: submission.bytes,
      input: this.#input,
      events: this.#events,
      output: this.#output,
      state: this.#state,
    };
  }

  /** Does what the core wants done after a call; values lie in the input, or are `value`. */
  #conclude(value?: Buffer): void {
    const state = this.#state;
    while (state[State.Connection] !== 0) this.#write();
    if (state[State.Texts] !== 0) {
      state[State.Texts] = 0;
      this.#calls.addTexts(this.#core.texts());
    }
    const words = state[State.Words] as number;
    if (words !== 0) {
      state[State.Words] = 0;
      if (words > this.#events.length) {
        this.#events = new Uint32Array(words * 2);
        this.#attach();
        this.#core.events();
      }
      this.#calls.settle(
        this.#core,
        this.#events,
        words,
        value ?? this.#input,
        value !== undefined,
      );
      if (this.#idlers.length > 0) this.#wakeIdlers();
    }
    this.#attend();
  }

  /** Does what there is to do other than writing, and sees to timer and sleep. */
  #attend(): void {
    if (this.#state[State.Actions] !== 0) this.#act();
    this.#wait();
    // At last: who listens may use the client.
    if (this.#state[State.Entries] !== 0) this.#tell();
  }

  /** Writes what the core has put into the output. */
  #write(): void {
    const id = this.#state[State.Connection] as number;
    const count = this.#state[State.Output] as number;
    const isLarge = count > outputLength;
    const bytes = isLarge ? this.#core.largeOutput() : this.#output.subarray(0, count);
    const socket = this.#connections.get(id);
    if (socket !== undefined) {
      // Encryption takes its time: rather a copy for each than a new output.
      const isCopied = this.#sockets.isEncrypted && !isLarge;
      socket.write(isCopied ? Buffer.from(bytes) : bytes);
      if (socket.writableLength > 0) {
        // The socket still reads from the bytes, and takes no more before "drain".
        if (!isLarge && !isCopied) {
          this.#output = Buffer.allocUnsafeSlow(outputLength);
          this.#attach();
        }
        if (socket.writableNeedDrain) this.#core.blocked(id);
      }
    }
    native.nextOutput(this.#number);
  }

  #act(): void {
    for (;;) {
      const action = this.#core.nextAction();
      if (action === null) return;
      switch (action.kind) {
        case "close":
          this.#close(action.connection);
          break;
        case "connect":
          this.#open(action);
          break;
        case "pause":
          this.#connections.get(action.connection)?.pause();
          break;
        case "resolve":
          this.#resolve(action);
          break;
        case "resume":
          this.#connections.get(action.connection)?.resume();
          break;
      }
    }
  }

  #tell(): void {
    this.#state[State.Entries] = 0;
    tell(this.#core.takeEntries());
  }

  #open(action: ActionFields): void {
    const id = action.connection;
    let large: LargeValue | undefined;
    const onread = {
      buffer: () => large?.room ?? this.#input,
      callback: (count: number, bytes: Uint8Array) => {
        large =
          large === undefined
            ? this.#received(id, count, bytes)
            : this.#collected(id, count, large);
        return true;
      },
    };
    const socket = this.#sockets.open(action, onread, {
      opened: () => {
        this.watcher?.opened(socket);
        this.#core.connected(id, performance.now());
        this.#conclude();
      },
      drained: () => {
        this.#core.writable(id);
        this.#conclude();
      },
      lost: (stage, reason, error) => this.#lost(id, stage, reason, error),
    });
    this.#connections.set(id, socket);
  }

  /** Passes on what was read; returns a value in progress that is large. */
  #received(id: number, count: number, bytes: Uint8Array): LargeValue | undefined {
    // A socket holds on to the input that was there when it was read last.
    if (bytes !== this.#input) this.#input.set(bytes.subarray(0, count));
    native.received(this.#number, id, count, performance.now());
    const wanted = this.#state[State.Wanted] as number;
    this.#conclude();
    if (count === inputLengths[0] && this.#input.length === count) this.#growInput();
    if (wanted <= largeLength) return undefined;
    const part = this.#core.takePartial(id);
    return part === null ? undefined : new LargeValue(part.bytes, part.length);
  }

  /** Lets reads bring more: values that lie in two of them have to be put together. */
  #growInput(): void {
    this.#input = Buffer.allocUnsafeSlow(inputLengths[1]);
    this.#attach();
  }

  /** Notes what was read into a large value, and passes it on when it is complete. */
  #collected(id: number, count: number, large: LargeValue): LargeValue | undefined {
    if (!large.add(count)) {
      // A sign of life.
      native.received(this.#number, id, 0, performance.now());
      this.#conclude();
      return large;
    }
    this.#core.receivedValue(id, large.bytes, performance.now());
    this.#conclude(large.bytes);
    return undefined;
  }

  #lost(id: number, stage: Stage, reason: string, error?: Error): void {
    if (!this.#connections.has(id)) return;
    if (error !== undefined) this.watcher?.failed(error);
    this.#close(id);
    this.#core.lost(id, stage, reason, performance.now());
    this.#conclude();
  }

  #close(id: number): void {
    const socket = this.#connections.get(id);
    if (!this.#connections.delete(id)) return;
    socket?.destroy();
    this.watcher?.closed();
  }

  #resolve({ endpoint, host }: ActionFields): void {
    lookup(host as string, { all: true }, (error, addresses) => {
      if (error !== null) this.watcher?.failed(error);
      const hosts = error === null ? addresses.map(({ address }) => address) : [];
      this.#core.resolved(endpoint, hosts, error?.message ?? null, performance.now());
      this.#conclude();
    });
  }

  /** Sets the timer for the next deadline, and keeps the loop awake for a reply. */
  #wait(): void {
    const state = this.#state;
    this.#vigil.until(state[State.Awake] as number);
    this.#alarm.set(state[State.Deadline] as number, state[State.Pending] !== 0);
  }

  readonly #tick = (now: number): void => {
    this.#core.tick(now);
    this.#conclude();
  };
}
