import { readFile } from "node:fs/promises";
import { connect, type TLSSocket } from "node:tls";

export interface MailClientOptions {
  readonly host: string;
  readonly port: number;
  readonly caFile: string;
  readonly user: string;
  readonly token: string;
}

/** Somebody else's mail program, which may do what mailfleet never does: deliver, mark, move and delete. */
export interface MailClient {
  /** Sends a command without its tag, and a literal behind it. The untagged lines and the tagged one. @throws Error unless it is OK */
  command(text: string, literal?: Uint8Array): Promise<readonly string[]>;
  close(): void;
}

/** Logs in by XOAUTH2. Lines only: for commands whose answers hold no literals. */
export async function openMailClient(options: MailClientOptions): Promise<MailClient> {
  const ca = await readFile(options.caFile);
  const socket = connect({ host: options.host, servername: "localhost", port: options.port, ca });
  const nextLine = readLines(socket);
  let number = 0;
  const command: MailClient["command"] = async (text, literal) => {
    const tag = `m${++number}`;
    const line = literal === undefined ? text : `${text} {${literal.length}+}\r\n`;
    // In one write: a second small one would wait for the first to be acknowledged.
    socket.write(Buffer.concat([Buffer.from(`${tag} ${line}`), literal ?? new Uint8Array(), Buffer.from("\r\n")]));
    const lines: string[] = [];
    for (;;) {
      const answer = await nextLine();
      lines.push(answer);
      if (answer.startsWith(`${tag} OK`)) return lines;
      if (answer.startsWith(`${tag} `)) throw new Error(`the server refused ${JSON.stringify(text.slice(0, 100))}: ${answer}`);
    }
  };
  await nextLine();
  const initial = Buffer.from(`user=${options.user}\u0001auth=Bearer ${options.token}\u0001\u0001`).toString("base64");
  await command(`AUTHENTICATE XOAUTH2 ${initial}`);
  return { command, close: () => socket.destroy() };
}

function readLines(socket: TLSSocket): () => Promise<string> {
  let buffered = "";
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    buffered += chunk;
    wake();
  });
  socket.on("error", (error) => (failure = error));
  socket.on("close", () => {
    failure ??= new Error("the server closed the connection");
    wake();
  });
  return async () => {
    for (;;) {
      const end = buffered.indexOf("\r\n");
      if (end !== -1) {
        const line = buffered.slice(0, end);
        buffered = buffered.slice(end + 2);
        return line;
      }
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
}
