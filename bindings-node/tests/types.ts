/**
 * The types of the package, as a program sees them: compiled, never run.
 *
 * Each `@ts-expect-error` is a mistake that the compiler must find.
 */

import {
  ConnectionLostError,
  EmbeddedServer,
  type EmbeddedServerOptions,
  type ErrorKind,
  MemoxideError,
  PartialError,
  type Phase,
  type Sent,
} from "memoxide";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

// Errors

export function describe(error: unknown): string {
  if (error instanceof PartialError) {
    same<typeof error.parts, readonly MemoxideError[]>(true);
    same<typeof error.kind, "Partial">(true);
    same<typeof error.code, "ERR_MEMOXIDE_PARTIAL">(true);
  }
  if (error instanceof MemoxideError) {
    same<typeof error.endpoint, string | undefined>(true);
    same<typeof error.sent, Sent | undefined>(true);
    same<typeof error.phase, Phase | undefined>(true);
    same<typeof error.isRetryable, boolean>(true);
    // @ts-expect-error: what happened is not changed afterwards
    error.endpoint = "b:2";
    return error.kind;
  }
  return "other";
}

new ConnectionLostError("peer closed the connection", { endpoint: "a:1", sent: "not_sent" });
// @ts-expect-error: not one of the two outcomes
new ConnectionLostError("peer closed the connection", { sent: "perhaps" });
// @ts-expect-error: the base has no kind of its own
new MemoxideError("what happened");
// @ts-expect-error: an outcome, not an error
const miss: ErrorKind = "Miss";
void miss;

// The embedded server

export async function serve(options: EmbeddedServerOptions): Promise<string> {
  await using server = await EmbeddedServer.start({ ...options, time: 0, auth: { ada: "secret" } });
  same<typeof server.port, number>(true);
  same<ReturnType<typeof server.restart>, Promise<void>>(true);
  await server.stop({ graceful: true });
  // @ts-expect-error: the system or the options chose it
  server.port = 11211;
  // @ts-expect-error: a server starts with `start`
  new EmbeddedServer();
  return server.endpoint;
}

// @ts-expect-error: ports are numbers
const text: EmbeddedServerOptions = { port: "11211" };
// @ts-expect-error: not an option
const unknown: EmbeddedServerOptions = { memory: 64 };
// @ts-expect-error: a certificate needs its key
const keyless: EmbeddedServerOptions = { tls: { cert: "" } };
void [text, unknown, keyless];
