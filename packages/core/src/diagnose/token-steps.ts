import type { FailureCode } from "../failure-code.ts";
import type { ErrorFacts } from "../failure.ts";
import { stripControls } from "../strip-controls.ts";
import { protocolNames } from "../words/protocols.ts";
import { formatDay, formatDuration, formatUtc, type TimeStyle } from "../words/times.ts";
import { aadsts } from "./aadsts.ts";
import { failed, type Finding, type Fix, look, passed, skipped, type StepVerdict } from "./finding.ts";
import { clockFix, consentFix, newSecretFix, principalFix, roleNames, thumbprintFix } from "./fixes.ts";
import type { ClaimsLook, Subject, TokenLook } from "./observations.ts";
import { readOverFix } from "./other-protocol.ts";

const day = 24 * 3_600_000;
/** From here on an expiry is told (exchange-online row 2). */
const expiryLookMs = 60 * day;
/** A token that began or ends this far from where it should is told by a wrong clock. */
const clockSlackMs = 60_000;

/** Was a token had, and is it the one that was asked for? */
export function tokenStep(token: TokenLook, subject: Subject, style: TimeStyle): StepVerdict {
  // Consent is the next step's business: the token came.
  if (!token.ok && token.code !== "ENTRA_CONSENT_MISSING") return refused(token.code, token.facts, token.claims, subject);
  const { claims } = token;
  const wrong = claims === undefined ? undefined : wrongClaims(claims, token, subject);
  if (wrong) return wrong;
  if (!token.ok) return passed("token", `issued in ${formatDuration(token.tookMs)}`);
  const left = Math.max(0, token.expiresAt - style.now);
  const text = `issued in ${formatDuration(token.tookMs)}, for Exchange Online, valid ${String(Math.floor(left / 60_000))} min`;
  const { credentialExpiresAt: ends, other } = token;
  const name = credentialName(subject);
  if (other?.refusedAs !== undefined) {
    const which = other.role === "current" ? "current" : "next";
    const rest = which === "current" ? "the next one is used in its place" : "mend it before the current one ends";
    return look("token", text, `The ${which} ${name} is refused (${other.refusedAs}); ${rest}.`);
  }
  const tested = other === undefined ? "" : `; the ${other.role} one tested, works`;
  if (ends === undefined) return passed("token", `${text}${tested}`);
  const good = Math.floor((ends - style.now) / day);
  if (ends - style.now >= expiryLookMs || other !== undefined)
    return passed("token", `${text}; ${name} good for ${String(Math.max(0, good))} days${tested}`);
  const when =
    good < 0
      ? `was to expire ${formatDay(ends, style.zone)}, by the configuration`
      : `expires ${formatDay(ends, style.zone)}, in ${String(good)} days`;
  return look("token", text, `The ${name} ${when}: make the next one now, and no mailbox stops.`);
}

/** Does the token carry the right to read mail over this protocol? */
export function permissionStep(token: TokenLook, subject: Subject): StepVerdict {
  const wanted = roleNames[subject.protocol];
  const roles = token.claims?.roles;
  const { delegated } = token.claims ?? {};
  if (
    token.ok &&
    roles === undefined &&
    delegated === undefined &&
    (token.claims === undefined || !isLikeMicrosofts(token.claims, subject))
  )
    return skipped("permission", "the token does not say; the mail server will");
  if (roles?.includes(wanted)) return passed("permission", `${wanted} granted`);
  const shown = roles === undefined || roles.length === 0 ? "no application permission" : `only ${clean(roles.join(", "))}`;
  if (delegated !== undefined && roles === undefined) {
    return failed("permission", {
      code: "ENTRA_CONSENT_MISSING",
      certainty: "certain",
      happened: `${wanted} is missing: the token has delegated permissions only (${clean(delegated)}).`,
      cause: "The permission was added as a delegated one, which is for a person who logs in. An app needs the application permission.",
      conclusion: `${wanted} is not granted as an application permission`,
      fixes: consentFix(subject),
    });
  }
  const isOther = roles?.some((role) => Object.values(roleNames).some((name) => name === role)) === true;
  return failed("permission", {
    code: "ENTRA_CONSENT_MISSING",
    certainty: "certain",
    happened: `${wanted} is missing: the token has ${shown}. Microsoft issues such tokens all the same.`,
    cause: isOther
      ? "The app was given the permission of the other mail protocol only."
      : "The application permission of Office 365 Exchange Online was not added, or nobody gave admin consent to it. A delegated permission, or one of Microsoft Graph, does not count.",
    conclusion: `${wanted} is not granted`,
    fixes: [...consentFix(subject), ...(isOther && subject.isOtherServed ? [readOverFix(subject)] : [])],
    also: ["granted minutes ago: it shows in the next new token only."],
  });
}

/** A service of one's own that names directory and app issues tokens as Microsoft does, and is held to the rest as well. */
function isLikeMicrosofts(claims: ClaimsLook, subject: Subject): boolean {
  return !subject.isCustom || (claims.tid !== undefined && claims.clientId !== undefined);
}

