/**
 * The module in place of memjs 1.3.2.
 *
 * Programs written for memjs run unchanged on it: names, arguments, results,
 * errors, placement of keys and stored bytes are the same. What it does better,
 * and the few differences, are listed in `docs/migrating-from-memjs.md`. Write
 * new programs with `Client` of `memoxide`.
 *
 * ```js
 * const memjs = require("memoxide/memjs");
 *
 * const client = memjs.Client.create("cache1:11211,cache2:11211");
 * client.set("hello", "world", { expires: 600 }, (error, stored) => {});
 * ```
 *
 * This file is the CommonJS entry; `index.mts` hands the same objects to
 * `import`.
 */

import { Client } from "./client.js";
import { fromBuffer, type Header as HeaderFields, toBuffer } from "./header.js";
import { Server } from "./server.js";
import {
  hashCode,
  type Message,
  makeAmountInitialAndExpiration,
  makeExpiration,
  makeRequestBuffer,
  merge,
  parseMessage,
  timestamp,
} from "./utils.js";

export type {
  ClientOptions,
  IncrementDecrementOptions,
  InsertOptions,
  Logger,
  Serializer,
  ServerOptions,
} from "./types.js";

/** Headers of the binary protocol. */
const Header = { fromBuffer, toBuffer };
type Header = HeaderFields;

/** Messages of the binary protocol, and small helpers. */
const Utils = {
  hashCode,
  makeAmountInitialAndExpiration,
  makeExpiration,
  makeRequestBuffer,
  merge,
  parseMessage,
  timestamp,
};

/** A reply of a server. */
export type Response = Message;

export { Client, Header, Server, Utils };

/** For `import memjs from`, which gives the whole module. */
export default { Client, Header, Server, Utils };
