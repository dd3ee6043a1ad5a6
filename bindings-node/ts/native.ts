/**
 * Loads the native module and says what to do where there is none.
 *
 * `../native.js` is the loader that `napi build` generates; from `dist` it is
 * the same relative path as from here. ESM and CJS share it through this file,
 * so that a process holds one copy of every class.
 */

import type * as Native from "../native.js";

/** What the Rust side exports; private to this package. */
export const native: typeof Native = load();

function load(): typeof Native {
  try {
    return require("../native.js");
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}`;
    throw new Error(
      `memoxide has no native module for ${platform} with Node.js ${process.version}; ` +
        "build it from the source package with `npm install && npm run build` (needs Rust 1.88), " +
        "or see the table of platforms in the README",
      { cause },
    );
  }
}
