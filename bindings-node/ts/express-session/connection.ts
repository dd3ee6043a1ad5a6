/**
 * Tells whether any server can be reached: express-session goes on without
 * sessions while none can.
 */

import type { Client } from "../client.js";
import { ClosedError, MemoxideError, PartialError } from "../errors.js";

/** Milliseconds between looks for a server that has come back. */
const interval = 1000;

export class Reachability {
  readonly #client: Client;
  readonly #tell: (event: "connect" | "disconnect") => void;
  #isReachable: boolean | undefined;
  #isLooking = false;

  constructor(client: Client, tell: (event: "connect" | "disconnect") => void) {
    this.#client = client;
    this.#tell = tell;
  }

  /** Notes that a call has succeeded. */
  succeeded(): void {
    if (!this.#isLooking) this.#become(true);
  }

  /** Notes that a call has failed, and finds out whether others would. */
  failed(error: unknown): void {
    if (!(error instanceof MemoxideError) || !(error.isConnection || error.isTimeout)) return;
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#look();
  }

  async #look(): Promise<void> {
    const answer = await this.#client.version().catch((error: unknown) => error);
    const { length } = this.#client.servers;
    const failures = answer instanceof PartialError ? answer.parts.length : length;
    const isReachable = !(answer instanceof MemoxideError) || failures < length;
    this.#become(isReachable);
    if (isReachable || answer instanceof ClosedError) {
      this.#isLooking = false;
    } else {
      setTimeout(() => void this.#look(), interval).unref();
    }
  }

  #become(isReachable: boolean): void {
    if (this.#isReachable === isReachable) return;
    this.#isReachable = isReachable;
    // Listeners are the program's; what they throw is not ours.
    process.nextTick(this.#tell, isReachable ? "connect" : "disconnect");
  }
}
