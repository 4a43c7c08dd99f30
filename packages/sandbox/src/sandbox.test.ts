import { ConfidentialClientApplication } from "@azure/msal-node";
import { ImapFlow } from "imapflow";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { plantedTroubles, startSandbox } from "./index.ts";
import type { Sandbox, SandboxOptions } from "./index.ts";

let dataDir: string;
let sandbox: Sandbox;
const opened: { close: () => void }[] = [];
const support = "support@contoso.example";

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "sandbox-"));
  sandbox = await startSandbox({ dataDir, ...small });
});

afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  await sandbox.close();
  rmSync(dataDir, { recursive: true });
});

const small: Omit<SandboxOptions, "dataDir"> = {
  tenants: [
    { alias: "contoso", mailboxes: 15, messages: 450 },
    { alias: "fabrikam", mailboxes: 15, messages: 150 },
  ],
};

async function restart(options: Omit<SandboxOptions, "dataDir"> = small): Promise<void> {
  await sandbox.close();
  sandbox = await startSandbox({ dataDir, ...options });
}

interface HttpAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

function call(url: string, form?: Readonly<Record<string, string>>): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const options = {
      method: form ? "POST" : "GET",
      ca: readFileSync(sandbox.caFile),
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

function tenantOf(alias: string) {
  const tenant = sandbox.tenants.find((other) => other.alias === alias);
  if (!tenant) throw new Error("no such tenant");
  return tenant;
}

function askToken(alias: string, change: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  const { tenantId, clientId } = tenantOf(alias);
  return call(`${sandbox.authority}/${tenantId}/oauth2/v2.0/token`, {
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: sandbox.secretOf(alias),
    scope: "https://outlook.office365.com/.default",
    ...change,
  });
}

async function token(alias: string, change: Readonly<Record<string, string>> = {}): Promise<string> {
  return String((await askToken(alias, change)).body["access_token"]);
}

function client(user: string, accessToken: string): ImapFlow {
  const imap = new ImapFlow({
    host: sandbox.imap.host,
    port: sandbox.imap.port,
    secure: true,
    tls: { ca: readFileSync(sandbox.caFile) },
    auth: { user, accessToken },
    logger: false,
    disableAutoIdle: true,
  });
  imap.on("error", () => {});
  opened.push(imap);
  return imap;
}

/** A connection without any client library between the test and the wire. */
class RawConnection {
  readonly #socket: TLSSocket;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#socket = connect({ host: sandbox.imap.host, port: sandbox.imap.port, ca: readFileSync(sandbox.caFile) });
    this.#socket.on("error", () => {});
    this.#lines = createInterface({ input: this.#socket, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
    opened.push({ close: () => this.#socket.destroy() });
  }

  send(text: string): void {
    this.#socket.write(`${text}\r\n`);
  }

  /** Undefined when the server has closed. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : (value as string);
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

function blob(user: string, accessToken: string): string {
  return Buffer.from(`user=${user}\x01auth=Bearer ${accessToken}\x01\x01`).toString("base64");
}

async function loggedIn(user = support, accessToken?: string): Promise<RawConnection> {
  const raw = new RawConnection();
  await raw.line();
  expect(await raw.ask(`L AUTHENTICATE XOAUTH2 ${blob(user, accessToken ?? (await token("contoso")))}`)).toEqual([
    "L OK AUTHENTICATE completed.",
  ]);
  return raw;
}

describe("the token endpoint", () => {
  test("gives an app-only token with the claims of one", async () => {
    const { status, body } = await askToken("contoso");
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: "Bearer", expires_in: 3598, ext_expires_in: 3598 });
    const claims = JSON.parse(Buffer.from(String(body["access_token"]).split(".")[1] ?? "", "base64url").toString()) as Record<
      string,
      unknown
    >;
    const { tenantId, clientId } = tenantOf("contoso");
    expect(claims).toMatchObject({
      aud: "https://outlook.office365.com",
      tid: tenantId,
      appid: clientId,
      idtyp: "app",
      iss: `https://sts.windows.net/${tenantId}/`,
      roles: ["IMAP.AccessAsApp", "POP.AccessAsApp"],
    });
    expect(claims["oid"]).toBe(claims["sub"]);
    expect(sandbox.counters.tokenRequests.get("contoso")).toBe(1);
  });

  test("refuses in Entra's shape", async () => {
    const { status, body } = await askToken("contoso", { client_secret: "wrong" });
    expect(status).toBe(401);
    expect(body).toMatchObject({ error: "invalid_client", error_codes: [7000215] });
    expect(body["error_description"]).toMatch(
      /^AADSTS7000215: Invalid client secret provided\..*Trace ID: .*Correlation ID: .*Timestamp: /s,
    );
    expect(Object.keys(body)).toEqual([
      "error",
      "error_description",
      "error_codes",
      "timestamp",
      "trace_id",
      "correlation_id",
      "error_uri",
    ]);
  });

  test("serves MSAL as a custom authority", async () => {
    const { tenantId, clientId } = tenantOf("fabrikam");
    const send = async (url: string, options?: { body?: string }) => {
      const { status, body } = await call(
        url,
        options?.body === undefined ? undefined : Object.fromEntries(new URLSearchParams(options.body)),
      );
      return { status, body: body as never, headers: {} };
    };
    const msal = new ConfidentialClientApplication({
      auth: {
        clientId,
        clientSecret: sandbox.secretOf("fabrikam"),
        authority: `${sandbox.authority}/${tenantId}`,
        knownAuthorities: [new URL(sandbox.authority).host],
      },
      system: { networkClient: { sendGetRequestAsync: send, sendPostRequestAsync: send } },
    });
    const result = await msal.acquireTokenByClientCredential({ scopes: ["https://outlook.office365.com/.default"] });
    expect(result?.accessToken).toMatch(/^ey/);
  });

  test("shows the key that the token was signed with, a new one each start", async () => {
    const path = `/${tenantOf("contoso").tenantId}/discovery/v2.0/keys`;
    const kidOf = async (): Promise<string> =>
      (JSON.parse(JSON.stringify((await call(sandbox.authority + path)).body)) as { keys: { kid: string }[] }).keys[0]?.kid ?? "";
    const first = await kidOf();
    const old = await token("contoso");
    expect(JSON.parse(Buffer.from(old.split(".")[0] ?? "", "base64url").toString())).toMatchObject({ alg: "RS256", kid: first });
    await restart();
    expect(await kidOf()).not.toBe(first);
    await expect(client(support, old).connect()).rejects.toMatchObject({ authenticationFailed: true });
  });

  test("takes the next secret only, once it was rotated", async () => {
    const old = sandbox.secretOf("contoso");
    sandbox.rotateSecret("contoso", "next");
    expect((await askToken("contoso", { client_secret: old })).status).toBe(401);
    expect((await askToken("contoso")).status).toBe(200);
    await restart();
    expect(sandbox.secretOf("contoso")).toBe("next");
  });
});

describe("a real IMAP client", () => {
  test("finds the folders, counts and the very bytes", async () => {
    const imap = client(support, await token("contoso"));
    await imap.connect();
    const paths = (await imap.list()).map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["INBOX", "Sent Items", "Deleted Items", "Calendar", "Contacts", "Tasks"]));
    expect(paths.some((path) => /[^\x20-\x7e]/.test(path))).toBe(true);
    const expected = [...sandbox.truth()].filter(({ address }) => address === support);
    const seen: string[] = [];
    for (const path of paths) {
      const status = await imap.status(path, { messages: true, uidNext: true, uidValidity: true });
      if (!status || !status.messages) continue;
      const box = await imap.mailboxOpen(path, { readOnly: true });
      expect(box.uidValidity).toBe(status.uidValidity);
      for await (const message of imap.fetch(
        "1:*",
        { uid: true, source: true, size: true, internalDate: true, flags: true },
        { uid: true },
      )) {
        const hash = createHash("sha256")
          .update(message.source as Buffer)
          .digest("hex");
        seen.push(`${path} ${String(box.uidValidity)} ${String(message.uid)} ${hash}`);
      }
    }
    expect(seen.sort()).toEqual(
      expected.map((entry) => `${entry.folder} ${String(entry.uidValidity)} ${String(entry.uid)} ${entry.sha256()}`).sort(),
    );
  });

  test("hears within IDLE of what was delivered, and finds it by search", async () => {
    const imap = client(support, await token("contoso"));
    await imap.connect();
    // The library goes on changing the object that it gave.
    const box = { ...(await imap.mailboxOpen("INBOX")) };
    const told = new Promise<number>((resolve) => imap.once("exists", (event: { count: number }) => resolve(event.count)));
    const idling = imap.idle();
    const uid = sandbox.deliver(support, "inbox", Buffer.from("Message-ID: <live@x>\r\nSubject: live\r\n\r\nx\r\n"));
    expect(await told).toBe(box.exists + 1);
    expect(await imap.search({ header: { "message-id": "<live@x>" } }, { uid: true })).toEqual([uid]);
    await idling;
  });

  test("stores flags, appends and expunges, and all of it is there after a restart", async () => {
    const imap = client(support, await token("contoso"));
    await imap.connect();
    // The library goes on changing the object that it gave.
    const box = { ...(await imap.mailboxOpen("INBOX")) };
    const appended = await imap.append("INBOX", "Subject: appended\r\n\r\nbody\r\n", ["\\Flagged"], new Date(Date.UTC(2026, 1, 1)));
    const uid = appended && appended.uid;
    expect(uid).toBe(box.uidNext);
    await imap.messageFlagsAdd({ uid: String(uid) }, ["\\Seen"], { uid: true });
    const first = (await imap.search({ all: true }, { uid: true })) as number[];
    await imap.messageDelete(String(first[0]), { uid: true });
    await imap.logout();
    await restart();
    const again = client(support, await token("contoso"));
    await again.connect();
    const reopened = await again.mailboxOpen("INBOX");
    expect(reopened.exists).toBe(box.exists);
    expect(reopened.uidValidity).toBe(box.uidValidity);
    expect(reopened.uidNext).toBe(box.uidNext + 1);
    const message = await again.fetchOne(String(uid), { flags: true, source: true, internalDate: true }, { uid: true });
    expect(message && [...(message.flags ?? [])].sort()).toEqual(["\\Flagged", "\\Seen"]);
    expect(message && message.source?.toString()).toBe("Subject: appended\r\n\r\nbody\r\n");
    expect(message && message.internalDate).toEqual(new Date(Date.UTC(2026, 1, 1)));
  });

  test("is refused with another tenant's token, a token for Graph and nonsense", async () => {
    for (const accessToken of [
      await token("fabrikam"),
      await token("contoso", { scope: "https://graph.microsoft.com/.default" }),
      "nonsense",
    ]) {
      await expect(client(support, accessToken).connect()).rejects.toMatchObject({ authenticationFailed: true });
    }
  });
});

describe("on the wire", () => {
  test("greeting, capabilities and sign-off are Exchange's", async () => {
    const raw = new RawConnection();
    const greeting = await raw.line();
    expect(greeting).toMatch(/^\* OK The Microsoft Exchange IMAP4 service is ready\. \[[A-Za-z0-9+/=]+\]$/);
    expect(Buffer.from(greeting?.slice(greeting.indexOf("[") + 1, -1) ?? "", "base64").toString("utf16le")).toBe(
      "MF1P000CA0001.SANDBOX.EXAMPLE",
    );
    expect((await raw.ask("a CAPABILITY"))[0]).toBe(
      "* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
    );
    raw.send("b AUTHENTICATE XOAUTH2");
    expect(await raw.line()).toMatch(/^\+ ?$/);
    raw.send(blob(support, await token("contoso")));
    expect(await raw.line()).toBe("b OK AUTHENTICATE completed.");
    expect((await raw.ask("c CAPABILITY"))[0]).toContain("SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES");
    expect(await raw.ask('d LIST "" "Deleted Items"')).toEqual([
      '* LIST (\\HasNoChildren \\Trash) "/" "Deleted Items"',
      "d OK LIST completed.",
    ]);
    expect(await raw.ask('e LIST "" Cal%')).toEqual(['* LIST (\\HasChildren) "/" Calendar', "e OK LIST completed."]);
    expect(await raw.ask("f LOGOUT")).toEqual(["* BYE Microsoft Exchange Server IMAP4 server signing off.", "f OK LOGOUT completed."]);
    expect(await raw.line()).toBeUndefined();
  });

  test("SELECT has the seven lines, and no custom keywords", async () => {
    const raw = await loggedIn();
    const lines = await raw.ask("a SELECT INBOX");
    expect(lines.map((line) => line.replaceAll(/[0-9]+/g, "n"))).toEqual([
      "* n EXISTS",
      "* n RECENT",
      "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)",
      "* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)] Permanent flags",
      "* OK [UNSEEN n] Is the first unseen message",
      "* OK [UIDVALIDITY n] UIDVALIDITY value",
      "* OK [UIDNEXT n] The next unique identifier value",
      "a OK [READ-WRITE] SELECT completed.",
    ]);
    expect(await raw.ask("b EXAMINE Nowhere")).toEqual(["b NO Nowhere doesn't exist."]);
  });

  test("a UID that is not there is passed over, a number that is not there is refused", async () => {
    const raw = await loggedIn();
    await raw.ask("a EXAMINE INBOX");
    expect(await raw.ask("b UID FETCH 4000000 (FLAGS)")).toEqual(["b OK FETCH completed."]);
    expect((await raw.ask("c UID FETCH 4000000:* (FLAGS)")).length).toBe(2);
    expect(await raw.ask("d FETCH 4000000 (FLAGS)")).toEqual(["d BAD [*] The specified message set is invalid."]);
  });

  test("reading without PEEK marks a message seen, but not under EXAMINE", async () => {
    const raw = await loggedIn();
    const uid = sandbox.deliver(support, "INBOX", Buffer.from("Subject: s\r\n\r\n0123456789"));
    await raw.ask("a EXAMINE INBOX");
    expect(await raw.ask(`b UID FETCH ${String(uid)} (BODY[TEXT])`)).toEqual([
      expect.stringMatching(/BODY\[TEXT\] \{10\}$/),
      `0123456789 UID ${String(uid)})`,
      "b OK FETCH completed.",
    ]);
    await raw.ask("c SELECT INBOX");
    const partial = await raw.ask(`d UID FETCH ${String(uid)} (UID BODY[TEXT]<2.3>)`);
    expect(partial.join("\n")).toMatch(/UID [0-9]+ BODY\[TEXT\]<2> \{3\}\n234 FLAGS \(\\Seen\)\)\nd OK/);
  });

  test("a removal by another session is told where numbers may shift, and a FETCH of it says so", async () => {
    const raw = await loggedIn();
    const selected = await raw.ask("a SELECT INBOX");
    const count = Number(/^\* ([0-9]+) EXISTS/.exec(selected[0] ?? "")?.[1]);
    const uid = [...sandbox.truth()].find((entry) => entry.address === support && entry.folder === "INBOX")?.uid ?? 0;
    sandbox.expunge(support, "INBOX", [uid]);
    expect(await raw.ask("b FETCH 1 (UID)")).toEqual(["b NO Some of the requested messages no longer exist."]);
    expect(await raw.ask("c NOOP")).toEqual(["* 1 EXPUNGE", "c OK NOOP completed."]);
    expect((await raw.ask(`d FETCH ${String(count - 1)} (UID)`)).at(-1)).toBe("d OK FETCH completed.");
  });

  test("three bad commands end the connection", async () => {
    const raw = await loggedIn();
    expect(await raw.ask("a ENABLE CONDSTORE")).toEqual(["a BAD Command Error. 12"]);
    expect(await raw.ask('b LIST "" "*" RETURN (STATUS)')).toEqual(["b BAD Command Argument Error. 12"]);
    expect((await raw.ask("c NOOP")).at(-1)).toBe("c OK NOOP completed.");
    expect(await raw.ask("d FETCH 1 (FLAGS)")).toEqual(["d BAD Command received in Invalid state."]);
    expect(await raw.line()).toBe("* BYE Connection closed. 14");
    expect(await raw.line()).toBeUndefined();
  });

  test("a refused mailbox is authenticated and not connected", async () => {
    sandbox.setRefused(support, true);
    for (const address of [support, "nobody@contoso.example"]) {
      const raw = await loggedIn(address);
      expect((await raw.ask("a CAPABILITY")).at(-1)).toBe("a OK CAPABILITY completed.");
      for (const tag of ["b", "c", "d"])
        expect(await raw.ask(`${tag} NAMESPACE`)).toEqual([`${tag} BAD User is authenticated but not connected.`]);
      expect(await raw.line()).toBe("* BYE Connection closed. 14");
    }
    sandbox.setRefused(support, false);
    expect((await (await loggedIn()).ask("a NAMESPACE"))[0]).toBe('* NAMESPACE (("" "/")) NIL NIL');
  });

  test("a throttled mailbox names the wait, at login and in a session", async () => {
    const raw = await loggedIn();
    sandbox.setThrottled(support, Date.now() + 60_000);
    expect((await raw.ask("a NAMESPACE"))[0]).toMatch(
      /^a NO Request is throttled\. Suggested Backoff Time: (60000|59[0-9]{3}) milliseconds$/,
    );
    const next = new RawConnection();
    await next.line();
    expect((await next.ask(`b AUTHENTICATE XOAUTH2 ${blob(support, await token("contoso"))}`))[0]).toMatch(/^b NO Request is throttled\./);
    sandbox.setThrottled(support, 0);
    expect((await raw.ask("c NAMESPACE")).at(-1)).toBe("c OK NAMESPACE completed.");
  });

  test("the session ends with its token, inside IDLE and between commands", async () => {
    await restart({ ...small, tokenLifetimeSeconds: 2 });
    const accessToken = await token("contoso");
    const idling = await loggedIn(support, accessToken);
    idling.send("a IDLE");
    expect(await idling.line()).toBe("+ IDLE accepted, awaiting DONE command.");
    const waiting = await loggedIn(support, accessToken);
    expect(await idling.line()).toBe("* BYE Session invalidated - AccessTokenExpired");
    waiting.send("b NOOP");
    expect(await waiting.line()).toBe("* BYE Session invalidated - AccessTokenExpired");
    expect(await waiting.line()).toBeUndefined();
  });

  test("a UIDVALIDITY change ends the session on that folder", async () => {
    const raw = await loggedIn();
    await raw.ask("a SELECT INBOX");
    const next = sandbox.resetUidValidity(support, "INBOX");
    raw.send("b NOOP");
    expect(await raw.line()).toBe("* BYE Connection closed.");
    expect((await (await loggedIn()).ask("c STATUS INBOX (UIDVALIDITY)"))[0]).toBe(`* STATUS INBOX (UIDVALIDITY ${String(next)})`);
  });

  test("a line without end is cut off", async () => {
    const raw = await loggedIn();
    raw.send(`a NOOP ${"x".repeat(20_000)}`);
    expect(await raw.line()).toBe("a BAD Command Argument Error. 11");
    expect(await raw.line()).toBe("* BYE Connection closed. 14");
  });
});

describe("a sandbox", () => {
  test("serves the same after a restart, under the same authority", async () => {
    const truth = () =>
      [...sandbox.truth()].map(
        (entry) =>
          `${entry.address} ${entry.folder} ${String(entry.uidValidity)} ${String(entry.uid)} ${entry.uid % 7 === 0 ? entry.sha256() : ""}`,
      );
    const before = truth();
    const ca = readFileSync(sandbox.caFile, "utf8");
    const ids = sandbox.tenants.map(({ tenantId, clientId }) => [tenantId, clientId]);
    await restart();
    expect(truth()).toEqual(before);
    expect(readFileSync(sandbox.caFile, "utf8")).toBe(ca);
    expect(sandbox.tenants.map(({ tenantId, clientId }) => [tenantId, clientId])).toEqual(ids);
  });

  test("plants its two troubles in the default world only", async () => {
    const refusal = async (address: string, alias: string): Promise<string | undefined> => {
      const raw = new RawConnection();
      await raw.line();
      const login = await raw.ask(`a AUTHENTICATE XOAUTH2 ${blob(address, await token(alias))}`);
      return login.at(-1)?.startsWith("a OK") ? (await raw.ask("b NAMESPACE")).at(-1) : login.at(-1);
    };
    expect(await refusal(plantedTroubles.refused, "contoso")).toBe("b OK NAMESPACE completed.");
    await restart({});
    expect(await refusal(plantedTroubles.refused, "contoso")).toBe("b BAD User is authenticated but not connected.");
    expect(await refusal(plantedTroubles.throttled, "fabrikam")).toMatch(
      /^a NO Request is throttled\. Suggested Backoff Time: 1[12][0-9]{3} milliseconds$/,
    );
    await restart({ faults: false });
    expect(await refusal(plantedTroubles.throttled, "fabrikam")).toBe("b OK NAMESPACE completed.");
  });

  test("keeps its secrets to the owner and writes a configuration that names them", () => {
    const mode = (name: string): number => statSync(name).mode & 0o777;
    expect(mode(dataDir)).toBe(0o700);
    expect(mode(join(dataDir, "secret-contoso"))).toBe(0o600);
    expect(mode(join(dataDir, "ca-key.pem"))).toBe(0o600);
    const config = readFileSync(sandbox.configFile, "utf8");
    expect(config).toContain(JSON.stringify(join(dataDir, "secret-contoso")));
    expect(config).not.toContain(sandbox.secretOf("contoso"));
    expect(readFileSync(join(dataDir, "boxes-contoso.csv"), "utf8").split("\n").slice(0, 2)).toEqual([
      "address,protocol",
      `${support},imap`,
    ]);
  });

  test("refuses to start where it must not, and says why", async () => {
    await expect(startSandbox({ dataDir, host: "0.0.0.0" })).rejects.toThrow("loopback only");
    await expect(startSandbox({ dataDir, imapPort: sandbox.imap.port })).rejects.toThrow(
      `the IMAP port ${String(sandbox.imap.port)} on 127.0.0.1 is in use`,
    );
    await expect(startSandbox({ dataDir, corpus: join(dataDir, "none") })).rejects.toThrow(`${join(dataDir, "none")} cannot be read`);
    await expect(startSandbox({ dataDir, tenants: [{ alias: "A B", mailboxes: 1 }] })).rejects.toThrow("alias");
  });

  test("starts with ten thousand mailboxes in a few seconds", async () => {
    const from = performance.now();
    await restart({ tenants: [{ alias: "contoso", mailboxes: 10_000, messages: 1_000_000 }] });
    expect(performance.now() - from).toBeLessThan(5_000);
    const last = sandbox.tenants[0]?.addresses.at(-1) ?? "";
    const raw = await loggedIn(last);
    expect((await raw.ask("a SELECT INBOX")).at(-1)).toBe("a OK [READ-WRITE] SELECT completed.");
  });
});
