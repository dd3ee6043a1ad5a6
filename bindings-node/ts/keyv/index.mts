/** The ESM entry of the adapter for Keyv: the objects of `index.ts`. */

export * from "./index.js";
export { KeyvMemoxide as default } from "./index.js";
