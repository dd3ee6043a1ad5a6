/** The ESM entry of the module in place of memjs: the objects of `index.ts`. */

import memjs from "./index.js";

export * from "./index.js";
export default memjs.default;
