import { type Command, Option } from "commander";
import {
  type AccessToken,
  describeCause,
  formatCount,
  formatCounted,
  formatDuration,
  isSyncError,
  type MailboxRef,
  type Protocol,
  protocolNames,
  shellWord,
  stripControls,
} from "@mailfleet/core";
import { openAccess } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import { createMimeParser } from "@mailfleet/mime";
import { systemClock } from "@mailfleet/runtime";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import { findMailbox } from "../find-mailbox.ts";
import { messageLines } from "../try-lines.ts";
import { type ListedMessage, openInbox, readHeads } from "../try-newest.ts";
import { padEnd, wrapText } from "../text-layout.ts";
import { locateConfig } from "../wire.ts";

const examples = `Examples:
  npx mailfleet try support@contoso.com                           log in, list the newest messages
  npx mailfleet try support@contoso.com --protocol pop3           the same mailbox over POP3
  npx mailfleet try support@contoso.com --json | jq .steps
`;

interface TryOptions extends CommonOptions {
  readonly tenant?: string;
  readonly protocol?: Protocol;
}

interface Step {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

const patienceMs = 60_000;

export function addTryVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("try"))
    .description("log in to one mailbox with the app-only token and list its newest messages")
    .argument("<mailbox>", "its primary address")
    .option("--tenant <alias>", "the tenant, when the address is not in the configuration yet")
    .addOption(new Option("--protocol <protocol>", "if another than the mailbox is configured with").choices(["imap", "pop3"]))
    .addHelpText("before", examples)
    .action(bind<TryOptions>(tryMailbox));
}

async function tryMailbox(cli: Cli, options: TryOptions, [given = ""]: readonly string[]): Promise<number> {
  const { config } = locateConfig(cli, options);
  const found = await findMailbox(config, given, options.tenant, "try");
  const mailbox: MailboxRef = { ...found, protocol: options.protocol ?? found.protocol };
  const attempt = new Attempt(cli, mailbox, givenOptions(options));
  const access = await openAccess(forThisAlone(config, mailbox), cli.env);
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
      const isPop3 = mailbox.protocol === "pop3";
      // POP3 has no folders to list.
      const folders = isPop3
        ? undefined
        : await attempt.step(
            "folders",
            () => session.listFolders(),
            (list) => formatCounted(list.length, "folder"),
          );
      const inbox = await attempt.step(
        "INBOX",
        () => openInbox(session),
        ({ total }) => `${isPop3 ? "listed" : "opened read-only"}, ${formatCounted(total, "message")}`,
      );
      const shown = await attempt.step(
        "messages",
        () => readHeads(session, inbox, parser),
        (list) => (list.length === 0 ? "none yet" : `the newest ${formatCount(list.length)}`),
      );
      attempt.finish({ folders: folders?.length, total: inbox.total, shown });
    } finally {
      await session.close();
    }
    return 0;
  } finally {
    await Promise.allSettled([access.close(), parser.close()]);
  }
}

/** The token is then judged for this protocol: one for the other alone passes at no login. */
function forThisAlone(config: Config, { tenant: alias, address, protocol }: MailboxRef): Config {
  const tenant = config.tenants[alias];
  return tenant === undefined ? config : { ...config, tenants: { [alias]: { ...tenant, protocol, mailboxes: [{ address, protocol }] } } };
}

function describeToken(token: AccessToken): string {
  return `issued for Exchange Online, valid ${formatCounted(Math.max(0, Math.round((token.expiresAt - systemClock.now()) / 60_000)), "minute")}`;
}

/** Says each step as it ends; a failure ends the verb with its four parts, and the steps that were not reached are said. */
class Attempt {
  readonly #cli: Cli;
  readonly #mailbox: MailboxRef;
  readonly #given: string;
  readonly #steps: Step[] = [];
  readonly #startedMs = systemClock.monotonic();

  /** `given`: the options that printed commands need to reach the same fleet. */
  constructor(cli: Cli, mailbox: MailboxRef, given: string) {
    this.#cli = cli;
    this.#mailbox = mailbox;
    this.#given = given;
    if (!cli.isJson) cli.terminal.out(`${mailbox.tenant}, ${mailbox.address}, over ${protocolNames[mailbox.protocol]}\n`);
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
        `Which step is wrong, and what mends it: npx mailfleet doctor --tenant ${shellWord(this.#mailbox.tenant)} --mailbox ${shellWord(this.#mailbox.address)}${this.#given}`,
      ],
    });
  }

  finish({ folders, total, shown }: { folders: number | undefined; total: number; shown: readonly ListedMessage[] }): void {
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
        ...(folders !== undefined && { folders }),
        inbox: total,
        ...(protocol === "pop3" && { notShown: ["folders", "flags", "arrival", "unconvertible"] }),
        messages: shown,
      });
    }
    const width = terminal.isOutTerminal ? terminal.outWidth() : Number.POSITIVE_INFINITY;
    for (const text of messageLines(shown, width)) terminal.out(`${text}\n`);
    if (this.#mailbox.protocol === "pop3") {
      const again = `npx mailfleet try ${shellWord(this.#mailbox.address)} --tenant ${shellWord(this.#mailbox.tenant)} --protocol imap${this.#given}`;
      const shows = "POP3 shows the INBOX alone: no other folder, no flags, no time of arrival, and no item that Exchange cannot convert.";
      terminal.out(`${wrapText(shows, width, 0).join("\n")}\nOver IMAP: ${again}\n`);
    }
    terminal.out(`All ${formatCount(this.#steps.length)} steps passed in ${formatDuration(ms)}. Nothing was marked as read.\n`);
  }
}
