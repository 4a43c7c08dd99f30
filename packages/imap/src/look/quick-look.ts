import { syncError, type FolderStatus, type LookFolder, type LookRequest } from "@mailfleet/core";
import { encodeFolderName } from "../folder-name.ts";
import type { ImapLimits } from "../flow-options.ts";
import type { AnswerLine } from "./answer-lines.ts";
import { LookWire, type LookWireOptions } from "./look-wire.ts";
import type { Offers, OfferMemory } from "./offer-memory.ts";
import { isSameName, readStatusLine } from "./status-line.ts";

export interface QuickLookOptions extends LookWireOptions {
  readonly user: string;
  readonly token: string;
  readonly limits: ImapLimits;
  readonly offers: OfferMemory;
  readonly request: LookRequest;
}

/**
 * Commands that are under way at once, after the first STATUS was answered. Exchange does one after the other whatever it is sent
 * (exchange-online 3.4): what is saved is the way there and back. A mailbox that is shut to us refuses the first one already, which goes
 * alone, so that no heap of refusals counts as strikes.
 */
const pipelined = 32;

/**
 * STATUS of folders that are known, in a connection of its own, with nothing that is not needed for it: greeting, AUTHENTICATE, STATUS, and
 * the connection is dropped. CAPABILITY is asked where neither the greeting nor an earlier look told what the server offers.
 *
 * @returns in the order of the request; undefined where a name cannot be written in a quoted string
 * @throws SyncError with the same codes and facts as a session's
 */
export async function quickLook(options: QuickLookOptions): Promise<readonly FolderStatus[] | undefined> {
  const names = options.request.folders.map(wireNameOf);
  if (names.some((name) => name === undefined)) return undefined;
  const wire = new LookWire(options);
  try {
    await greet(wire, options);
    return await askAll(wire, options, names as readonly string[]);
  } finally {
    wire.close();
  }
}

function wireNameOf({ path, wireName }: LookFolder): string | undefined {
  const name = wireName ?? encodeFolderName(path);
  return /^[\x20-\x7e]+$/.test(name) ? name : undefined;
}

/** Up to a login that was answered OK, which proves nothing yet on Exchange. */
async function greet(wire: LookWire, { limits, offers, endpoint, user, token }: QuickLookOptions): Promise<void> {
  wire.stage(limits.connectMs, "CONNECT_TIMEOUT", "The server could not be reached in time");
  await wire.ready();
  wire.stage(limits.greetingMs, "GREETING_TIMEOUT", "The server did not greet in time");
  const { text } = await wire.line();
  const greeting = /^\* (OK|PREAUTH|BYE)\b ?(.*)$/i.exec(text);
  const [, kind = "", words = ""] = greeting ?? [];
  // T11: such a session belongs to whomever the server says.
  if (kind.toUpperCase() === "PREAUTH") throw wire.violate("Preauth", "The server says that we are logged in already (PREAUTH)");
  if (kind.toUpperCase() === "BYE") throw wire.refuse("BYE", words);
  if (greeting === null) throw wire.violate("InvalidResponse", "The server began with something that is no greeting");
  wire.stage(limits.openMs, "Silent", "The login took too long");
  const key = `${endpoint.host} ${endpoint.port}`;
  const known = readOffers(/\[CAPABILITY ([^\]]*)\]/i.exec(words)?.[1]) ?? offers.recall(key);
  const offered = known ?? (await askCapability(wire));
  if (!offered.hasXoauth2) throw wire.violate("NoXoauth2", "The server does not offer XOAUTH2");
  if (known === undefined) offers.keep(key, offered);
  wire.phase = "login";
  try {
    await authenticate(wire, offered, responseOf(user, token));
  } catch (error) {
    // It may have been another server behind the same name, with other wishes.
    offers.forget(key);
    throw error;
  }
}

async function askCapability(wire: LookWire): Promise<Offers> {
  let offered: Offers | undefined;
  wire.send(["C CAPABILITY"]);
  await answerTo(wire, "C", ({ text }) => {
    offered = readOffers(/^\* CAPABILITY (.*)$/i.exec(text)?.[1]) ?? offered;
  });
  return offered ?? { hasXoauth2: false, hasSaslIr: false };
}

function readOffers(list: string | undefined): Offers | undefined {
  if (list === undefined) return undefined;
  const words = new Set(list.toUpperCase().split(" "));
  return { hasXoauth2: words.has("AUTH=XOAUTH2"), hasSaslIr: words.has("SASL-IR") };
}