function noPrincipal(subject: Subject): StepVerdict {
  return failed("token", {
    code: "ENTRA_PRINCIPAL_MISSING",
    certainty: "certain",
    happened: "has no object id (oid): the app has no service principal in this directory.",
    cause: "A multi-tenant app gets tokens here without being in the directory. Exchange refuses such tokens since March 2026.",
    conclusion: "the app has no service principal in the directory",
    fixes: principalFix(subject),
  });
}

/** Claims that show that this token is not the one, though it was issued. */
function wrongClaims(claims: ClaimsLook, token: TokenLook, subject: Subject): StepVerdict | undefined {
  if (claims.oid === undefined && isLikeMicrosofts(claims, subject) && token.ok) {
    return noPrincipal(subject);
  }
  if (!token.ok) return undefined;
  const { issuedAt, expiresAt } = claims;
  // Not the present time: the looks that come after may take minutes.
  const now = token.at;
  const isOff =
    (issuedAt !== undefined && Math.abs(now - issuedAt) > clockSlackMs + token.tookMs) || (expiresAt !== undefined && expiresAt < now);
  if (!isOff) return undefined;
  return failed("token", {
    code: "ENTRA_CLOCK_WRONG",
    certainty: "most likely",
    happened: `says that it was issued ${formatUtc(issuedAt ?? now)} and ends ${formatUtc(expiresAt ?? now)}; here it is ${formatUtc(now)}.`,
    cause: "The clock of this machine is off.",
    conclusion: "the token's time is not this machine's",
    fixes: [clockFix],
    also: ["something on the way hands out an old token."],
  });
}

