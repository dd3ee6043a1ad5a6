/**
 * The timer of a driver, for its next deadline.
 *
 * It holds the process while calls wait.
 */

import { setImmediate } from "./immediate.js";

export class Alarm {
  readonly #ring: (now: number) => void;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #due = Number.POSITIVE_INFINITY;
  #isHolding = false;

  /** `ring` is called at a deadline, or later. */
  constructor(ring: (now: number) => void) {
    this.#ring = ring;
  }

  /** Sets the deadline, in milliseconds of `performance.now()`. */
  set(deadline: number, isBusy: boolean): void {
    // A later deadline is looked at when the earlier one has passed.
    if (deadline < this.#due) {
      clearTimeout(this.#timer);
      this.#due = deadline;
      this.#isHolding = true;
      const pause = Math.max(1, Math.ceil(deadline - performance.now()));
      this.#timer = setTimeout(this.#fire, pause);
    }
    if (isBusy !== this.#isHolding && this.#timer !== undefined) {
      this.#isHolding = isBusy;
      if (isBusy) this.#timer.ref();
      else this.#timer.unref();
    }
  }

  /**
   * Rings once the sockets were looked at: when the program has kept the event
   * loop busy for longer than a timeout, replies may lie there that came in time.
   */
  readonly #fire = (): void => {
    this.#due = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    const now = performance.now();
    setImmediate(() => this.#ring(now));
  };
}
