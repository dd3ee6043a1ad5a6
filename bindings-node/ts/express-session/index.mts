/** The ESM entry of the store for express-session: the objects of `index.ts`. */

export * from "./index.js";
