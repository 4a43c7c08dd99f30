import type { CommandHandler, Reply } from "../command-table.ts";
import { badArgument, badCount } from "../command-table.ts";
import { textOf } from "../parse-command.ts";
import { judgeLogin, loginFailed, refuseBasic } from "../faults-at-login.ts";
import type { Session } from "../session.ts";

/** AUTHENTICATE XOAUTH2 with the blob on the line (SASL-IR) or after `+`. PLAIN is offered for form's sake and refused. */
export const authenticate: CommandHandler = async (session, command) => {
  const mechanism = textOf(command.args[0])?.toUpperCase();
  if (mechanism === undefined || command.args.length > 2) return badCount;
  if (mechanism !== "XOAUTH2" && mechanism !== "PLAIN") return badArgument;
  let blob = textOf(command.args[1]);
  if (blob === undefined) {
    session.writer.line("+ ");
    blob = await session.readLine();
    if (blob === undefined) return badArgument;
    if (blob === "*") return { kind: "bad", text: "AUTHENTICATE aborted." };
  }
  const credentials = readXoauth2(blob);
  const reply =
    mechanism === "PLAIN"
      ? refuseBasic(session, "AUTHENTICATE", Buffer.from(blob, "base64").toString("utf8").split("\0")[1])
      : credentials
        ? await admit(session, credentials, blob)
        : loginFailed;
  session.services.count(reply.kind === "ok" ? "login" : "login refused");
  if (reply.kind !== "ok") session.failLogin();
  return reply;
};

/** Basic authentication is gone for good. */
export const login: CommandHandler = (session, command) => {
  session.services.count("login refused");
  session.failLogin();
  return refuseBasic(session, "LOGIN", textOf(command.args[0]));
};

async function admit(session: Session, { user, token }: Credentials, blob: string): Promise<Reply> {
  const { store, verifyToken, aliasOf } = session.services;
  const verified = await verifyToken(token);
  if (!verified?.roles.includes("IMAP.AccessAsApp")) return loginFailed;
  const address = user.toLowerCase();
  const tenant = aliasOf(verified.tenantId);
  if (tenant === undefined || (store.tenantOf(address) ?? tenant) !== tenant) return loginFailed;
  const place = { tenant, mailbox: address };
  const { reply, isConnected } = await judgeLogin(session, place, blob);
  // An address that Exchange does not host looks the same as a mailbox without permission (field guide 2.2).
  if (reply.kind === "ok") session.logIn(isConnected ? store.take(address) : undefined, place, verified.expiresAt);
  return reply;
}

interface Credentials {
  readonly user: string;
  readonly token: string;
}

/** `user=` address ^A `auth=Bearer ` token ^A ^A in base64. */
function readXoauth2(blob: string): Credentials | undefined {
  const fields = Buffer.from(blob, "base64").toString("utf8").split("\x01");
  const user = fields.find((field) => field.startsWith("user="))?.slice(5);
  const token = fields.find((field) => /^auth=bearer /i.test(field))?.slice(12);
  return user && token ? { user, token } : undefined;
}
