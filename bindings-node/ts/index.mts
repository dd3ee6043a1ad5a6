/**
 * The ESM entry: the same objects as the CommonJS entry, under the same names.
 *
 * Classes exist once in a process, whichever way a package was loaded, so
 * `instanceof` holds between a program that imports and a library that requires.
 */

export * from "./index.js";