async function authenticate(wire: LookWire, { hasSaslIr }: Offers, response: string): Promise<void> {
  // The response, then an empty line for the challenge that some servers put an error into; a third one is none of this mechanism.
  const answers = hasSaslIr ? [""] : [response, ""];
  wire.send([hasSaslIr ? `A AUTHENTICATE XOAUTH2 ${response}` : "A AUTHENTICATE XOAUTH2"]);
  await answerTo(wire, "A", undefined, () => {
    const answer = answers.shift();
    if (answer === undefined) throw wire.violate("UnaskedData", "The server asked for more than XOAUTH2 has");
    wire.send([answer]);
  });
}

/** SASL XOAUTH2; 0x01 parts its fields, so that a control character in them could begin another one. */
function responseOf(user: string, token: string): string {
  if (/[\u0000-\u001f\u007f]/.test(user) || !/^[\x21-\x7e]+$/.test(token)) {
    throw syncError("INVARIANT", "An address or token holds characters that no login may hold", { layer: "imap", phase: "login" });
  }
  return Buffer.from(`user=${user}\u0001auth=Bearer ${token}\u0001\u0001`, "utf8").toString("base64");
}

async function askAll(wire: LookWire, { limits, request }: QuickLookOptions, names: readonly string[]): Promise<readonly FolderStatus[]> {
  const items = `MESSAGES UIDNEXT UIDVALIDITY UNSEEN${request.hasModSeq ? " HIGHESTMODSEQ" : ""}`;
  const lines = names.map((name, index) => `S${index} STATUS "${name.replace(/["\\]/g, "\\$&")}" (${items})`);
  const statuses: FolderStatus[] = [];
  wire.phase = "first-command";
  for (let from = 0; from < lines.length;) {
    const until = from === 0 ? 1 : Math.min(from + pipelined, lines.length);
    wire.send(lines.slice(from, until));
    for (; from < until; from++) {
      wire.folder = request.folders[from]?.path;
      statuses.push(await statusOf(wire, `S${from}`, names[from] as string));
      wire.phase = "command";
      wire.stage(limits.commandSilenceMs, "Silent", "The server stopped answering");
    }
  }
  return statuses;
}

async function statusOf(wire: LookWire, tag: string, name: string): Promise<FolderStatus> {
  let status: FolderStatus | undefined;
  await answerTo(wire, tag, (line) => {
    const read = readStatusLine(line);
    if (read !== undefined && isSameName(read.wireName, name)) status = read.status;
  });
  // `OK` without the data is no answer, above all not "nothing new".
  if (status === undefined) throw wire.violate("MissingData", "STATUS was answered without its numbers");
  return status;
}

/** Reads up to the tagged OK. @throws SyncError for anything else, with the connection ended */
async function answerTo(wire: LookWire, tag: string, untagged?: (line: AnswerLine) => void, challenge?: () => void): Promise<void> {
  for (;;) {
    const line = await wire.line();
    const { text } = line;
    if (text.startsWith(`${tag} `)) {
      const [, status = "", words = ""] = /^\S+ (OK|NO|BAD)\b ?(.*)$/i.exec(text) ?? [];
      if (status.toUpperCase() === "OK") return;
      if (status === "") throw wire.violate("InvalidResponse", "A tagged answer is neither OK nor NO nor BAD");
      throw wire.refuse(status.toUpperCase() as "NO" | "BAD", words);
    }
    if (text.startsWith("* ")) {
      const [, status = "", words = ""] = /^\* (BYE|BAD|NO)\b ?(.*)$/i.exec(text) ?? [];
      if (status.toUpperCase() === "BYE") throw wire.refuse("BYE", words);
      if (status !== "" && isUnavailable(words)) throw wire.refuse("BAD", words);
      untagged?.(line);
      continue;
    }
    if (text.startsWith("+")) {
      if (challenge === undefined) throw wire.violate("UnaskedData", "The server asked for more where nothing was left to send");
      challenge();
      continue;
    }
    // Exchange's bare `Server Unavailable. 15`, which stands in place of the tagged answer.
    if (isUnavailable(text)) throw wire.refuse("BAD", text);
    throw wire.violate("UnexpectedTag", "The server answered something that was not asked");
  }
}

function isUnavailable(text: string): boolean {
  return /server unavailable/i.test(text);
}
