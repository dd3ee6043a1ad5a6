/**
 * The client: what an application calls.
 *
 * ```js
 * import { Client } from "memoxide";
 *
 * const cache = Client.create("127.0.0.1:11211");
 * await cache.set("greeting", "hello");
 * const { value } = await cache.get("greeting");
 * ```
 *
 * Methods pack their call and return a promise; everything else is done by the
 * driver and the core.
 */

import { Call } from "./completion.js";
import { Driver } from "./driver.js";
import { type ClientOptions, optionValues, type Servers, serverEntries } from "./options.js";
import { type Key, Verb, Want } from "./submission.js";

/** A client of one or more servers; connections are opened on first use. */
export class Client {
  readonly #driver: Driver;

  constructor(servers?: Servers, options: ClientOptions = {}) {
    this.#driver = new Driver(serverEntries(servers), optionValues(options));
  }

  /** Prepares a client; nothing is sent yet. */
  static create(servers?: Servers, options: ClientOptions = {}): Client {
    return new Client(servers, options);
  }

  /** Reads a value and its flags; both are `null` on a miss. */
  get(key: Key): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { submission, calls } = this.#driver;
      const call = new Call(resolve, reject, hit);
      const token = calls.add(call);
      submission.begin(Verb.Retrieve, token);
      submission.number(Want.Value);
      submission.commit(submission.key(key));
      this.#driver.schedule();
    });
  }

  /** Stores a value. */
  set(key: Key, value: unknown): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const { submission, calls } = this.#driver;
      const call = new Call(resolve, reject, yes);
      const token = calls.add(call);
      submission.begin(Verb.Set, token);
      submission.commit(submission.item(key, value));
      this.#driver.schedule();
    });
  }

  /** Ends every call with `ClosedError` and closes all connections. */
  close(): void {
    this.#driver.close(true);
  }
}

function hit(call: Call): unknown {
  return call.item ?? { value: null, flags: null };
}

function yes(call: Call): boolean {
  return call.verdict === 1;
}
