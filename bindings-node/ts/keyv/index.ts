/**
 * A storage adapter for Keyv 6 and 5, and with them for cache-manager and
 * `@nestjs/cache-manager`.
 *
 * ```js
 * import Keyv from "keyv";
 * import { KeyvMemoxide } from "memoxide/keyv";
 *
 * const keyv = new Keyv({ store: new KeyvMemoxide("cache1:11211,cache2:11211") });
 * await keyv.set("user:1", { name: "Ada" }, 60_000);
 * ```
 *
 * `docs/keyv.md` is the guide.
 */

export {
  type KeyvEntry,
  KeyvMemoxide,
  KeyvMemoxide as default,
  type KeyvMemoxideOptions,
} from "./adapter.js";
