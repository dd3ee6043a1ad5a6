/**
 * What the core tells the driver after each call, in an array that both share.
 *
 * The positions are those of `src/client/core.rs`.
 */

export const State = {
  Words: 0,
  Deadline: 1,
  Pending: 2,
  Connection: 3,
  Output: 4,
  Actions: 5,
  Texts: 6,
  Wanted: 7,
  Awake: 8,
  Entries: 9,
} as const;

/** How many numbers the array has. */
export const stateLength = 10;
