/** The store for express-session, by itself and under express-session. */

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";

import session from "express-session";
import { Client, ConfigError, EmbeddedServer } from "memoxide";
import { MemoxideStore } from "memoxide/express-session";

import { clientOf, onBoth } from "./targets.mjs";

/** Starts a server that logs requests, with a client that has begun. */
async function started(t, options) {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const client = clientOf(t, server.endpoint, options);
  await client.get("begun");
  server.logRequests();
  return { server, client, store: new MemoxideStore({ client }) };
}

/** The requests since the last look. */
function requests(server) {
  const seen = server.loggedRequests().map(({ command, key }) => `${command} ${key}`);
  server.clearLog();
  return seen;
}

/** A cookie that ends in so many milliseconds. */
function cookie(milliseconds, more) {
  const expires = milliseconds === null ? null : new Date(Date.now() + milliseconds);
  return { originalMaxAge: milliseconds, expires, ...more };
}

/** Calls a method with a callback, as express-session does. */
function called(store, method, ...args) {
  return new Promise((resolve) => store[method](...args, (...results) => resolve(results)));
}

/** Stops the clock that sessions are compared with; returns what moves it on. */
function stopped(t) {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  return (milliseconds) => t.mock.timers.tick(milliseconds);
}

/** Waits for an event; the store's own timer does not keep the process. */
async function told(store, event) {
  const hold = setInterval(() => {}, 60_000);
  await once(store, event);
  clearInterval(hold);
}

onBoth("sessions are stored, read and removed", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const store = new MemoxideStore({ client });
  assert.deepEqual(await called(store, "get", "one"), [null, null]);
  const saved = {
    cookie: { originalMaxAge: null, path: "/" },
    user: "Ada Ölçer",
    cart: [1, 2.5, null],
  };
  assert.deepEqual(await called(store, "set", "one", saved), [null, undefined]);
  assert.deepEqual(await called(store, "get", "one"), [null, saved]);
  const { flags, bytes } = await client.getRaw("sess:one");
  assert.deepEqual([flags, bytes.toString()], [0, JSON.stringify(saved)]);
  assert.deepEqual(await called(store, "destroy", "one"), [null, undefined]);
  assert.deepEqual(await called(store, "get", "one"), [null, null]);
  assert.deepEqual(await called(store, "destroy", "one"), [null, undefined]);
});

test("one round trip for each", async (t) => {
  const { server, store } = await started(t);
  await store.set("one", { cookie: cookie(60_000) });
  assert.deepEqual(requests(server), ["ms sess:one"]);
  await store.get("one");
  assert.deepEqual(requests(server), ["mg sess:one"]);
  await store.touch("one", { cookie: cookie(60_000) });
  assert.deepEqual(requests(server), ["mg sess:one"]);
  await store.destroy("one");
  assert.deepEqual(requests(server), ["md sess:one"]);
});

onBoth(
  "sessions live as long as their cookies, or as long as the store says",
  async (t, server) => {
    const client = clientOf(t, server.endpoint);
    const left = async (key) => (await client.getItem(key))?.ttl ?? null;
    const of = async (options, session) => {
      const store = new MemoxideStore({ client, ...options });
      await store.set("one", session);
      return left("sess:one");
    };
    // Some seconds may have passed.
    const about = (actual, wanted) =>
      assert.ok(actual <= wanted + 1 && actual > wanted - 30, `${actual}`);
    about(await of({}, { cookie: cookie(60_000) }), 60);
    about(
      await of(
        {},
        { cookie: { ...cookie(0), expires: new Date(Date.now() + 60_000).toISOString() } },
      ),
      60,
    );
    about(await of({}, { cookie: cookie(null) }), 24 * 60 * 60);
    about(await of({}, { cookie: { expires: "not a date" } }), 24 * 60 * 60);
    about(await of({ ttl: 100 }, { cookie: cookie(null) }), 100);
    about(await of({ ttl: 100 }, { cookie: cookie(60_000) }), 60);
    about(
      await of({ ttl: ({ user }) => user.length * 100 }, { cookie: cookie(60_000), user: "Ada" }),
      300,
    );
    about(await of({}, { user: "no cookie at all" }), 24 * 60 * 60);
    about(await of({}, { cookie: cookie(40 * 24 * 60 * 60_000) }), 40 * 24 * 60 * 60);
    // What has ended is removed.
    assert.equal(await of({}, { cookie: cookie(-1) }), null);
    assert.equal(await of({ ttl: () => 0 }, { cookie: cookie(60_000) }), null);
    const store = new MemoxideStore({ client });
    await store.set("one", { cookie: cookie(60_000) });
    await store.touch("one", { cookie: cookie(-1) });
    assert.equal(await left("sess:one"), null);
  },
);

