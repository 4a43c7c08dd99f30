import { ImapFlow } from "imapflow";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";
import { startSandbox } from "./index.ts";
import type { Sandbox, SandboxOptions, SandboxTenant } from "./index.ts";

export const support = "support@contoso.example";

/** Two tenants, quick to start and to read whole. */
export const smallWorld: Omit<SandboxOptions, "dataDir"> = {
  tenants: [
    { alias: "contoso", mailboxes: 15, messages: 450 },
    { alias: "fabrikam", mailboxes: 15, messages: 150 },
  ],
};

interface HttpAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A sandbox of its own folder for one test, with clients that know its authority and tokens. */
export class TestBench {
  readonly dataDir: string;
  #sandbox: Sandbox;
  readonly #opened: { close: () => void }[] = [];

  private constructor(dataDir: string, sandbox: Sandbox) {
    this.dataDir = dataDir;
    this.#sandbox = sandbox;
  }

  static async start(): Promise<TestBench> {
    const dataDir = mkdtempSync(join(tmpdir(), "sandbox-"));
    return new TestBench(dataDir, await startSandbox({ dataDir, ...smallWorld }));
  }

  get sandbox(): Sandbox {
    return this.#sandbox;
  }

  async restart(options: Omit<SandboxOptions, "dataDir"> = smallWorld): Promise<void> {
    await this.#sandbox.close();
    this.#sandbox = await startSandbox({ dataDir: this.dataDir, ...options });
  }

  async close(): Promise<void> {
    for (const connection of this.#opened.splice(0)) connection.close();
    await this.#sandbox.close();
    rmSync(this.dataDir, { recursive: true });
  }

  call(url: string, form?: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const options = {
        method: form ? "POST" : "GET",
        ca: readFileSync(this.sandbox.caFile),
        headers: { "content-type": "application/x-www-form-urlencoded" },
      };
      const sent = request(url, options, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) as HttpAnswer["body"] }),
        );
      });
      sent.on("error", reject);
      sent.end(form && new URLSearchParams(form).toString());
    });
  }

  tenant(alias: string): SandboxTenant {
    const tenant = this.sandbox.tenants.find((other) => other.alias === alias);
    if (!tenant) throw new Error("no such tenant");
    return tenant;
  }

  askToken(alias: string, change: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const { tenantId, clientId } = this.tenant(alias);
    return this.call(`${this.sandbox.authority}/${tenantId}/oauth2/v2.0/token`, {
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: this.sandbox.secretOf(alias),
      scope: "https://outlook.office365.com/.default",
      ...change,
    });
  }

  async token(alias: string, change: Readonly<Record<string, string>> = {}): Promise<string> {
    return String((await this.askToken(alias, change)).body["access_token"]);
  }

  client(user: string, accessToken: string): ImapFlow {
    const imap = new ImapFlow({
      host: this.sandbox.imap.host,
      port: this.sandbox.imap.port,
      secure: true,
      tls: { ca: readFileSync(this.sandbox.caFile) },
      auth: { user, accessToken },
      logger: false,
      disableAutoIdle: true,
    });
    imap.on("error", () => {});
    this.#opened.push(imap);
    return imap;
  }

  raw(): RawConnection {
    const raw = new RawConnection(this.sandbox);
    this.#opened.push(raw);
    return raw;
  }

  /** The answer to AUTHENTICATE, on a connection that has been greeted. */
  async login(user = support): Promise<{ raw: RawConnection; answer: string }> {
    const raw = this.raw();
    await raw.line();
    const tenant = this.sandbox.tenants.find(({ addresses }) => addresses.includes(user))?.alias ?? "contoso";
    const lines = await raw.ask(`L AUTHENTICATE XOAUTH2 ${xoauth2(user, await this.token(tenant))}`);
    return { raw, answer: lines.join("\n") };
  }

  async loggedIn(user = support, accessToken?: string): Promise<RawConnection> {
    const raw = this.raw();
    await raw.line();
    const answer = await raw.ask(`L AUTHENTICATE XOAUTH2 ${xoauth2(user, accessToken ?? (await this.token("contoso")))}`);
    if (answer.at(-1) !== "L OK AUTHENTICATE completed.") throw new Error(`login refused: ${answer.join(" / ")}`);
    return raw;
  }
}

/** A connection without any client library between the test and the wire. */
export class RawConnection {
  readonly #socket: TLSSocket;
  readonly #lines: AsyncIterator<string>;
  /** How the connection ended: an error's code, or `end`. */
  readonly ended: Promise<string>;

  constructor(sandbox: Sandbox) {
    this.#socket = connect({ host: sandbox.imap.host, port: sandbox.imap.port, ca: readFileSync(sandbox.caFile) });
    const reader = createInterface({ input: this.#socket, crlfDelay: Number.POSITIVE_INFINITY });
    this.#lines = reader[Symbol.asyncIterator]();
    this.ended = new Promise((resolve) => {
      this.#socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      this.#socket.on("close", () => {
        reader.close();
        resolve("end");
      });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  send(text: string): void {
    this.#socket.write(`${text}\r\n`);
  }

  /** Undefined when the server has closed. */
  async line(): Promise<string | undefined> {
    try {
      const { value, done } = await this.#lines.next();
      return done ? undefined : value;
    } catch {
      // A reset; `ended` says so.
      return undefined;
    }
  }

  /** Everything until the server closes. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line);
    return lines;
  }

  /** Undefined if there is no line within this time. */
  async lineWithin(ms: number): Promise<string | undefined> {
    return await Promise.race([this.line(), new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms))]);
  }

  /** Everything up to the tagged line. */
  async ask(text: string): Promise<string[]> {
    this.send(text);
    const tag = text.slice(0, text.indexOf(" "));
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) {
      lines.push(line);
      if (line.startsWith(`${tag} `)) break;
    }
    return lines;
  }
}

export function xoauth2(user: string, accessToken: string): string {
  return Buffer.from(`user=${user}\x01auth=Bearer ${accessToken}\x01\x01`).toString("base64");
}
