import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { type TestAuthority, testAuthority } from "./certificates.ts";
import { dovecotConfig, dovecotOauthConfig, dovecotUserEntry, dovecotUsersConfig, type UidlStyle } from "./dovecot-config.ts";
import { findBinary } from "./find-binary.ts";
import { freePort } from "./free-port.ts";
import { tryLogin } from "./imap-login-probe.ts";
import { fillMaildir, forgetUids, makeMaildirFolder, type MaildirMessage } from "./maildir.ts";
import { startServerProcess } from "./server-process.ts";
import { createTokenKey, type TokenRequest, tokenSigner } from "./test-tokens.ts";

/** Plain data, so that a running Dovecot can be handed to another process or thread. */
export interface DovecotAddress {
  readonly host: string;
  /** For IMAP. */
  readonly port: number;
  readonly pop3Port: number;
  /** Its folder: certificates, token key, mailboxes. */
  readonly dir: string;
}

export interface RunningDovecot {
  readonly address: DovecotAddress;
  readonly imap: { readonly host: string; readonly port: number };
  readonly pop3: { readonly host: string; readonly port: number };
  /** PEM of the authority that signed the server's certificate; `localhost` and 127.0.0.1 are valid names. */
  readonly caFile: string;
  /** For servers beside it that the same client shall trust. */
  readonly authority: TestAuthority;
  /** An app-only token: opens every mailbox of one domain. */
  issueToken(request: TokenRequest): Promise<string>;
  /** Makes an empty mailbox, with these folders beside INBOX. Mailboxes not added are refused like a wrong token. */
  addMailbox(address: string, folders?: readonly string[]): Promise<void>;
  removeMailbox(address: string): Promise<void>;
  /** How POP3 names the messages of a mailbox, from its next login on: `decimal` when not told, as Exchange does. */
  setUidls(address: string, style: UidlStyle): Promise<void>;
  addFolder(address: string, folder: string): Promise<void>;
  /** Adds messages in order; makes mailbox and folder when missing. 20,000 small ones take a few seconds. */
  fill(address: string, folder: string, messages: readonly MaildirMessage[], options?: { readonly uidValidity?: number }): Promise<void>;
  /** One message: {@link fill} with a list of one. */
  deliver(address: string, folder: string, raw: Uint8Array, options?: Omit<MaildirMessage, "raw">): Promise<void>;
  /** The folder gets a new UIDVALIDITY when it is opened next. */
  forgetUids(address: string, folder: string): Promise<void>;
  /** Ends the server if this process started it. */
  stop(): Promise<void>;
}

export interface DovecotOptions {
  readonly port?: number;
  readonly pop3Port?: number;
  /** Where everything lies; a temporary folder that `stop` removes when absent. Must be readable for all users when run as root. */
  readonly dir?: string;
  /** False: a server of its own even if TEST_IMAP_URL is set. */
  readonly shared?: boolean;
  /** Offers CONDSTORE, which Exchange does not. A server of its own. */
  readonly condStore?: boolean;
}

/** The ports of a Dovecot. */
export interface DovecotPorts {
  readonly imap: number;
  readonly pop3: number;
}

const startTries = 3;
const readyWithinMs = 60_000;
const probeDomain = "ready.invalid";

/**
 * A Dovecot that behaves like Exchange Online where it matters: XOAUTH2 only, app-only tokens that open any mailbox of their tenant's
 * domain, Exchange's capability list for IMAP, UIDLs that are IMAP UIDs, TLS.
 *
 * TEST_IMAP_URL and TEST_POP3_URL if set (`imaps://host:port?dir=FOLDER` and `pop3s://host:port`: a Dovecot started by this function, or
 * from the files it writes, with FOLDER mounted here at the same path), else the local dovecot 2.3, else a container.
 * @throws Error that says what to install, when there is none of them
 */
export async function startDovecot(options: DovecotOptions = {}): Promise<RunningDovecot> {
  const given = process.env["TEST_IMAP_URL"];
  if (given !== undefined && given !== "" && options.shared !== false && options.condStore !== true && options.dir === undefined) {
    return attachDovecot(addressFrom(given, process.env["TEST_POP3_URL"]));
  }
  const binary = await findBinary("dovecot");
  if (binary === undefined || !(await isKnownVersion(binary))) {
    const { startDovecotContainer } = await import("./dovecot-container.ts");
    return startDovecotContainer(options.condStore);
  }
  const dir = options.dir ?? (await mkdtemp(path.join(tmpdir(), "mailfleet-dovecot-")));
  for (let attempt = 1; ; attempt += 1) {
    const ports = { imap: options.port ?? (await freePort()), pop3: options.pop3Port ?? (await freePort()) };
    const configFile = await prepareDovecot(dir, ports, options.condStore);
    const server = await startServerProcess({
      command: binary,
      args: ["-F", "-c", configFile],
      logFile: path.join(dir, "dovecot.log"),
      ...(options.dir === undefined && { removeOnDeath: dir }),
    });
    const dovecot = await attachDovecot({ host: "127.0.0.1", port: ports.imap, pop3Port: ports.pop3, dir });
    const refusal = await waitForLogin(dovecot, () => server.hasExited);
    if (refusal === undefined) {
      return {
        ...dovecot,
        async stop() {
          await server.stop();
          if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
        },
      };
    }
    const tail = await server.logTail();
    await server.kill();
    if (attempt < startTries && options.port === undefined) continue;
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    throw new Error(`dovecot did not start on the ports ${ports.imap} and ${ports.pop3}: ${refusal}\n${tail}`);
  }
}