onBoth("a session ends with its cookie, to the millisecond", async (t, server) => {
  const pass = stopped(t);
  const store = new MemoxideStore({ client: clientOf(t, server.endpoint) });
  // Three seconds: the server's clock goes on, and its item has to be there in the end.
  const expires = new Date(Date.now() + 3000).toISOString();
  await store.set("one", { cookie: { originalMaxAge: 3000, expires } });
  pass(2999);
  assert.equal((await store.get("one")).cookie.expires, expires);
  pass(1);
  assert.equal(await store.get("one"), null);
  assert.deepEqual(await store.all(), Object.create(null));
});

onBoth("touching extends the life of a session, and nothing else", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const store = new MemoxideStore({ client });
  const saved = { cookie: cookie(60_000), user: "Ada" };
  await store.set("one", saved);
  await client.setRaw("sess:one", Buffer.from(JSON.stringify({ ...saved, user: "Bob" })), {
    expires: 60,
  });
  const { bytes: before } = await client.getRaw("sess:one");
  await called(store, "touch", "one", { cookie: cookie(600_000), user: "Ada" });
  const { bytes: after } = await client.getRaw("sess:one");
  assert.deepEqual(after, before);
  const { user, cookie: own } = await store.get("one");
  assert.equal(user, "Bob");
  // Up to three seconds late, never early.
  const end = Date.parse(own.expires) - Date.now();
  assert.ok(end > 570_000 && end <= 603_500, `${end}`);
  assert.equal(own.originalMaxAge, 60_000);

  assert.deepEqual(await called(store, "touch", "two", { cookie: cookie(60_000) }), [
    null,
    undefined,
  ]);
  assert.equal(await store.get("two"), null);
});

test("a session whose cookie has ended lives on if it was touched", async (t) => {
  const { store } = await started(t);
  const pass = stopped(t);
  await store.set("one", { cookie: cookie(30_000), user: "Ada" });
  await store.touch("one", { cookie: cookie(90_000) });
  pass(30_000);
  assert.equal((await store.get("one")).user, "Ada");
});

test("touching can be left out", async (t) => {
  const { server, client } = await started(t);
  const store = new MemoxideStore({ client, disableTouch: true });
  assert.deepEqual(await called(store, "touch", "one", { cookie: cookie(60_000) }), [
    null,
    undefined,
  ]);
  assert.deepEqual(requests(server), []);
});

onBoth("all sessions of a prefix", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const store = new MemoxideStore({ client, prefix: "a:" });
  const other = new MemoxideStore({ client, prefix: "b:" });
  assert.deepEqual(await called(store, "length"), [null, 0]);
  await Promise.all([
    ...Array.from({ length: 100 }, (_, index) => store.set(`s${index}`, { cookie: {}, index })),
    other.set("s0", { cookie: {} }),
    // Who shares sessions locks them by such a key.
    client.set("a:lock:s0", "token"),
  ]);
  assert.deepEqual(await called(store, "length"), [null, 100]);
  assert.equal((await called(store, "ids"))[1].length, 100);
  const [error, sessions] = await called(store, "all");
  assert.equal(error, null);
  assert.equal(Object.keys(sessions).length, 100);
  assert.deepEqual(sessions.s42, { cookie: {}, index: 42 });
  assert.deepEqual(await called(store, "clear"), [null, undefined]);
  assert.deepEqual(await called(store, "length"), [null, 0]);
  assert.deepEqual(await called(other, "length"), [null, 1]);
  assert.equal((await client.get("a:lock:s0")).value, "token");
});

test("several servers", async (t) => {
  const servers = await Promise.all([1, 2, 3].map(() => EmbeddedServer.start()));
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  const store = new MemoxideStore({ client: servers.map(({ endpoint }) => endpoint) });
  t.after(() => store.client.close());
  const ids = Array.from({ length: 50 }, (_, index) => `s${index}`);
  await Promise.all(ids.map((id) => store.set(id, { cookie: cookie(60_000), id })));
  assert.ok(servers.every((server) => server.items() > 0));
  assert.deepEqual((await store.ids()).sort(), ids.toSorted());
  await store.clear();
  assert.ok(servers.every((server) => server.items() === 0));
});

test("servers that speak text only", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const store = new MemoxideStore({ client: clientOf(t, server.endpoint, { protocol: "text" }) });
  await store.set("one", { cookie: cookie(60_000), user: "Ada" });
  await store.touch("one", { cookie: cookie(60_000) });
  assert.equal((await store.get("one")).user, "Ada");
  assert.equal((await store.all()).one.user, "Ada");
});

