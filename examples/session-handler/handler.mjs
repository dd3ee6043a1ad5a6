/**
 * A session handler as PHP has them: open, read, write, destroy, gc.
 *
 * It is what `handler.php` is with php-memcached, and both see the same sessions:
 * the item `sess:` + id holds the session as JSON text, `sess:lock:` + id the token
 * of whoever has it open.
 *
 *     node handler.mjs SERVER ID [COUNT]
 *
 * visits the session COUNT times and prints it after each visit.
 */

import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";

import { Client } from "memoxide";

/** Keeps sessions in memcached, open for one request at a time. */
export class SessionHandler {
  #client;
  #lock = null;

  /**
   * @param lifetime Seconds that a session is kept after its last use.
   * @param lockTime Seconds after which a request that broke off gives it back.
   * @param lockWait Seconds to wait for a request that has it open.
   */
  constructor({ lifetime = 1440, lockTime = 30, lockWait = 10 } = {}) {
    this.lifetime = lifetime;
    this.lockTime = lockTime;
    this.lockWait = lockWait;
  }

  /** Prepares for sessions of the servers that `path` lists. */
  open(path, _name) {
    // The bytes are as they are: the format is ours and not the client's.
    this.#client = Client.create(path, { values: "raw" });
    return true;
  }

  /** Lets the next request have the session. */
  async close() {
    try {
      await this.#release();
    } finally {
      this.#client.close();
    }
    return true;
  }

  /** Opens a session and returns its text, nothing for a new one. */
  async read(id) {
    const options = { wait: this.lockWait };
    this.#lock = await this.#client.lock(`sess:lock:${id}`, this.lockTime, options);
    if (this.#lock === null) throw new Error("another request has the session open");
    const { value } = await this.#client.get(`sess:${id}`);
    return value?.toString() ?? "";
  }

  /** Stores the text of a session. */
  write(id, data) {
    return this.#client.set(`sess:${id}`, data, { expires: this.lifetime });
  }

  /** Extends the life of a session whose text has not changed. */
  async updateTimestamp(id, data) {
    return (await this.#client.touch(`sess:${id}`, this.lifetime)) || this.write(id, data);
  }

  /** Removes a session. */
  async destroy(id) {
    await this.#client.delete(`sess:${id}`);
    await this.#release();
    return true;
  }

  /** Removes nothing: memcached does that itself. */
  gc(_maxLifetime) {
    return 0;
  }

  /** Returns the id of a new session. */
  createSid() {
    return randomBytes(16).toString("hex");
  }

  /** Tells whether there is a session, before an id of a browser is used. */
  async validateId(id) {
    if (!/^[A-Za-z0-9,-]{22,128}$/.test(id)) return false;
    return (await this.#client.get(`sess:${id}`)).value !== null;
  }

  async #release() {
    await this.#lock?.release();
    this.#lock = null;
  }
}

/** Does what PHP does around a page; the page counts visits. */
async function visit(handler, server, id) {
  handler.open(server, "PHPSESSID");
  try {
    const session = JSON.parse((await handler.read(id)) || "{}");
    session.visits = (session.visits ?? 0) + 1;
    session.last = "node";
    const data = JSON.stringify(session);
    await handler.write(id, data);
    return data;
  } finally {
    await handler.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [server, id, count = "1"] = process.argv.slice(2);
  const handler = new SessionHandler();
  for (let left = Number(count); left > 0; left--) console.log(await visit(handler, server, id));
}
