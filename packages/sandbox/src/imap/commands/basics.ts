import type { CommandHandler } from "../command-table.ts";
import { badCount, no, ok } from "../command-table.ts";
import { textOf } from "../parse-command.ts";

export const capability: CommandHandler = (session) => {
  const { capabilitiesBefore, capabilitiesAfter } = session.frontEnd;
  session.writer.line(`* CAPABILITY ${session.state === "greeted" ? capabilitiesBefore : capabilitiesAfter}`);
  return ok("CAPABILITY completed.");
};

/** Only the newer front end knows it, and only one thing that it can enable. */
export const enable: CommandHandler = (session, command) => {
  if (session.frontEnd.kind === "classic") return { kind: "bad", text: "Command Error. 12" };
  if (session.state === "greeted") return { kind: "bad", text: "Command received in Invalid state." };
  const isRev2 = command.args.some((arg) => textOf(arg)?.toUpperCase() === "IMAP4REV2");
  if (isRev2) session.isRev2 = true;
  session.writer.line(isRev2 ? "* ENABLED IMAP4rev2" : "* ENABLED");
  return ok("ENABLE completed.");
};

export const noop: CommandHandler = () => ok("NOOP completed.");

export const check: CommandHandler = () => ok("CHECK completed.");

export const id: CommandHandler = (session, command) => {
  if (command.args.length !== 1) return badCount;
  session.writer.line('* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")');
  return ok("ID completed.");
};

export const namespace: CommandHandler = (session) => {
  session.writer.line('* NAMESPACE (("" "/")) NIL NIL');
  return ok("NAMESPACE completed.");
};

export const logout: CommandHandler = (session) => {
  session.writer.line("* BYE Microsoft Exchange Server IMAP4 server signing off.");
  return ok("LOGOUT completed.");
};

/** Waits for DONE; meanwhile the session tells what changes, and ends itself when the token does. */
export const idle: CommandHandler = async (session) => {
  session.writer.line("+ IDLE accepted, awaiting DONE command.");
  const expiry = setTimeout(
    () => session.invalidate("AccessTokenExpired"),
    Math.max(0, Math.min(session.msUntilTokenExpires, 0x7fff_ffff)),
  );
  session.startIdle();
  const line = await session.readLine();
  session.stopIdle();
  clearTimeout(expiry);
  if (line === undefined) return no("IDLE ended.");
  return line.toUpperCase() === "DONE" ? ok("IDLE completed.") : { kind: "bad", text: "Command Error. 12" };
};
