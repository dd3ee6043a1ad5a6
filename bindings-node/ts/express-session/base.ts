/**
 * What of express-session the store stands on.
 *
 * The package is an optional peer: it is loaded with this module and with no
 * other. Its types are described here, so that programs without
 * `@types/express-session` compile.
 */

import type { EventEmitter } from "node:events";

/** What a session says about its cookie. */
export interface SessionCookie {
  /** Milliseconds that the cookie lives after a request; null for as long as the browser runs. */
  originalMaxAge?: number | null;
  /** When the session ends; text where it was read from JSON. */
  expires?: Date | string | null | undefined;
}

/** A session as it is stored. */
export interface SessionData {
  cookie: SessionCookie;
}

/** Gets an error, or what was asked for. */
// biome-ignore lint/suspicious/noExplicitAny: as in @types/express-session.
export type Callback<T = void> = (error: any, result?: T) => void;

/** A session where a callback gets it: as `@types/express-session` describes it, where that is. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type AnySession = any;

/** The class that express-session wants stores to extend. */
export interface BaseStore extends EventEmitter {
  // biome-ignore lint/suspicious/noExplicitAny: requests are Express's.
  createSession(request: any, session: any): any;
  // biome-ignore lint/suspicious/noExplicitAny: requests are Express's.
  generate(request: any): void;
  // biome-ignore lint/suspicious/noExplicitAny: sessions are express-session's.
  load(sid: string, callback: (error: any, session?: any) => any): void;
  // biome-ignore lint/suspicious/noExplicitAny: requests are Express's.
  regenerate(request: any, callback: (error?: any) => any): void;
}

export const BaseStore: new () => BaseStore = load();

function load(): new () => BaseStore {
  try {
    return require("express-session").Store;
  } catch (cause) {
    throw new Error("memoxide/express-session needs the package express-session", { cause });
  }
}