test("sessions that others write have no cookie, and get none", async (t) => {
  const { client } = await started(t);
  const own = { secure: true, path: "/app", maxAge: 60_000 };
  const store = new MemoxideStore({ client, cookie: own });
  await client.setRaw("sess:one", Buffer.from('{"user":"Ada"}'));
  const found = await store.get("one");
  const { expires, ...rest } = found.cookie;
  assert.deepEqual(rest, { originalMaxAge: 60_000, secure: true, path: "/app" });
  assert.ok(Math.abs(expires - Date.now() - 60_000) < 5000);
  found.user = "Bob";
  await store.set("one", found);
  assert.equal((await client.getRaw("sess:one")).bytes.toString(), '{"user":"Bob"}');
  // Without the option they are as they are.
  assert.deepEqual(await new MemoxideStore({ client }).get("one"), { user: "Bob" });
});

test("a serializer of the program's", async (t) => {
  const { client } = await started(t);
  const serializer = {
    stringify: (session) => `v1:${JSON.stringify(session)}`,
    parse: async (text) => JSON.parse(text.replace(/^v1:/, "")),
  };
  const store = new MemoxideStore({ client, serializer });
  await store.set("one", { cookie: {}, user: "Ada" });
  assert.equal((await client.getRaw("sess:one")).bytes.toString(), 'v1:{"cookie":{},"user":"Ada"}');
  assert.equal((await store.get("one")).user, "Ada");
});

test("errors come to the callback", async (t) => {
  const { client, store } = await started(t);
  await client.setRaw("sess:one", Buffer.from("{"));
  const [error, found] = await called(store, "get", "one");
  assert.ok(error instanceof SyntaxError);
  assert.equal(found, undefined);
  const [large] = await called(store, "set", "one", { cookie: {}, text: "x".repeat(2 ** 20) });
  assert.equal(large.code, "ERR_MEMOXIDE_VALUE_TOO_LARGE");
  const circle = { cookie: {} };
  circle.circle = circle;
  const [refused] = await called(store, "set", "one", circle);
  assert.ok(refused instanceof TypeError);
  await assert.rejects(store.get("a b"), { code: "ERR_MEMOXIDE_INVALID_KEY" });
});

test("wrong options", () => {
  for (const ttl of [0, -1, Number.NaN, "long"]) {
    assert.throws(() => new MemoxideStore({ client: "a", ttl }), ConfigError);
  }
  assert.throws(() => new MemoxideStore({ client: 5 }), ConfigError);
  assert.throws(() => new MemoxideStore({ client: "a:b:c:d" }), ConfigError);
});

test("a store tells when its servers go and come back", async (t) => {
  const server = await EmbeddedServer.start();
  t.after(() => server.stop());
  const store = new MemoxideStore({ client: clientOf(t, server.endpoint, { retryAttempts: 0 }) });
  const first = told(store, "connect");
  await store.get("one");
  await first;
  const gone = told(store, "disconnect");
  await server.refuseConnections();
  await server.disconnectAll();
  const [error] = await called(store, "get", "one");
  assert.ok(error.isConnection);
  await gone;
  const back = told(store, "connect");
  await server.acceptConnections();
  await back;
  assert.deepEqual(await called(store, "get", "one"), [null, null]);
});

test("while one of two servers is there the store stays connected", async (t) => {
  const servers = await Promise.all([1, 2].map(() => EmbeddedServer.start()));
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  const client = clientOf(
    t,
    servers.map(({ endpoint }) => endpoint),
  );
  const store = new MemoxideStore({ client });
  const events = [];
  store.on("disconnect", () => events.push("disconnect"));
  await servers[0].stop();
  const ids = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const results = await Promise.all(ids.map((id) => called(store, "get", id)));
  assert.ok(results.some(([error]) => error?.isConnection));
  assert.ok(results.some(([error]) => error === null));
  await client.version().catch(() => {});
  assert.deepEqual(events, []);
});

test("a method without a callback fails without ending the process", async (t) => {
  const store = new MemoxideStore({ client: clientOf(t, "127.0.0.1:1") });
  const failed = store.destroy("one");
  await called(store, "get", "one");
  // The test runner would have seen the rejection by then.
  await new Promise(setImmediate);
  await assert.rejects(failed, { code: "ERR_MEMOXIDE_CONNECT" });
});

// Under express-session

