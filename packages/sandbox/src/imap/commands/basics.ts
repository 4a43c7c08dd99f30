import type { CommandHandler } from "../command-table.ts";
import { badCount, no, ok } from "../command-table.ts";

/** Verbatim lists of the classic front end (field guide 3.1). */
const beforeLoginList = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
const afterLoginList =
  "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE LITERAL+";

export const capability: CommandHandler = (session) => {
  session.writer.line(`* CAPABILITY ${session.state === "greeted" ? beforeLoginList : afterLoginList}`);
  return ok("CAPABILITY completed.");
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
  const expiry = setTimeout(() => session.expireToken(), Math.max(0, Math.min(session.msUntilTokenExpires, 0x7fff_ffff)));
  session.startIdle();
  const line = await session.readLine();
  session.stopIdle();
  clearTimeout(expiry);
  if (line === undefined) return no("IDLE ended.");
  return line.toUpperCase() === "DONE" ? ok("IDLE completed.") : { kind: "bad", text: "Command Error. 12" };
};
