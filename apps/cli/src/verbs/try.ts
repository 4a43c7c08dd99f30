import type { Command } from "commander";
import {
  type AccessToken,
  describeCause,
  formatBytes,
  formatCount,
  formatCounted,
  formatDuration,
  isSyncError,
  type MailboxRef,
  type MailSession,
  shellWord,
  stripControls,
} from "@mailfleet/core";
import { createMimeParser } from "@mailfleet/mime";
import { systemClock } from "@mailfleet/runtime";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { withCommonOptions } from "../common-options.ts";
import { findMailbox } from "../find-mailbox.ts";
import { openAccess } from "../tenant-access.ts";
import { fitLine, line, lineText, padEnd, padStart } from "../text-layout.ts";
import { locateConfig } from "../wire.ts";

const examples = `Examples:
  npx mailfleet try support@contoso.com                           log in, list the newest messages
  npx mailfleet try support@contoso.com --config mailfleet.yaml
  npx mailfleet try support@contoso.com --json | jq .steps
`;

interface TryOptions extends CommonOptions {
  readonly tenant?: string;
  readonly protocol?: string;
}

interface Step {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

interface ListedMessage {
  readonly uid: number;
  readonly date?: string;
  /** Bytes, by the server's estimate. */
  readonly size: number;
  readonly flags: readonly string[];
  readonly from: string;
  readonly subject: string;
}

const newest = 10;
/** Enough for the head of any sane message. */
const headBytes = 16 * 1024;
const patienceMs = 60_000;

export function addTryVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("try"))
    .description("log in to one mailbox with the app-only token and list its newest messages")
    .argument("<mailbox>", "its primary address")
    .option("--tenant <alias>", "the tenant, when the address is not in the configuration yet")
    .option("--protocol <protocol>", "imap; pop3 is not in this version")
    .addHelpText("before", examples)
    .action(bind<TryOptions>(tryMailbox));
}

async function tryMailbox(cli: Cli, options: TryOptions, [given = ""]: readonly string[]): Promise<number> {
  const { config } = locateConfig(cli, options);
  if (options.protocol !== undefined && options.protocol !== "imap") {
    throw new CliError(2, {
      code: "PROTOCOL",
      what: `try reads over IMAP in this version, not over ${stripControls(options.protocol)}.`,
      next: "Nothing was tried.",
    });
  }
  const mailbox = await findMailbox(config, given, options.tenant, "try");
  const attempt = new Attempt(cli, mailbox);
  const access = await openAccess(config, cli.env);
  const parser = createMimeParser({ threads: 1 });
  try {
    const signal = AbortSignal.timeout(patienceMs);
    const token = await attempt.step("token", () => access.tokens.getToken(mailbox.tenant, { signal }), describeToken);
    const session = await attempt.step(
      "login",
      () => access.mail.open(mailbox, token, signal),
      () => "the server let mailfleet in and answered a command",
    );
    try {
      const folders = await attempt.step(
        "folders",
        () => session.listFolders(),
        (list) => formatCounted(list.length, "folder"),
      );
      const messages = await attempt.step(
        "INBOX",
        () => newestOf(session),
        ({ total }) => `opened read-only, ${formatCounted(total, "message")}`,
      );
      const shown = await attempt.step(
        "messages",
        () => readHeads(session, messages.uids, parser),
        (list) => (list.length === 0 ? "none yet" : `the newest ${formatCount(list.length)}`),
      );
      attempt.finish({ folders: folders.length, total: messages.total, shown });
    } finally {
      await session.close();
    }
    return 0;
  } finally {
    await Promise.allSettled([access.close(), parser.close()]);
  }
}

function describeToken(token: AccessToken): string {
  return `issued for Exchange Online, valid ${formatCounted(Math.max(0, Math.round((token.expiresAt - systemClock.now()) / 60_000)), "minute")}`;
}

/** Says each step as it ends; a failure ends the verb with its four parts, and the steps that were not reached are said. */
class Attempt {
  readonly #cli: Cli;
  readonly #mailbox: MailboxRef;
  readonly #steps: Step[] = [];
  readonly #startedMs = systemClock.monotonic();

  constructor(cli: Cli, mailbox: MailboxRef) {
    this.#cli = cli;
    this.#mailbox = mailbox;
    if (!cli.isJson) cli.terminal.out(`${mailbox.tenant}, ${mailbox.address}, over IMAP\n`);
  }

  async step<T>(name: string, work: () => Promise<T>, describe: (result: T) => string): Promise<T> {
    const startedMs = systemClock.monotonic();
    try {
      const result = await work();
      this.#say({ name, ok: true, text: `${describe(result)}, ${formatDuration(systemClock.monotonic() - startedMs)}` });
      return result;
    } catch (error) {
      const failure = this.#failure(error);
      this.#say({ name, ok: false, text: failure.report.what });
      throw failure;
    }
  }

