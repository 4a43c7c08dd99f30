import type { CommandHandler, Reply } from "../command-table.ts";
import { badArgument, badCount, no, ok, throttledReply, unavailable } from "../command-table.ts";
import { textOf } from "../parse-command.ts";
import { authHint, basicRefusal, challengeText, judgeLogin, type LoginRefusal } from "../../mail/judge-login.ts";
import { readPlainUser } from "../../mail/xoauth2.ts";
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
  const reply = mechanism === "PLAIN" ? refuseBasic(session, "AUTHENTICATE", readPlainUser(blob)) : await admit(session, blob);
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

async function admit(session: Session, blob: string): Promise<Reply> {
  const verdict = await judgeLogin(session.services, blob);
  switch (verdict.kind) {
    case "welcome":
      session.logIn(verdict.mailbox, verdict.place, verdict.expiresAt);
      return ok("AUTHENTICATE completed.");
    case "throttled":
      return throttledReply(verdict.throttling);
    case "refused":
      return verdict.why === "auth-challenge" ? await challenge(session) : refusalOf(verdict.why, blob);
  }
}

const loginFailed = no("AUTHENTICATE failed.");
const basicHint = '[Error="AuthFailed:LogonDenied-BasicAuthBlocked" Proxy=MB1P000CA0001.SANDBOX.EXAMPLE:1993:SSL]';

function refusalOf(why: Exclude<LoginRefusal, "auth-challenge">, blob: string): Reply {
  switch (why) {
    case "auth-no":
    case "disabled":
      return loginFailed;
    case "auth-no-hint":
      return no(`AUTHENTICATE failed. ${authHint}`);
    case "auth-no-not-connected":
      return no("User is authenticated but not connected.");
    case "auth-unavailable":
      return unavailable;
    case "auth-echo":
      return no(`AUTHENTICATE failed. ${blob}`);
    case "too-many":
      return no("Too many simultaneous connections.");
  }
}

/** As other servers do it: the reason first, the refusal when the client has read it. */
async function challenge(session: Session): Promise<Reply> {
  session.writer.line(`+ ${challengeText("imap")}`);
  const line = await session.readLine();
  return line === undefined || line === "" || line === "*" ? loginFailed : { kind: "bad", text: "Command Error. 12" };
}

function refuseBasic({ services }: Session, verb: "LOGIN" | "AUTHENTICATE", user: string | undefined): Reply {
  const form = basicRefusal(services, user);
  if (form === "disabled") return no("Basic authentication is disabled.");
  return no(form === "blocked" ? `${verb} failed. ${basicHint}` : `${verb} failed.`);
}
