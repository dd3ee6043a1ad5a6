/**
 * Keeps the event loop from falling asleep while the reply to a lone call is near.
 *
 * A loop that has an immediate to run looks for events without waiting, so that
 * it has the reply as soon as it is there; all other events of the process are
 * served in each of these turns. Until when is the core's decision. The immediate
 * holds the process, which the call under way does anyway.
 */

import { setImmediate } from "./immediate.js";

export class Vigil {
  /** When the loop may sleep, in milliseconds of `performance.now()`; 0 for at once. */
  #end = 0;
  #seen = 0;
  #isOn = false;

  /** Keeps the loop awake until then. */
  until(end: number): void {
    this.#end = end;
    if (end === 0 || this.#isOn) return;
    this.#isOn = true;
    this.#seen = 0;
    setImmediate(this.#look);
  }

  readonly #look = (): void => {
    const now = performance.now();
    // A clock that stands still, as tests make it, tells no end.
    this.#isOn = now < this.#end && now !== this.#seen;
    this.#seen = now;
    if (this.#isOn) setImmediate(this.#look);
  };
}