function refused(code: FailureCode, facts: ErrorFacts, claims: ClaimsLook | undefined, subject: Subject): StepVerdict {
  const { number } = facts;
  const known = number === undefined ? undefined : aadsts[number];
  const words = facts.text === undefined ? "" : `: "${clean(facts.text)}"`;
  const mark = markOf(facts);
  const said = `not issued${mark === "" ? "" : ` (${mark})`}${words}`;
  const happened = /[.!"]$/.test(said) ? said : `${said}.`;
  if (known) {
    return failed("token", {
      code,
      certainty: "certain",
      happened,
      cause: known.meaning,
      conclusion: conclusions[code] ?? "Microsoft issues no token",
      fixes: [...(number === 700027 ? [thumbprintFix] : []), ...fixesFor(code, subject), { who: "What to do:", commands: [known.youCan] }],
      also: known.also === undefined ? [] : [known.also],
    });
  }
  // A token came, so it is its missing oid that the token layer objects to.
  if (code === "ENTRA_PRINCIPAL_MISSING" && claims !== undefined) return noPrincipal(subject);
  switch (code) {
    case "ENTRA_TOKEN_MISMATCH":
      return mismatch(subject, `is not the one that was asked for, and was not used: ${mismatchWords(facts, claims, subject)}`, {
        cause: mismatchCause(claims, subject),
        conclusion: "the token is for something else",
      });
    case "ENTRA_UNAVAILABLE":
      return unavailable(facts, happened);
    case "ENTRA_THROTTLED":
      return failed("token", {
        code,
        certainty: "certain",
        happened,
        cause:
          "The login service asks for fewer token requests. mailfleet shares one token per tenant, so look for another program that asks.",
        conclusion: "the login service asks to wait",
        also: ["many tenants behind one public address."],
      });
    case "CONFIG_INVALID":
      return failed("token", {
        code,
        certainty: "certain",
        happened: `cannot be asked for: ${clean(facts.text ?? "the credential is not usable")}`,
        cause: "The credential of the configuration cannot be used as it is.",
        conclusion: "the credential cannot be used",
      });
    default:
      return failed("token", {
        code,
        certainty: code === "UNCLASSIFIED" ? "possible" : "most likely",
        happened,
        cause: causes[code] ?? "Microsoft refuses the request for a reason that mailfleet does not know yet.",
        conclusion: conclusions[code] ?? "Microsoft issues no token",
        fixes: fixesFor(code, subject),
        also: ["something on the way that answers in Microsoft's place."],
      });
  }
}

function unavailable(facts: ErrorFacts, happened: string): StepVerdict {
  const isAnswered = facts.httpStatus !== undefined;
  const isNoJson = isAnswered && facts.number === undefined && facts.code === undefined;
  const isOnTheWay = facts.code === "REDIRECT" || facts.code === "ANSWER_NOT_JSON" || isNoJson;
  return failed("token", {
    code: "ENTRA_UNAVAILABLE",
    certainty: isOnTheWay ? "possible" : "most likely",
    happened,
    cause: isOnTheWay
      ? "The answer is none of a login service: a proxy or a captive portal stands between."
      : isAnswered
        ? "Microsoft's login service has trouble."
        : "The login service takes the connection and does not answer in time.",
    conclusion: "the login service gives no usable answer",
    also: isOnTheWay ? ["trouble at Microsoft, whose front door then answers in HTML."] : ["a proxy that holds the request back."],
  });
}

function mismatch(subject: Subject, happened: string, words: Pick<Finding, "cause" | "conclusion">): StepVerdict {
  return failed("token", {
    code: "ENTRA_TOKEN_MISMATCH",
    certainty: "certain",
    happened,
    ...words,
    fixes: [
      {
        who: "In the configuration, compare with the app registration:",
        commands: [
          `tenants.${subject.tenant}.tenantId: ${subject.tenantId}`,
          `tenants.${subject.tenant}.clientId: ${subject.clientId}`,
          `tenants.${subject.tenant}.endpoints.scope: ${subject.scope}`,
        ],
      },
    ],
  });
}

function mismatchWords(facts: ErrorFacts, claims: ClaimsLook | undefined, subject: Subject): string {
  if (facts.text !== undefined) return `${clean(facts.text)}.`;
  return `it names directory ${clean(claims?.tid ?? "(none)")} and app ${clean(claims?.clientId ?? "(none)")}, not ${subject.tenantId} and ${subject.clientId}.`;
}

function mismatchCause(claims: ClaimsLook | undefined, subject: Subject): string {
  const audience = claims?.audience?.join(" ") ?? "";
  if (/graph\.microsoft|00000003-0000-0000-c000-000000000000/i.test(audience))
    return `It is a token for Microsoft Graph. ${protocolNames[subject.protocol]} needs one for Exchange Online: the scope is wrong.`;
  if (claims?.tid !== undefined && claims.tid.toLowerCase() !== subject.tenantId.toLowerCase())
    return "tenantId names another directory than the one that answers, or a proxy mixes up answers.";
  if (claims?.clientId !== undefined && claims.clientId.toLowerCase() !== subject.clientId.toLowerCase())
    return "The token belongs to another app: a proxy mixes up answers.";
  return "The scope, or what stands between, leads to another service.";
}

function markOf({ number, httpStatus, code }: ErrorFacts): string {
  if (number !== undefined) return `AADSTS${String(number)}`;
  return [httpStatus === undefined ? undefined : `HTTP ${String(httpStatus)}`, code].filter((part) => part !== undefined).join(", ");
}

const causes: Partial<Record<FailureCode, string>> = {
  ENTRA_CREDENTIAL_INVALID: "The credential is not one of this app's.",
  ENTRA_CREDENTIAL_EXPIRED: "The credential has expired.",
  ENTRA_APP_UNKNOWN: "The directory does not know the app, or the app is disabled.",
  ENTRA_TENANT_UNKNOWN: "The cloud does not know the directory.",
  ENTRA_SCOPE_INVALID: "The scope is not the one of Exchange Online in this cloud.",
  ENTRA_ACCESS_BLOCKED: "A policy of the directory blocks the app.",
  ENTRA_PRINCIPAL_MISSING: "The app has no service principal in this directory.",
  ENTRA_CLOCK_WRONG: "The clock of this machine is off.",
};

const conclusions: Partial<Record<FailureCode, string>> = {
  ENTRA_CREDENTIAL_INVALID: "Microsoft refuses the credential",
  ENTRA_CREDENTIAL_EXPIRED: "the credential has expired",
  ENTRA_APP_UNKNOWN: "the directory does not know the app",
  ENTRA_TENANT_UNKNOWN: "Microsoft does not know the directory",
  ENTRA_SCOPE_INVALID: "the scope is refused",
  ENTRA_CONSENT_MISSING: "consent is missing",
  ENTRA_ACCESS_BLOCKED: "a policy blocks the app",
  ENTRA_PRINCIPAL_MISSING: "the app has no service principal in the directory",
  ENTRA_CLOCK_WRONG: "the clock of this machine is off",
  ENTRA_THROTTLED: "the login service asks to wait",
  ENTRA_UNAVAILABLE: "the login service has trouble",
};

function fixesFor(code: FailureCode, subject: Subject): readonly Fix[] {
  switch (code) {
    case "ENTRA_CREDENTIAL_INVALID":
    case "ENTRA_CREDENTIAL_EXPIRED":
      return subject.credential === "secret" ? [newSecretFix(subject)] : [];
    case "ENTRA_CLOCK_WRONG":
      return [clockFix];
    case "ENTRA_CONSENT_MISSING":
      return consentFix(subject);
    case "ENTRA_APP_UNKNOWN":
    case "ENTRA_PRINCIPAL_MISSING":
      return principalFix(subject);
    default:
      return [];
  }
}

function credentialName({ credential }: Subject): string {
  return credential === "managedIdentity" ? "managed identity" : credential === "federated" ? "federated credential" : credential;
}

function clean(text: string): string {
  return stripControls(text).slice(0, 300).trimEnd();
}
