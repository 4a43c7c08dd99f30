import { appendFile, mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";
import { type Fleet } from "@mailfleet/checks";
import {
  causeWords,
  formatAgo,
  formatClock,
  formatCount,
  formatCounted,
  letterCauseId,
  type MailEvent,
  ownerWords,
  parseMessageKey,
  shortCauseId,
  shellWord,
  stripControls,
} from "@mailfleet/core";
import { type DeadLetter, eventJobId } from "@mailfleet/queue";
import { systemClock } from "@mailfleet/runtime";
import type { Cli, CommonOptions } from "../cli.ts";
import { givenOptions } from "../common-options.ts";
import type { LetterList } from "../letter-list.ts";
import { findCause, refusal } from "../letter-selection.ts";
import type { LetterSource } from "../letter-source.ts";
import { causeJson } from "../letters-report.ts";
import { locateConfig } from "../wire.ts";

export interface ShowOptions extends CommonOptions {
  readonly content?: true;
}

/** Letters of a cause that are named. */
const shownLetters = 10;
/** Of a text that was asked for. */
const shownLines = 40;
const shownCharacters = 4_000;

export async function showLetter(
  cli: Cli,
  fleet: Fleet,
  source: LetterSource,
  options: ShowOptions,
  [what = ""]: readonly string[],
): Promise<number> {
  if (/^[0-9a-f]{4,8}$/i.test(what)) return showCause(cli, source, what, givenOptions(options));
  const letter = await source.jobs.read(eventJobId(what));
  if (letter === undefined && !what.includes("/")) throw refusal(`No cause is called ${stripControls(what)}, and no letter.`);
  if (letter === undefined) return showSetAside(cli, source, what, options);
  const now = await fleet.reader.now();
  const { event } = letter;
  if (options.content) await noteReveal(locateConfig(cli, options).config.dataDir, letter.id);
  const content = options.content && event?.type === "message.added" ? contentOf(event) : undefined;
  const cause = source.causeOf(letter);
  const causeId = letterCauseId(cause.owner, cause.text).slice(0, 4);
  const reason = source.scrub(letter.reason);
  if (cli.isJson) {
    const { id, type, tries, failedAt, consumer } = letter;
    cli.json({
      schema: "mailfleet.dead-letter/1",
      id,
      type,
      ...(event && { key: event.key, tenant: event.tenant, mailbox: event.mailbox, ...placeOf(event) }),
      tries,
      failedAt: new Date(failedAt).toISOString(),
      ...(consumer !== undefined && { consumer }),
      cause: { id: causeId, what: cause.text },
      reason,
      ...(content && { content }),
    });
    return 0;
  }
  const lines = [
    letter.id,
    `  Event       ${letter.type}${whereWords(letter, event)}`,
    `  Failed      ${formatAgo(letter.failedAt, now)}, after ${formatCounted(letter.tries, "try", "tries")}, by ${ownerWords(cause.owner)}`,
    `  Cause       ${causeId}   ${causeWords({ ...cause, fullId: causeId, letters: 1 })}`,
    `  Last error  "${reason}"`,
    ...(content === undefined ? [] : contentLines(content)),
    `When its cause is mended: npx mailfleet dead-letters replay ${shellWord(letter.id)}${givenOptions(options)}`,
  ];
  cli.terminal.out(`${lines.map(stripControls).join("\n")}\n`);
  return 0;
}

/** A message that was set aside is no job of the queue: what is known of it stands in the list, and there is nothing to reveal. */
async function showSetAside(cli: Cli, source: LetterSource, key: string, options: ShowOptions): Promise<number> {
  const list = (await source.lists.latest()) ?? (await source.freeze(() => undefined));
  const fullId = await causeOfMessage(source, list, key);
  const cause = list.causes.find((one) => one.fullId === fullId);
  const place = parseMessageKey(key);
  if (cause === undefined || place === undefined) {
    throw refusal(`${stripControls(key)} is no dead letter: it was consumed, discarded, or waits again.`);
  }
  const id = shortCauseId(cause.fullId, list.causes);
  const { tenant, address, folder } = place;
  if (cli.isJson) {
    cli.json({
      schema: "mailfleet.dead-letter/1",
      id: key,
      type: "message.quarantined",
      key,
      tenant,
      mailbox: address,
      folder,
      listed: new Date(list.at).toISOString(),
      cause: { id, what: cause.text },
    });
    return 0;
  }
  const listed = formatClock(list.at, { now: systemClock.now(), zone: "local", seconds: true });
  const lines = [
    key,
    `  Event       message.quarantined of ${folder}, ${address} (${tenant}), as listed at ${listed}`,
    `  Cause       ${id}   ${causeWords(cause)}`,
    ...(options.content ? ["  Content     none is shown of a message that was set aside"] : []),
    `When its cause is mended: npx mailfleet dead-letters replay ${shellWord(key)}${givenOptions(options)}`,
  ];
  cli.terminal.out(`${lines.map(stripControls).join("\n")}\n`);
  return 0;
}

/** Full id of the cause under which a message that was set aside was listed. */
async function causeOfMessage({ lists }: LetterSource, list: LetterList, key: string): Promise<string | undefined> {
  for await (const page of lists.read(list, undefined)) {
    const found = page.find(({ kind, id }) => kind === "message" && id === key);
    if (found !== undefined) return found.cause;
  }
  return undefined;
}

async function showCause(cli: Cli, source: LetterSource, given: string, options: string): Promise<number> {
  const { terminal } = cli;
  const list = (await source.lists.latest()) ?? (await source.freeze(() => undefined));
  const cause = findCause(list, given);
  const first: string[] = [];
  const places = new Map<string, number>();
  for await (const page of source.lists.read(list, new Set([cause.fullId]))) {
    for (const { id } of page) {
      if (first.length < shownLetters) first.push(id);
      const key = parseMessageKey(id.split("/").slice(0, 5).join("/"));
      const place = key === undefined ? "elsewhere" : `${key.address} (${key.tenant})`;
      if (places.has(place) || places.size < 1_000) places.set(place, (places.get(place) ?? 0) + 1);
    }
  }
  const most = [...places].sort((a, b) => b[1] - a[1]).slice(0, 5);
  if (cli.isJson) {
    const mailboxes = most.map(([name, letters]) => ({ name, letters }));
    cli.json({
      schema: "mailfleet.dead-letter-cause/1",
      at: new Date(list.at).toISOString(),
      ...causeJson(cause, list.causes),
      first,
      mailboxes,
    });
    return 0;
  }
  const id = shortCauseId(cause.fullId, list.causes);
  const lines = [
    `${id}   ${formatCounted(cause.letters, "letter")} of ${ownerWords(cause.owner)}: ${causeWords(cause)}`,
    ...(cause.since === undefined || cause.latest === undefined
      ? []
      : [`  First       ${formatAgo(cause.since, systemClock.now())}, last ${formatAgo(cause.latest, systemClock.now())}`]),
    ...most.map(([name, letters], at) => `  ${at === 0 ? "Mailboxes " : "          "}  ${formatCount(letters)} of ${name}`),
    ...first.map((key, at) => `  ${at === 0 ? "Letters   " : "          "}  ${key}`),
    ...(cause.letters > first.length ? [`              and ${formatCount(cause.letters - first.length)} more`] : []),
    `When it is mended: npx mailfleet dead-letters replay --cause ${id} --dry-run${options}`,
  ];
  terminal.out(`${lines.map(stripControls).join("\n")}\n`);
  return 0;
}

function placeOf(event: MailEvent): { readonly folder?: string; readonly uid?: number; readonly uidl?: string } {
  if (!("folder" in event)) return {};
  return {
    folder: event.folder.path,
    ...("uid" in event && event.uid !== undefined && { uid: event.uid }),
    ...("uidl" in event && event.uidl !== undefined && { uidl: event.uidl }),
  };
}

function whereWords(letter: DeadLetter, event: MailEvent | undefined): string {
  if (event === undefined) return ", whose data is no event of mailfleet";
  const { folder, uid, uidl } = placeOf(event);
  const which = uid !== undefined ? `, UID ${formatCount(uid)}` : uidl !== undefined ? `, UIDL ${uidl}` : "";
  const where = folder === undefined ? "" : ` of ${folder}${which}`;
  return `${where}, ${event.mailbox} (${event.tenant})${event.key === letter.id ? "" : `, key ${event.key}`}`;
}

interface Content {
  readonly from: string;
  readonly subject: string;
  readonly text: string;
}

/** One message's words, because somebody asked for them: no HTML, nothing that is loaded from elsewhere. */
function contentOf({ message }: Extract<MailEvent, { type: "message.added" }>): Content {
  const [from] = message.from;
  const text = message.text ?? (message.textRef === undefined ? "(no text)" : "(its text is over 64 KB and lies in the blob store)");
  return {
    from: stripControls(from === undefined ? "(no sender)" : `${from.name} <${from.address}>`.trim()),
    subject: stripControls(message.subject ?? "(no subject)"),
    text: text.slice(0, shownCharacters).split(/\r?\n/).slice(0, shownLines).map(stripControls).join("\n"),
  };
}

function contentLines({ from, subject, text }: Content): string[] {
  return [`  From        ${from}`, `  Subject     ${subject}`, ...text.split("\n").map((one) => `  | ${one}`)];
}

/** Bodies and subjects are other people's: that one was shown is on record. */
async function noteReveal(dataDir: string, id: string): Promise<void> {
  let user = "unknown";
  try {
    user = userInfo().username;
  } catch {
    // A machine without an entry for its user.
  }
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const line = JSON.stringify({ at: new Date(systemClock.now()).toISOString(), who: user, what: "content of a dead letter", id });
  await appendFile(path.join(dataDir, "reveals.jsonl"), `${line}\n`, { mode: 0o600 });
}
