/**
 * Sessions of Express in memcached, for express-session.
 *
 * ```js
 * const express = require("express");
 * const session = require("express-session");
 * const { MemoxideStore } = require("memoxide/express-session");
 *
 * const app = express();
 * const store = new MemoxideStore({ client: "cache1:11211,cache2:11211" });
 * app.use(session({ store, secret: "keyboard cat", resave: false, saveUninitialized: false }));
 * ```
 *
 * `docs/express-session.md` is the guide.
 */

export type { Callback, SessionCookie, SessionData } from "./base.js";
export {
  MemoxideStore,
  type MemoxideStoreOptions,
  type SessionSerializer,
} from "./store.js";
