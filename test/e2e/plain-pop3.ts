import { readFile } from "node:fs/promises";
import { connect } from "node:tls";

export interface SpoolLogin {
  readonly host: string;
  readonly port: number;
  readonly caFile: string;
  readonly user: string;
  readonly token: string;
}

/** Somebody else's POP3 program: as plain as can be, one command at a time, and nothing of mailfleet's own client in it. */
export interface PlainPop3 {
  /** One line, without its end. @throws Error unless it begins with `+` */
  command(line: string): Promise<string>;
  /** The lines behind the first one, dot-unstuffed, with their ends and without the last dot. */
  commandWithBody(line: string): Promise<Buffer>;
  /** Drops the connection. Say QUIT before where that is wanted. */
  close(): void;
}

export async function openPlainPop3(login: SpoolLogin): Promise<PlainPop3> {
  const socket = connect({ host: login.host, port: login.port, servername: "localhost", ca: await readFile(login.caFile) });
  const chunks: Buffer[] = [];
  let held = Buffer.alloc(0);
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    wake();
  });
  socket.on("error", (error) => (failure = error));
  socket.on("close", () => {
    failure ??= new Error("the server closed the connection");
    wake();
  });

  /** Everything up to the first `end`, which is taken too. */
  const until = async (end: string): Promise<Buffer> => {
    for (let from = 0; ;) {
      if (chunks.length > 0) held = Buffer.concat([held, ...chunks.splice(0)]);
      const at = held.indexOf(end, from, "latin1");
      if (at !== -1) {
        const taken = held.subarray(0, at + end.length);
        held = held.subarray(at + end.length);
        return taken;
      }
      from = Math.max(0, held.length - end.length);
      if (failure) throw failure;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const command = async (line: string): Promise<string> => {
    socket.write(`${line}\r\n`);
    const answer = (await until("\r\n")).toString("latin1").trimEnd();
    if (!answer.startsWith("+")) throw new Error(`${line.slice(0, 20)}: ${answer}`);
    return answer;
  };

  await until("\r\n");
  await command("AUTH XOAUTH2");
  await command(Buffer.from(`user=${login.user}\u0001auth=Bearer ${login.token}\u0001\u0001`).toString("base64"));
  return {
    command,
    async commandWithBody(line) {
      await command(line);
      const lines: Buffer[] = [];
      for (;;) {
        const next = await until("\r\n");
        if (next.length === 3 && next[0] === 0x2e) return Buffer.concat(lines);
        lines.push(next[0] === 0x2e ? next.subarray(1) : next);
      }
    },
    close: () => socket.destroy(),
  };
}

/** What the server serves of one mailbox: UIDL -> bytes. The connection is dropped, so that nothing is marked as read. */
export async function readSpool(login: SpoolLogin): Promise<Map<string, Buffer>> {
  const client = await openPlainPop3(login);
  const bodies = new Map<string, Buffer>();
  const listed = (await client.commandWithBody("UIDL")).toString("latin1").split("\r\n").filter(Boolean);
  for (const line of listed) {
    const [number = "", uidl = ""] = line.split(" ");
    bodies.set(uidl, await client.commandWithBody(`RETR ${number}`));
  }
  client.close();
  return bodies;
}
