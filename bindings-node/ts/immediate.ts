/**
 * The event loop's own `setImmediate`, by which the driver lets the loop look at
 * its sockets. What frameworks of tests put in its place does not.
 */
export const { setImmediate } = globalThis;
