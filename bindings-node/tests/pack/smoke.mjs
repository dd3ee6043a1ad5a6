// @ts-check
/** What a program that imports the installed package sees. */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { connect } from "node:net";

import { ConnectError, EmbeddedServer, MemoxideError } from "memoxide";

const required = createRequire(import.meta.url)("memoxide");

const error = new ConnectError("connection refused", { endpoint: "127.0.0.1:1" });
assert.equal(error.code, "ERR_MEMOXIDE_CONNECT");
assert.ok(error.isConnection);
assert.ok(error instanceof required.MemoxideError);
assert.equal(required.MemoxideError, MemoxideError);

const server = await EmbeddedServer.start();
const socket = connect(server.port, "127.0.0.1");
socket.end("version\r\n");
let reply = "";
for await (const chunk of socket) reply += chunk;
assert.match(reply, /^VERSION \d/);
await server.stop();
