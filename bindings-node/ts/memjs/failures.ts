/**
 * Errors as memjs has them: statuses of a server that has answered, and errors
 * of the way for one that has not.
 */

import { MemoxideError, ServerError, TimeoutError } from "../errors.js";
import { Opcode, Status } from "./protocol.js";

/** An error as the sockets of Node have it. */
export type Failure = Error & { code?: string };

/**
 * Returns the status of the reply that memjs would have got; `undefined` when no
 * reply came.
 */
export function statusOf(error: unknown, opcode: number): number | undefined {
  if (!(error instanceof MemoxideError)) return undefined;
  switch (error.kind) {
    case "InvalidKey":
    case "InvalidArgument":
    case "Client":
      return Status.InvalidArguments;
    case "ValueTooLarge":
      return Status.ValueTooLarge;
    case "NotNumeric":
      return Status.NotNumeric;
    case "UnknownCommand":
      // memcached says so in text where it says in binary that there is no such report.
      return opcode === Opcode.Stat ? Status.KeyNotFound : Status.UnknownCommand;
    case "Server":
      return isOutOfMemory(error) ? Status.OutOfMemory : Status.InternalError;
    default:
      return undefined;
  }
}

function isOutOfMemory(error: MemoxideError): boolean {
  return error instanceof ServerError && error.message.includes("out of memory");
}

/**
 * Returns the error for a request without a reply.
 *
 * @param way What the socket said, if it said anything.
 * @param isOpen Whether there is a connection.
 */
export function failureOf(error: unknown, way: Error | undefined, isOpen: boolean): Failure {
  if (!(error instanceof MemoxideError)) return error as Error;
  if (error.kind === "Auth") return refusedCredentials;
  if (error instanceof TimeoutError) return isOpen ? late(error) : unconnected(error);
  if (error.isConnection && way !== undefined) return way;
  const failure: Failure = new Error(error.message, { cause: error });
  if (error.kind === "ConnectionLost") failure.code = "ECONNRESET";
  return failure;
}

/** Returns the error for a reply that did not come in time. */
export function late(cause?: Error): Failure {
  return new Error("socket timed out waiting on response.", { cause });
}

function unconnected(cause: Error): Failure {
  return new Error("socket timed out connecting to server.", { cause });
}

/** When a request that failed may be made again. */
export type Again = "always" | "ifRepeatable" | "never";

/** Returns when a request that failed like this may be made again. */
export function againAfter(error: unknown): Again {
  if (!(error instanceof MemoxideError)) return "ifRepeatable";
  if (error.kind === "Unsupported" || error.kind === "Config") return "never";
  return error.sent === "not_sent" ? "always" : "ifRepeatable";
}

/** What a server says to wrong credentials: in memjs no error but a text. */
export const refusedCredentials = "Memcached server authentication failed!" as unknown as Failure;
