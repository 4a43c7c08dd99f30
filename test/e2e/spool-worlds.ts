import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { openMailClient, sharedDovecot, startTokenEndpoint, uniqueName } from "@mailfleet/testkit";

/** A server with mailboxes that are read as spools, and what a fleet needs to know of it. */
export interface SpoolWorld {
  readonly pop3: { readonly host: string; readonly port: number };
  readonly imap: { readonly host: string; readonly port: number };
  readonly caFile: string;
  readonly addresses: readonly string[];
  readonly tenant: { readonly tenantId: string; readonly clientId: string; readonly secret: string; readonly authority: string };
  /** Dovecot marks what RETR took as read however the session ends; Exchange at QUIT. */
  readonly isReadByRetr: boolean;
  /** Of mailfleet's rank: opens all mailboxes. */
  readonly token: string;
  deliver(address: string, raw: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** Dovecot with two forms of UIDLs: decimal numbers as Exchange has them, and in every third mailbox Dovecot's own. */
export async function openDovecotWorld(mail: readonly Buffer[], mailboxes: number): Promise<SpoolWorld> {
  const dovecot = await sharedDovecot();
  const domain = `${uniqueName("spool")}.example`;
  const addresses = Array.from({ length: mailboxes }, (_, i) => `box${i}@${domain}`);
  const tenant = {
    tenantId: "b3a1a5e0-0000-4000-8000-00000000001a",
    clientId: "b3a1a5e0-0000-4000-8000-00000000001b",
    secret: "spool-secret",
    domain,
  };
  const endpoint = await startTokenEndpoint({ dovecot, tenants: [tenant] });
  for (const [i, address] of addresses.entries()) {
    const share = mail.filter((_, n) => n % mailboxes === i).map((raw) => ({ raw }));
    await dovecot.fill(address, "INBOX", share);
    if (i % 3 === 2) await dovecot.setUidls(address, "opaque");
  }
  return {
    ...{ pop3: dovecot.pop3, imap: dovecot.imap, caFile: dovecot.caFile, addresses, isReadByRetr: true },
    tenant: { ...tenant, authority: endpoint.authority },
    token: await dovecot.issueToken({ domain }),
    deliver: (address, raw) => dovecot.deliver(address, "INBOX", raw),
    close: () => endpoint.stop(),
  };
}

/** The sandbox in this process, with all the mail in INBOX. */
export async function openSandboxWorld(
  dataDir: string,
  mail: readonly Buffer[],
  mailboxes: number,
): Promise<SpoolWorld & { readonly sandbox: Sandbox }> {
  const sandbox = await startSandbox({ dataDir, tenants: [{ alias: "corpus", mailboxes, messages: 0 }] });
  const [tenant] = sandbox.tenants;
  if (tenant === undefined) throw new Error("the sandbox has no tenant");
  const { addresses, tenantId, clientId } = tenant;
  for (const [n, raw] of mail.entries()) sandbox.deliver(addresses[n % mailboxes] as string, "INBOX", withCrlf(raw));
  const known = { tenantId, clientId, secret: sandbox.secretOf("corpus"), authority: sandbox.authority };
  return {
    ...{ pop3: sandbox.pop3, imap: sandbox.imap, caFile: sandbox.caFile, addresses, sandbox, isReadByRetr: false },
    tenant: known,
    token: await requestToken(known, sandbox.caFile),
    deliver: async (address, raw) => void sandbox.deliver(address, "INBOX", raw),
    close: () => sandbox.close(),
  };
}

/** Line ends as Exchange and Dovecot send them. */
function withCrlf(raw: Buffer): Buffer {
  return Buffer.from(raw.toString("latin1").replace(/\r?\n/g, "\r\n"), "latin1");
}

/** An app-only token as any program gets one. */
async function requestToken({ authority, tenantId, clientId, secret }: SpoolWorld["tenant"], caFile: string): Promise<string> {
  const ca = await readFile(caFile);
  const scope = "https://outlook.office365.com/.default";
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: clientId, client_secret: secret, scope });
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const sent = request(`${authority}/${tenantId}/oauth2/v2.0/token`, { method: "POST", ca, headers }, (answer) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => (body += chunk.toString()));
      answer.on("end", () => resolve(body));
    });
    sent.on("error", reject);
    sent.end(form.toString());
  });
  return (JSON.parse(text) as { access_token: string }).access_token;
}

/** How many messages of INBOX are not marked as read, by IMAP's own count. */
export async function unseenIn(world: SpoolWorld, address: string): Promise<{ readonly messages: number; readonly unseen: number }> {
  const client = await openMailClient({ ...world.imap, caFile: world.caFile, user: address, token: world.token });
  try {
    const answer = (await client.command("STATUS INBOX (MESSAGES UNSEEN)")).join("\n");
    const count = (what: string): number => Number(new RegExp(`${what} (\\d+)`).exec(answer)?.[1]);
    return { messages: count("MESSAGES"), unseen: count("UNSEEN") };
  } finally {
    client.close();
  }
}

export interface SpoolConfig {
  readonly redisUrl: string;
  readonly dir: string;
  readonly protocol: "imap" | "pop3";
}

/** For all mailboxes of the world, at both endpoints. */
export function configOf(world: SpoolWorld, { redisUrl, dir, protocol }: SpoolConfig): string {
  const { tenant, imap, pop3 } = world;
  return `redis: { url: "${redisUrl}" }
dataDir: ${JSON.stringify(dir)}
tenants:
  spool:
    tenantId: ${tenant.tenantId}
    clientId: ${tenant.clientId}
    credential: { secretFile: ${JSON.stringify(join(dir, "secret"))} }
    cloud: custom
    endpoints:
      authority: "${tenant.authority}"
      scope: "https://outlook.office365.com/.default"
      imap: { host: ${imap.host}, port: ${imap.port}, tls: true }
      pop3: { host: ${pop3.host}, port: ${pop3.port}, tls: true }
      caFile: ${JSON.stringify(world.caFile)}
    protocol: ${protocol}
    mailboxes: [${world.addresses.join(", ")}]
sync: { pollSeconds: 2 }
`;
}
