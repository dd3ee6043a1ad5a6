/**
 * How long sessions live.
 *
 * A cookie ends at a millisecond, an item of memcached at a second, and a session
 * that is touched is not written again, so that the end in its contents is old.
 * Both ends together tell: an item that was written goes about when its contents
 * say, one that was touched goes noticeably later than that.
 */

import type { SessionData } from "./base.js";

/** Seconds that an item which was touched gets on top, as a mark. */
const mark = 6;

/**
 * How many milliseconds later than its contents say an item goes that was
 * touched. Servers count whole seconds: one that was written goes up to 3 seconds
 * later, one that was touched 5 at least.
 */
const markedFrom = 4000;

/** And how much later than the end that it was touched to, at least. */
const markedBy = 5000;

/** When a session ends, in milliseconds since 1970; `undefined` for no particular time. */
export function endOf(session: SessionData): number | undefined {
  const { expires } = session.cookie ?? {};
  if (expires === null || expires === undefined) return undefined;
  const end = new Date(expires).getTime();
  return Number.isNaN(end) ? undefined : end;
}

/** Returns the seconds for an item that is touched. */
export function touched(end: number): number {
  const seconds = Math.ceil((end - Date.now()) / 1000);
  return seconds <= 0 ? 0 : seconds + mark;
}

/**
 * Returns when a session ends whose contents say `end` and whose server gives it
 * `left` seconds: to the millisecond if it was not touched, else up to three
 * seconds late.
 */
export function really(end: number, left: number): number {
  const goes = Date.now() + left * 1000;
  return goes - end < markedFrom ? end : goes - markedBy;
}
