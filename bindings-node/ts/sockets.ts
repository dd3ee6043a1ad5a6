/**
 * Opens the sockets of a driver, plain or encrypted.
 */

import { readFileSync } from "node:fs";
import { connect, isIP, type NetConnectOpts, type OnReadOpts, type Socket } from "node:net";
import * as tls from "node:tls";

import type { ActionFields, TlsFields } from "../native.js";
import { ConfigError } from "./errors.js";

/** As Node takes them; `onread` is missing from its types. */
type TlsConnectOpts = tls.ConnectionOptions & { onread: OnReadOpts };

/** How far a connection has come: its socket opens, then its TLS, then it is open. */
export type Stage = "connect" | "tls" | "open";

/** What a socket tells, once or more often. */
export interface Listener {
  /** The connection can be used. */
  opened(): void;
  /** The socket takes bytes again. */
  drained(): void;
  /** The connection could not be opened or has ended; `error` is what the socket said, if it did. */
  lost(stage: Stage, reason: string, error?: Error): void;
}

/** Is told about connections before the calls that depend on them. */
export interface Watcher {
  opened(socket: Socket): void;
  closed(): void;
  failed(error: Error): void;
}

/** Opens sockets. */
export class Sockets {
  readonly #tls: TlsFields | null;
  readonly #context: tls.SecureContext | undefined;

  /** Reads the files of certificates, if connections are to be encrypted. */
  constructor(fields: TlsFields | null) {
    this.#tls = fields;
    this.#context = fields === null ? undefined : contextOf(fields);
  }

  /** Whether connections are encrypted. */
  get isEncrypted(): boolean {
    return this.#context !== undefined;
  }

  /** Opens a socket, which does not keep the process alive. */
  open(action: ActionFields, onread: OnReadOpts, listener: Listener): Socket {
    const { host, port, path, serverName } = action;
    const place = path === undefined ? { host, port, noDelay: true } : { path };
    const isPlain = this.#context === undefined;
    const socket = isPlain
      ? connect({ ...place, onread } as NetConnectOpts)
      : tls.connect({ ...place, onread, ...this.#securing(serverName ?? "") } as TlsConnectOpts);
    let stage: Stage = "connect";
    const open = () => {
      stage = "open";
      listener.opened();
    };
    socket.unref();
    if (isPlain) {
      socket.on("connect", open);
    } else {
      socket.on("connect", () => {
        stage = "tls";
      });
      socket.on("secureConnect", open);
    }
    socket.on("drain", () => listener.drained());
    // With TLS 1.3 a server refuses a client after the handshake.
    socket.on("error", (error) => {
      listener.lost(isOfTls(error) ? "tls" : stage, describe(error), error);
    });
    socket.on("end", () => listener.lost(stage, "server closed the connection"));
    socket.on("close", () => listener.lost(stage, "connection was closed"));
    return socket;
  }

  #securing(name: string): tls.ConnectionOptions {
    return {
      secureContext: this.#context,
      rejectUnauthorized: this.#tls?.verify,
      checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
      // Servers are not told addresses as names.
      ...(isIP(name) ? {} : { servername: name }),
    };
  }
}

function contextOf({ ca, cert, key }: TlsFields): tls.SecureContext {
  try {
    return tls.createSecureContext({ ca: read(ca), cert: read(cert), key: read(key) });
  } catch (cause) {
    throw new ConfigError(`TLS cannot be set up: ${describe(cause as Error)}`, { cause });
  }
}

function read(path: string | undefined): Buffer | undefined {
  return path === undefined ? undefined : readFileSync(path);
}

/** What OpenSSL adds to its errors. */
interface OpenSslError extends Error {
  readonly library?: string;
  readonly reason?: string;
}

function isOfTls(error: OpenSslError): boolean {
  return error.library !== undefined;
}

/** What went wrong, without names of functions. */
function describe(error: OpenSslError): string {
  return error.reason ?? error.message;
}