/** Serves pages that `page` makes, with sessions; returns a function that gets one as a browser. */
async function site(t, store, page, options) {
  const sessions = session({
    store,
    secret: "s",
    resave: false,
    saveUninitialized: false,
    ...options,
  });
  const server = http.createServer((request, response) => {
    sessions(request, response, (error) => {
      if (error) {
        response.statusCode = 500;
        response.end(error.message);
      } else {
        page(request, response);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  let jar = "";
  return async (path = "/", agent = {}) => {
    const headers = { cookie: agent.cookie ?? jar, connection: "close" };
    const reply = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers });
    const set = reply.headers.get("set-cookie");
    if (set) jar = set.split(";")[0];
    return { status: reply.status, text: await reply.text(), set, jar };
  };
}

/** Counts visits, in the session. */
function counting(request, response) {
  const { pathname } = new URL(request.url, "http://here");
  switch (pathname) {
    case "/look":
      response.end(String(request.session.visits ?? 0));
      break;
    case "/login":
      request.session.regenerate(() => {
        request.session.visits = 100;
        response.end("in");
      });
      break;
    case "/logout":
      request.session.destroy(() => response.end("out"));
      break;
    case "/reload":
      request.session.visits = -1;
      request.session.reload(() => response.end(String(request.session.visits)));
      break;
    default:
      request.session.visits = (request.session.visits ?? 0) + 1;
      response.end(String(request.session.visits));
  }
}

onBoth("visits are counted", async (t, server) => {
  const client = clientOf(t, server.endpoint);
  const get = await site(t, new MemoxideStore({ client }), counting);
  assert.deepEqual([(await get()).text, (await get()).text, (await get()).text], ["1", "2", "3"]);
  assert.equal((await get("/look")).text, "3");
  assert.equal((await get("/reload")).text, "3");
  const before = (await get("/look")).jar;
  assert.equal((await get("/login")).text, "in");
  assert.equal((await get("/look")).text, "100");
  assert.equal((await get("/look", { cookie: before })).text, "0");
  await get();
  assert.equal((await get("/look")).text, "101");
  assert.equal((await get("/logout")).text, "out");
  assert.equal((await get("/look")).text, "0");
});

test("what each kind of request costs", async (t) => {
  const { server, store } = await started(t);
  const get = await site(t, store, counting, { cookie: { maxAge: 60_000 } });
  const costs = async (path) => {
    server.clearLog();
    await get(path);
    return requests(server).map((request) => request.split(" ")[0]);
  };
  // Nothing to read, nothing to keep.
  assert.deepEqual(await costs("/look"), []);
  assert.deepEqual(await costs("/"), ["ms"]);
  // Read; then written, or touched.
  assert.deepEqual(await costs("/"), ["mg", "ms"]);
  assert.deepEqual(await costs("/look"), ["mg", "mg"]);
  assert.deepEqual(await costs("/logout"), ["mg", "md"]);
});

test("a session that was removed does not come back by being looked at", async (t) => {
  const { client, store } = await started(t);
  let meanwhile = () => {};
  const get = await site(t, store, async (request, response) => {
    await meanwhile();
    counting(request, response);
  });
  await get();
  meanwhile = () => store.clear();
  assert.equal((await get("/look")).text, "1");
  assert.deepEqual(await client.keys("sess:"), []);
});

test("a cookie that ends soon", async (t) => {
  const { store } = await started(t);
  const pass = stopped(t);
  const get = await site(t, store, counting, { cookie: { maxAge: 200 } });
  const { jar } = await get();
  pass(200);
  assert.equal((await get("/look", { cookie: jar })).text, "0");
});

test("without a server requests fail, and later go on without sessions", async (t) => {
  const { server, store } = await started(t, { retryAttempts: 0 });
  const get = await site(
    t,
    store,
    (request, response) => {
      response.end(request.session === undefined ? "none" : "some");
    },
    { saveUninitialized: true },
  );
  assert.equal((await get()).text, "some");
  await server.refuseConnections();
  await server.disconnectAll();
  const gone = told(store, "disconnect");
  assert.equal((await get()).status, 500);
  await gone;
  assert.equal((await get()).text, "none");
  const back = told(store, "connect");
  await server.acceptConnections();
  await back;
  assert.equal((await get()).text, "some");
});

test("Client is what the store takes", (t) => {
  const client = clientOf(t, "a:1,b");
  assert.equal(new MemoxideStore({ client }).client, client);
  const store = new MemoxideStore({ client: "a:1,b" });
  t.after(() => store.client.close());
  assert.ok(store.client instanceof Client);
  assert.deepEqual(store.client.servers, client.servers);
});