  #say(step: Step): void {
    this.#steps.push(step);
    const { terminal } = this.#cli;
    if (this.#cli.isJson) return;
    const mark = step.ok ? terminal.paint("done", terminal.marks.done, "out") : terminal.paint("yours", terminal.marks.yours, "out");
    terminal.out(`  ${mark} ${padEnd(step.name, 15)} ${step.text}\n`);
  }

  #failure(error: unknown): CliError {
    if (!isSyncError(error)) throw error;
    const { code, scope, message, facts } = error.failure;
    const now = systemClock.now();
    const words = describeCause(
      {
        code,
        scope,
        state: "parked",
        tenant: this.#mailbox.tenant,
        mailboxes: [this.#mailbox.address],
        mailboxCount: 1,
        since: now,
        nextAt: now,
        tries: 1,
        text: facts.text === undefined ? "" : stripControls(facts.text),
      },
      { now, zone: "local" },
    );
    const happened = words.happened.replace(/ 1 mailbox is parked\.$/, "");
    return new CliError(1, {
      code,
      what: happened === "" ? message : happened,
      next: "This was a try: nothing was changed, and mailfleet goes on with this mailbox as before. Nothing is lost; mail waits on the server.",
      todo: [
        words.youCan,
        `Which step is wrong, and what mends it: npx mailfleet doctor --tenant ${shellWord(this.#mailbox.tenant)} --mailbox ${shellWord(this.#mailbox.address)}`,
      ],
    });
  }

  finish({ folders, total, shown }: { folders: number; total: number; shown: readonly ListedMessage[] }): void {
    const { terminal } = this.#cli;
    const ms = systemClock.monotonic() - this.#startedMs;
    if (this.#cli.isJson) {
      const { tenant, address, protocol } = this.#mailbox;
      return this.#cli.json({
        schema: "mailfleet.try/1",
        ok: true,
        tenant,
        mailbox: address,
        protocol,
        seconds: Math.round(ms / 100) / 10,
        steps: this.#steps,
        folders,
        inbox: total,
        messages: shown,
      });
    }
    for (const message of shown) {
      const date = message.date === undefined ? "no date" : message.date.slice(0, 16).replace("T", " ");
      const flags = message.flags.includes("\\Seen") ? "read" : "unread";
      const text = `      ${padEnd(date, 16)}  ${padStart(formatBytes(message.size), 8)}  ${padEnd(flags, 6)}  ${padEnd(message.from, 28)}  ${message.subject}`;
      terminal.out(`${terminal.isOutTerminal ? lineText(fitLine(line(text), terminal.outWidth())) : text}\n`);
    }
    terminal.out(`All ${formatCount(this.#steps.length)} steps passed in ${formatDuration(ms)}. Nothing was marked as read.\n`);
  }
}

async function newestOf(session: MailSession): Promise<{ readonly total: number; readonly uids: readonly number[] }> {
  const { messages, uidNext } = await session.open("INBOX");
  let uids: readonly number[] = [];
  // From the end, in growing steps: an old mailbox has wide holes.
  for (let width = 100, high = uidNext - 1; high > 0 && uids.length < Math.min(newest, messages); width *= 10) {
    const low = Math.max(1, high - width + 1);
    uids = [...(await session.listUids(low, high)), ...uids];
    high = low - 1;
  }
  return { total: messages, uids: uids.slice(-newest) };
}

async function readHeads(
  session: MailSession,
  uids: readonly number[],
  parser: ReturnType<typeof createMimeParser>,
): Promise<ListedMessage[]> {
  const sizes = new Map((await session.describe(uids)).map((meta) => [meta.uid, meta.size]));
  const listed: ListedMessage[] = [];
  for (const uid of [...uids].reverse()) {
    const head = await session.fetchHead(uid, headBytes);
    if (head === undefined) continue;
    const parsed = await parser.parse(head.bytes);
    const message = parsed.ok ? parsed.message : undefined;
    const [from] = message?.from ?? [];
    const date = message?.date ?? (head.internalDate === undefined ? undefined : new Date(head.internalDate).toISOString());
    listed.push({
      uid,
      size: sizes.get(uid) ?? head.bytes.length,
      flags: head.flags,
      from: stripControls(from === undefined ? "(no sender)" : from.name || from.address),
      subject: stripControls(message?.subject ?? (parsed.ok ? "(no subject)" : "(its head cannot be read)")),
      ...(date !== undefined && { date }),
    });
  }
  return listed;
}
