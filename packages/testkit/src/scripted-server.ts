import { readFile } from "node:fs/promises";
import { createServer as createPlainServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TestAuthority } from "./certificates.ts";

/** One step of a conversation, seen from the server. */
export type ScriptStep =
  /** Bytes as they are, or text with CR LF where it says so; `$1` stands for the groups of the last expectation. */
  | { readonly send: string | Uint8Array }
  /** The client's next line, without CR LF, must match; anything else ends the conversation as a failure. */
  | { readonly expect: RegExp }
  /** This many bytes from the client, as after a literal. */
  | { readonly readBytes: number }
  /** Ends the connection: at once as a reset, or politely. */
  | { readonly cut: "reset" | "end" }
  /** Sends this again and again, once a turn of the event loop, until the client has hung up. */
  | { readonly untilClosed: string }
  /** Says nothing more and keeps the connection open until the server stops. */
  | { readonly stall: true }
  /** The client must send nothing for so long: it has to wait for what comes next. */
  | { readonly silentMs: number }
  /** Waits for the test. */
  | { readonly until: Promise<unknown> };

export interface ScriptedServerOptions {
  /** TLS by a certificate of this authority; plain when absent. */
  readonly authority?: TestAuthority;
}

export interface ScriptedServer {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** PEM to trust; undefined for a plain server. */
  readonly caFile: string | undefined;
  /** Every line that clients sent, in order of arrival. */
  readonly received: readonly string[];
  readonly connections: number;
  /** Resolves when the script of the n-th connection (from 0) is through; rejects when the client strayed from it. */
  finished(connection?: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A server on a real socket that follows a script, for what a well-behaved server cannot be made to do.
 * @param scripts one for each connection in order; a client that connects more often is cut off, and `finished` of it rejects
 */
export async function startScriptedServer(
  scripts: readonly (readonly ScriptStep[])[],
  options: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const runs: Promise<void>[] = [];
  const waiting: ((run: Promise<void>) => void)[][] = [];
  const accept = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    const index = runs.length;
    const run = play(socket, scripts[index] ?? refuseConnection, received);
    run.catch(() => socket.destroy());
    runs.push(run);
    for (const resolve of waiting[index] ?? []) resolve(run);
  };
  const server: Server =
    options.authority === undefined ? createPlainServer(accept) : createTlsServer(await tlsFiles(options.authority), accept);
  // A client that breaks off the handshake is not this test's business.
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the system gave no port");
  return {
    host: "127.0.0.1",
    port: address.port,
    caFile: options.authority?.caFile,
    received,
    get connections() {
      return runs.length;
    },
    async finished(connection = 0) {
      const run = runs[connection];
      if (run !== undefined) return run;
      return new Promise<void>((resolve, reject) => {
        (waiting[connection] ??= []).push((begun) => void begun.then(resolve, reject));
      });
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const refuseConnection: readonly ScriptStep[] = [{ expect: /(?!)/ }];

async function play(socket: Socket, script: readonly ScriptStep[], received: string[]): Promise<void> {
  const input = readInput(socket);
  let groups: readonly (string | undefined)[] = [];
  for (const [index, step] of script.entries()) {
    const place = `step ${index + 1} of ${script.length}`;
    if ("send" in step) {
      await write(socket, typeof step.send === "string" ? fillIn(step.send, groups) : step.send);
    } else if ("expect" in step) {
      const line = await input.line();
      if (line === undefined) throw new Error(`${place}: the client closed the connection; expected ${step.expect}`);
      received.push(line);
      const match = step.expect.exec(line);
      if (match === null) throw new Error(`${place}: the client sent ${JSON.stringify(line)}; expected ${step.expect}`);
      groups = match;
    } else if ("readBytes" in step) {
      if (!(await input.bytes(step.readBytes)))
        throw new Error(`${place}: the client closed the connection before ${step.readBytes} bytes`);
    } else if ("cut" in step) {
      if (step.cut === "reset") socket.resetAndDestroy();
      else socket.end();
      return;
    } else if ("silentMs" in step) {
      await new Promise((resolve) => setTimeout(resolve, step.silentMs));
      if (input.hasMore()) throw new Error(`${place}: the client sent something and should have waited`);
    } else if ("until" in step) {
      await step.until;
    } else if ("untilClosed" in step) {
      while (!socket.closed) {
        await write(socket, step.untilClosed);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return;
    } else {
      await new Promise((resolve) => socket.once("close", resolve));
      return;
    }
  }
}

function fillIn(text: string, groups: readonly (string | undefined)[]): string {
  return text.replace(/\$(\d)/g, (_all, digit: string) => groups[Number(digit)] ?? "");
}

async function write(socket: Socket, data: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => socket.write(data, () => resolve()));
}

interface Input {
  /** Undefined when the client has closed. */
  line(): Promise<string | undefined>;
  bytes(count: number): Promise<boolean>;
  /** Whether something has come that was not read. */
  hasMore(): boolean;
}

function readInput(socket: Socket): Input {
  let buffered = Buffer.alloc(0);
  let hasEnded = false;
  let wake: () => void = () => undefined;
  socket.on("data", (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    wake();
  });
  socket.once("close", () => {
    hasEnded = true;
    wake();
  });
  socket.once("end", () => {
    hasEnded = true;
    wake();
  });
  const more = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  return {
    hasMore: () => buffered.length > 0,
    async line() {
      for (;;) {
        const end = buffered.indexOf("\r\n");
        if (end !== -1) {
          const line = buffered.subarray(0, end).toString("utf8");
          buffered = buffered.subarray(end + 2);
          return line;
        }
        if (hasEnded) return undefined;
        await more();
      }
    },
    async bytes(count) {
      while (buffered.length < count) {
        if (hasEnded) return false;
        await more();
      }
      buffered = buffered.subarray(count);
      return true;
    },
  };
}

async function tlsFiles(authority: TestAuthority): Promise<{ cert: Buffer; key: Buffer }> {
  const { certFile, keyFile } = await authority.issue(`scripted-${crypto.randomUUID()}`);
  return { cert: await readFile(certFile), key: await readFile(keyFile) };
}
