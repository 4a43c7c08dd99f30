import { authHint, basicRefusal, challengeText, judgeLogin, type LoginRefusal } from "../../mail/judge-login.ts";
import { readPlainUser } from "../../mail/xoauth2.ts";
import type { CommandHandler } from "../command-table.ts";
import {
  badArgument,
  badCount,
  loginFailed,
  logonFailed,
  notConnected,
  ok,
  type Reply,
  sent,
  throttledReply,
  tooLong,
  unavailable,
  unknownCommand,
  wrongState,
} from "../reply.ts";
import type { Pop3Session } from "../session.ts";

/** AUTH XOAUTH2 in two lines; with the answer on its own line Exchange takes it for too long (field guide 2.1). PLAIN is there for form's sake. */
export const auth: CommandHandler = async (session, args) => {
  const mechanism = args[0]?.toUpperCase();
  if (mechanism === undefined) return badCount;
  if (args.length > 1) return tooLong;
  if (mechanism !== "XOAUTH2" && mechanism !== "PLAIN") return badArgument;
  const blob = await session.readSasl("");
  if (blob === undefined) return sent;
  const isCancelled = blob === "*";
  const reply = isCancelled ? loginFailed : mechanism === "PLAIN" ? refuseBasic(session, readPlainUser(blob)) : await admit(session, blob);
  session.services.count(reply.kind === "ok" ? "login" : "login refused");
  return reply;
};

export const user: CommandHandler = (session, args) => {
  if (args.length !== 1) return badCount;
  session.user = args[0];
  return ok();
};

/** Basic authentication is gone for good. */
export const pass: CommandHandler = (session) => {
  const { user: name } = session;
  if (name === undefined) return wrongState;
  session.user = undefined;
  session.services.count("login refused");
  return refuseBasic(session, name);
};

async function admit(session: Pop3Session, blob: string): Promise<Reply> {
  const verdict = await judgeLogin(session.services, blob);
  switch (verdict.kind) {
    case "welcome":
      if (session.services.faults.strike("auth-logon-failure", verdict.place)) {
        if (verdict.mailbox) session.services.store.giveBack(verdict.mailbox);
        return logonFailed;
      }
      session.logIn(verdict.mailbox, verdict.place, verdict.expiresAt);
      return ok("User successfully authenticated.");
    case "throttled":
      return throttledReply(verdict.throttling);
    case "refused":
      return verdict.why === "auth-challenge" ? await challenge(session) : refusalOf(verdict.why, blob);
  }
}

function refusalOf(why: Exclude<LoginRefusal, "auth-challenge">, blob: string): Reply {
  switch (why) {
    case "auth-no":
    case "disabled":
      return loginFailed;
    case "auth-no-hint":
      return { ...loginFailed, text: `Authentication failure: unknown user name or bad password. ${authHint}` };
    case "auth-no-not-connected":
      return notConnected;
    case "auth-unavailable":
      return unavailable;
    case "auth-echo":
      return { ...loginFailed, text: `Authentication failure: ${blob}` };
    case "too-many":
      return { ...loginFailed, text: "Too many simultaneous connections." };
  }
}

/** As other servers do it: the reason first, the refusal when the client has read it. */
async function challenge(session: Pop3Session): Promise<Reply> {
  const line = await session.readSasl(challengeText("pop3"));
  if (line === undefined) return sent;
  return line === "" || line === "*" ? loginFailed : unknownCommand;
}

function refuseBasic({ services }: Pop3Session, name: string | undefined): Reply {
  switch (basicRefusal(services, name)) {
    case "disabled":
      return { ...logonFailed, text: "Basic authentication is disabled" };
    case "blocked":
      return { ...logonFailed, text: `${logonFailed.text} [Error="AuthFailed:LogonDenied-BasicAuthBlocked"]` };
    case undefined:
      return logonFailed;
  }
}
