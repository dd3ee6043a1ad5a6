/**
 * The way to one server: carries requests out and hands back what memjs would
 * have got in reply.
 *
 * memjs gives a request its `timeout` once there is a connection, and connecting
 * `conntimeout` before that. Attempts, and which server is skipped when, are the
 * client's affair.
 */

import type { Socket } from "node:net";

import { Call } from "../completion.js";
import { Driver, type OptionValue } from "../driver.js";
import { TimeoutError } from "../errors.js";
import { serverSource } from "../options.js";
import { type Again, againAfter, failureOf, late, statusOf } from "./failures.js";
import { type Plan, planOf, refusal } from "./plans.js";
import { Opcode, Status } from "./protocol.js";
import { type Request, reply } from "./request.js";
import type { Server } from "./server.js";
import type { Message } from "./utils.js";

/** Gets each reply to a request. */
export type Succeed = (reply: Message) => void;

/** Gets the error of a request without a reply, and whether to make it again. */
export type Fail = (error: Error, again: Again) => void;

/** In place of no limit, which a timeout of 0 means. */
const aYear = 365 * 24 * 60 * 60;

const noLimit = 2 ** 32 - 1;

export class Link {
  readonly #server: Server;
  readonly #driver: Driver;
  /** Why the connection was lost, or could not be opened. */
  #failure: Error | undefined;
  /** Ends the calls that were made before there was a connection. */
  #opening: AbortController | undefined;
  #isEnding = false;

  /** @throws MemoxideError when the server cannot be reached in the way that it says. */
  constructor(server: Server) {
    this.#server = server;
    const { host, port, username, password, options } = server;
    const settings: Record<string, OptionValue> = {
      values: "raw",
      timeout: limit(options.timeout),
      connect_timeout: limit(options.conntimeout),
      retry_attempts: 0,
      dead_after: noLimit,
      // For the server to say.
      max_value_size: noLimit,
    };
    if (username && password) {
      Object.assign(settings, { username, password, auth: options.auth ?? "sasl" });
    }
    this.#driver = new Driver(serverSource([{ host, port }]), settings);
    this.#driver.watcher = {
      opened: (socket) => this.#opened(socket),
      closed: () => {
        server.connected = false;
      },
      failed: (error) => {
        this.#failure = error;
      },
    };
  }

  /** Carries a request out. */
  send(request: Request, succeed: Succeed, fail: Fail): void {
    if (request.opcode === Opcode.Quit) {
      this.end();
      process.nextTick(succeed, reply(request, Status.Success));
      return;
    }
    const plan = planOf(request);
    if (typeof plan === "number") process.nextTick(succeed, refusal(request, plan));
    else this.#begin(request, plan, succeed, fail);
  }

  /** Closes the connection once no call is under way. */
  async end(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    await this.#driver.idle();
    this.#isEnding = false;
    this.#driver.close(false);
  }

  #begin(request: Request, plan: Plan, succeed: Succeed, fail: Fail): void {
    const { verb, options, write, finish } = plan;
    // Callbacks not from here: the driver is at work, and they may throw.
    const resolve = (replies: Message[]) => {
      this.#failure = undefined;
      for (const reply of replies) process.nextTick(succeed, reply);
    };
    const reject = (error: unknown) => this.#failed(request, error, succeed, fail);
    this.#limit(options);
    try {
      this.#driver.begin(verb, new Call(resolve, reject, finish), [], options, write);
    } catch (error) {
      reject(error);
    }
  }

  #failed(request: Request, error: unknown, succeed: Succeed, fail: Fail): void {
    const status = statusOf(error, request.opcode);
    if (status !== undefined) {
      process.nextTick(succeed, refusal(request, status));
    } else {
      const failure = failureOf(error, this.#failure, this.#server.connected);
      if (error instanceof TimeoutError) this.#failure = failure;
      process.nextTick(fail, failure, againAfter(error));
    }
  }

  /** Says how long a call may take, from now on or from when there is a connection. */
  #limit(options: Plan["options"]): void {
    const { connected, options: times } = this.#server;
    options.timeout = limit(times.timeout);
    if (connected) return;
    options.timeout = Math.min(options.timeout + limit(times.conntimeout), aYear);
    this.#opening ??= new AbortController();
    options.signal = this.#opening.signal;
  }

  #opened(socket: Socket): void {
    const { options } = this.#server;
    const opening = this.#opening;
    this.#opening = undefined;
    this.#failure = undefined;
    this.#server.connected = true;
    process.nextTick(() => this.#server.emit("authenticated"));
    socket.setKeepAlive(options.keepAlive, options.keepAliveDelay * 1000);
    if (opening === undefined) return;
    const expire = () => {
      // The connection goes with the first of them.
      this.#failure = late();
      opening.abort(this.#failure);
    };
    // The driver's timer holds the process while calls wait.
    setTimeout(expire, Math.min(limit(options.timeout) * 1000, longestTimer)).unref();
  }
}

/** The most milliseconds that a timer takes. */
const longestTimer = 2 ** 31 - 1;

function limit(seconds: number): number {
  return seconds > 0 ? seconds : aYear;
}
