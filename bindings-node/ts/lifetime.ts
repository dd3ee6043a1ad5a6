/**
 * Seconds to live for what ends at a millisecond, as stores of other packages
 * have it.
 */

/** Below this an item gets a second more: servers count whole seconds and may begin late in one. */
const short = 10;

/**
 * Returns the seconds for an item that is stored now and must be there until
 * `end`, in milliseconds since 1970; 0 when that has passed.
 */
export function secondsUntil(end: number): number {
  const seconds = Math.ceil((end - Date.now()) / 1000);
  if (seconds <= 0) return 0;
  return seconds < short ? seconds + 1 : seconds;
}
