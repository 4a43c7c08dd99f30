import { startScriptedServer, type ScriptedServer, type ScriptStep } from "@mailfleet/testkit";
import { expect } from "vitest";
import { isPop3Error, Pop3Client, type Pop3ClientOptions, type Pop3Error, type WholeItem } from "./index.ts";

/* For the transcript tests of this client only. */

export const canary = `eyJ0eXAi.${"canary0123".repeat(12)}.sig`;

export const user = "ann@contoso.example";

export const blob = Buffer.from(`user=${user}\u0001auth=Bearer ${canary}\u0001\u0001`).toString("base64");

export const greeting: ScriptStep = {
  send: "+OK The Microsoft Exchange POP3 service is ready. [RgBSADMAUAAyADgAMQBDAEEAMAAxADUANwAuAC4ALgA=]\r\n",
};

const capa: readonly ScriptStep[] = ask(/^CAPA$/, "+OK\r\nTOP\r\nUIDL\r\nSASL PLAIN XOAUTH2\r\nUSER\r\n.\r\n");

export const pipeliningCapa: readonly ScriptStep[] = ask(/^CAPA$/, "+OK\r\nTOP\r\nUIDL\r\nPIPELINING\r\nSASL PLAIN XOAUTH2\r\n.\r\n");

export const login: readonly ScriptStep[] = [
  greeting,
  ...capa,
  ...ask(/^AUTH XOAUTH2$/, "+ \r\n"),
  ...ask(/^[\w+/]+=*$/, "+OK User successfully authenticated.\r\n"),
];

export const stall: ScriptStep = { stall: true };

export function ask(command: RegExp, answer: string): readonly ScriptStep[] {
  return [{ expect: command }, { send: answer }];
}

export interface Conversation extends AsyncDisposable {
  readonly server: ScriptedServer;
  connect(more?: Partial<Pop3ClientOptions>): Promise<Pop3Client>;
  /** Connects and logs in. */
  login(more?: Partial<Pop3ClientOptions>): Promise<Pop3Client>;
}

/** What may be sent at all (T13): nothing that changes a mailbox. */
export const allowed = /^(CAPA|AUTH XOAUTH2|STAT|(UIDL|LIST)( \d+)?|RETR \d+|TOP \d+ \d+|NOOP|RSET|QUIT|[\w+/]{40,}=*|)$/;

/** Starts the script, and stops it when the test is over. */
export async function converse(script: readonly ScriptStep[]): Promise<Conversation> {
  const server = await startScriptedServer([script]);
  const clients: Pop3Client[] = [];
  const connect = async (more: Partial<Pop3ClientOptions> = {}): Promise<Pop3Client> => {
    const client = await Pop3Client.connect({
      host: server.host,
      port: server.port,
      tls: false,
      timeouts: { connectMs: 2_000, greetingMs: 2_000, silenceMs: 2_000, answerMs: 4_000 },
      scrub: (text) => text,
      ...more,
    });
    clients.push(client);
    return client;
  };
  return {
    server,
    connect,
    async login(more) {
      const client = await connect(more);
      await client.authenticate(user, canary);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await server.stop();
      expect(server.received.filter((line) => !allowed.test(line))).toEqual([]);
    },
  };
}

/** Messages one by one, however they came together. */
export async function* oneByOne(batches: AsyncIterable<readonly WholeItem[]>): AsyncGenerator<WholeItem, void, void> {
  for await (const items of batches) yield* items;
}

/** The error of a promise that must fail. */
export async function errorOf(work: Promise<unknown>): Promise<Pop3Error> {
  try {
    await work;
  } catch (error) {
    if (isPop3Error(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