function addressFrom(imapUrl: string, pop3Url = ""): DovecotAddress {
  if (pop3Url === "") throw new Error("TEST_IMAP_URL needs TEST_POP3_URL beside it, pop3s://host:port of the same Dovecot");
  const imap = new URL(imapUrl);
  const dir = imap.searchParams.get("dir");
  if (dir === null) throw new Error("TEST_IMAP_URL needs ?dir=FOLDER, the folder that startDovecot made for that server");
  return { host: imap.hostname, port: Number(imap.port || 993), pop3Port: Number(new URL(pop3Url).port || 995), dir };
}

/** A handle for a Dovecot that another process or thread started. */
export async function attachDovecot(address: DovecotAddress): Promise<RunningDovecot> {
  const authority = await testAuthority(address.dir);
  const issueToken = await tokenSigner(address.dir);
  const userFile = (mailbox: string): string => path.join(address.dir, "users", mailbox.toLowerCase());
  const setUidls = async (mailbox: string, style: UidlStyle): Promise<void> => {
    await writeFile(userFile(mailbox), dovecotUserEntry(style));
    await chmod(userFile(mailbox), 0o644);
  };
  const addMailbox = async (mailbox: string, folders: readonly string[] = []): Promise<void> => {
    for (const folder of ["INBOX", ...folders]) await makeMaildirFolder(homeOf(address.dir, mailbox), folder);
    // As it is where it is there already: it may have UIDLs of another style.
    if (!existsSync(userFile(mailbox))) await setUidls(mailbox, "decimal");
  };
  const fill: RunningDovecot["fill"] = async (mailbox, folder, messages, options) => {
    await addMailbox(mailbox, [folder]);
    await fillMaildir(homeOf(address.dir, mailbox), folder, messages, options?.uidValidity);
  };
  return {
    address,
    imap: { host: address.host, port: address.port },
    pop3: { host: address.host, port: address.pop3Port },
    caFile: authority.caFile,
    authority,
    issueToken,
    addMailbox,
    removeMailbox: (mailbox) => rm(userFile(mailbox), { force: true }),
    setUidls,
    addFolder: (mailbox, folder) => addMailbox(mailbox, [folder]),
    fill,
    deliver: (mailbox, folder, raw, options) => fill(mailbox, folder, [{ raw, ...options }]),
    forgetUids: (mailbox, folder) => forgetUids(homeOf(address.dir, mailbox), folder),
    stop: () => Promise.resolve(),
  };
}

/** Writes everything that Dovecot needs into `dir`; keeps keys and mailboxes that are there already. Returns the configuration's path. */
export async function prepareDovecot(dir: string, ports: DovecotPorts, hasCondStore = false): Promise<string> {
  for (const name of ["", "run", "state", "mail", "users"]) {
    await mkdir(path.join(dir, name), { recursive: true });
    // The login and auth processes of a Dovecot started as root run as other users.
    await chmod(path.join(dir, name), name === "mail" ? 0o777 : 0o755);
  }
  const authority = await testAuthority(dir);
  const certificate = await authority.issue("server");
  await tokenSigner(dir).catch(() => createTokenKey(dir));
  await writeFile(path.join(dir, "oauth2.conf"), dovecotOauthConfig(dir));
  await writeFile(path.join(dir, "users.conf"), dovecotUsersConfig(dir));
  const configFile = path.join(dir, "dovecot.conf");
  await writeFile(configFile, dovecotConfig({ dir, port: ports.imap, pop3Port: ports.pop3, ...certificate, hasCondStore }));
  return configFile;
}

/** A listening port proves little: a fault in the auth configuration shows only at the first login. */
export async function waitForLogin(dovecot: RunningDovecot, hasExited: () => boolean): Promise<string | undefined> {
  const user = `probe@${probeDomain}`;
  await dovecot.addMailbox(user);
  const token = await dovecot.issueToken({ domain: probeDomain });
  const until = Date.now() + readyWithinMs;
  let refusal = "the process ended";
  while (Date.now() < until && !hasExited()) {
    const answer = await tryLogin({ ...dovecot.imap, caFile: dovecot.caFile, user, token });
    if (answer === "ok") return hasExited() ? "another server answers on its port" : undefined;
    refusal = answer;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return refusal;
}

/** Dovecot 2.4 renamed most settings, and starts with none of 2.3's. */
async function isKnownVersion(binary: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)(binary, ["--version"]);
  return stdout.startsWith("2.3.");
}

function homeOf(dir: string, mailbox: string): string {
  const [name, domain, ...rest] = mailbox.toLowerCase().split("@");
  if (!name || !domain || rest.length > 0) throw new Error(`not a mailbox address: ${mailbox}`);
  return path.join(dir, "mail", domain, name);
}
