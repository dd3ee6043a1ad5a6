/**
 * Warns of clients that were forgotten without being closed.
 */

import type { Driver } from "./driver.js";

/** What a client and its views share, and nobody else has. */
export type Anchor = object;

const registry = new FinalizationRegistry<Driver>((driver) => {
  if (!driver.isConnected) return;
  process.emitWarning(
    `a client of ${driver.endpoints.join(", ")} was left open; call quit or close, ` +
      "or declare it with await using",
    "MemoxideWarning",
    "MEMOXIDE_CLIENT_LEFT_OPEN",
  );
  driver.isClosed = true;
  void driver.idle().then(() => driver.close(true));
});

/** Watches over a driver, whose clients live as long as the anchor. */
export function watch(driver: Driver): Anchor {
  const anchor = {};
  registry.register(anchor, driver, anchor);
  return anchor;
}

/** Watches no more: the client was closed. */
export function release(anchor: Anchor): void {
  registry.unregister(anchor);
}
