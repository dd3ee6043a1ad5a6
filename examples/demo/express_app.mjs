/**
 * The Express app of the demo: pages about countries, cached with memoxide.
 *
 * It shares its database, its cache, its keys and its logins with
 * `flask_app.py`, which reads side by side with this file. `docs/demo.md` lists
 * the keys.
 */

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DatabaseSync } from "@photostructure/sqlite";
import express from "express";
import { Client, ValueTooLargeError } from "memoxide";
import nunjucks from "nunjucks";

const NAME = "express";
const PAGE_SECONDS = 300;
const SEARCH_SECONDS = 2;
const SEARCH_LIMIT = 200; // of the 250 bytes that a key may have
const SESSION_SECONDS = 1800;

const app = express();
const views = nunjucks.configure(fileURLToPath(new URL("views", import.meta.url)), {
  autoescape: true,
});
const database = new DatabaseSync(process.env.DEMO_DATABASE, { timeout: 5000 });
const cache = Client.create(process.env.MEMCACHED_SERVERS, {
  prefix: process.env.DEMO_PREFIX,
  onError: "miss", // pages without a cache rather than no pages
});

/** Runs a query of `queries/` and returns its rows as objects. */
function rows(name, values = {}) {
  const text = readFileSync(new URL(`queries/${name}.sql`, import.meta.url), "utf8");
  return database.prepare(text).all(values);
}

/** Lets nothing else become part of a key. */
app.param("code", (_, response, next, code) => {
  if (/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(code)) next();
  else response.sendStatus(404);
});

// Cached pages ---------------------------------------------------------------

/** Returns what the cache has under a key, or else makes and stores it. */
async function cached(request, response, key, seconds, make) {
  if (request.get("Cache-Control") === "no-store") {
    response.set("X-Cache", "BYPASS");
    return make();
  }
  let { value } = await cache.get(key);
  const outcome = value === null ? "MISS" : "HIT";
  if (value === null) {
    value = await make();
    await cache.set(key, value, { expires: seconds }).catch((error) => {
      if (!(error instanceof ValueTooLargeError)) throw error; // else it is made again
    });
  }
  response.set("X-Cache", outcome);
  return value;
}

function country(request, response, code) {
  return cached(request, response, `query:country:${code}`, PAGE_SECONDS, () => {
    const [found] = rows("country", { country: code });
    if (!found) throw Object.assign(new Error("no such country"), { status: 404 });
    const subdivisions = rows("subdivisions", { country: code });
    return { source: NAME, country: found, subdivisions };
  });
}

function world(request, response) {
  return cached(request, response, "query:world", PAGE_SECONDS, () => {
    return { source: NAME, countries: rows("world") };
  });
}

app.get("/", async (request, response) => {
  const page = await cached(request, response, "view:world", PAGE_SECONDS, async () => {
    return views.render("world.html", { generator: NAME, ...(await world(request, response)) });
  });
  response.send(page);
});

app.get("/countries/:code", async (request, response) => {
  const { code } = request.params;
  const page = await cached(request, response, `view:country:${code}`, PAGE_SECONDS, async () => {
    const data = await country(request, response, code);
    return views.render("country.html", { generator: NAME, ...data });
  });
  response.send(page);
});

app.get("/api/countries/:code", async (request, response) => {
  response.json(await country(request, response, request.params.code));
});

app.get("/api/search", async (request, response) => {
  const { text } = request.query;
  if (typeof text !== "string") return response.sendStatus(400);
  // Quoted, since a key has no spaces.
  const key = encodeURIComponent(text);
  if (key.length > SEARCH_LIMIT) return response.sendStatus(414);
  const found = await cached(request, response, `search:${key}`, SEARCH_SECONDS, () => {
    return { source: NAME, found: rows("search", { text }) };
  });
  response.json(found);
});

// Sessions -------------------------------------------------------------------

/**
 * Reads the session whose id is in the cookie; it is kept as JSON. It ends when
 * nobody has asked with its id for `SESSION_SECONDS`.
 */
app.use(async (request, _, next) => {
  const cookie = /(?:^|; )session=([\w-]{24})(?:;|$)/.exec(request.get("Cookie") ?? "");
  if (cookie) {
    const { value } = await cache.gat(`session:${cookie[1]}`, SESSION_SECONDS);
    if (value !== null) request.session = { id: cookie[1], data: value };
  }
  next();
});

// Whoever logs in or out gets a new id, so no id from before a login is worth
// stealing, and no late write brings an ended session back.
async function endSession(session) {
  if (session) await cache.deleteMulti([`session:${session.id}`, `visits:${session.id}`]);
}

app.post("/login", express.urlencoded(), async (request, response) => {
  await endSession(request.session);
  const id = randomBytes(18).toString("base64url");
  const data = { user: request.body.user, source: NAME };
  await cache.add(`session:${id}`, data, { expires: SESSION_SECONDS });
  await cache.add(`visits:${id}`, 0, { expires: SESSION_SECONDS });
  response.cookie("session", id, { httpOnly: true, sameSite: "lax" });
  response.json({ user: data.user });
});

app.get("/me", async (request, response) => {
  if (!request.session) return response.sendStatus(401);
  const { id, data } = request.session;
  // A number of its own, counted by the server: two apps that each wrote back
  // the whole session would lose visits.
  const { value: visits } = await cache.increment(`visits:${id}`, 1);
  await cache.touch(`visits:${id}`, SESSION_SECONDS);
  response.json({ ...data, visits });
});

app.post("/logout", async (request, response) => {
  await endSession(request.session);
  response.clearCookie("session");
  response.json({});
});

// Edits ----------------------------------------------------------------------

app.put("/api/subdivisions/:code", express.json(), async (request, response) => {
  const { code } = request.params;
  const { name } = request.body;
  if (!request.session) return response.sendStatus(401);
  if (typeof name !== "string") return response.sendStatus(422);
  let affected;
  database.exec("BEGIN IMMEDIATE");
  try {
    const [found] = rows("subdivision", { code });
    if (!found) return response.sendStatus(404);
    rows("rename", { code, name });
    affected = rows("affected", { country: found.country, old: found.name, new: name });
    database.exec("COMMIT");
  } catch (error) {
    if (/constraint failed/.test(error.message)) return response.sendStatus(422);
    throw error;
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
  }
  // Not before the commit: until then a reader finds the old row, and would
  // store it again under the keys just deleted.
  const stale = ["query:world", "view:world"];
  for (const row of affected) stale.push(`query:country:${row.code}`, `view:country:${row.code}`);
  await cache.deleteMulti(stale);
  response.json({ code, name, deleted: stale });
});

/** Answers a failed request with its status alone. */
app.use((error, _request, response, next) => {
  if (response.headersSent) return next(error);
  const status = error.status ?? 500;
  if (status >= 500) process.stderr.write(`${error.stack}\n`);
  response.sendStatus(status);
});

// The process ----------------------------------------------------------------

const server = app.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${server.address().port}\n`);
});

/** Ends with the standard input, so that no app outlives the demo. */
process.stdin.resume().on("end", () => {
  server.close();
  server.closeAllConnections();
  cache.close();
});
