import { hasControls } from "./quote.ts";

export interface OnboardMailbox {
  readonly address: string;
  readonly isImap: boolean;
  readonly isPop3: boolean;
}

export type CloudName = "global" | "usgov" | "dod" | "china";

export type OnboardCredential =
  | { readonly kind: "secret"; readonly months: number; readonly file: string }
  /** `base64`: the certificate in DER, without its key; absent: the script asks for a file. */
  | { readonly kind: "certificate"; readonly base64?: string };

/** Everything that goes into the scripts. Same plan, same text: nothing of clock or chance. */
export interface OnboardingPlan {
  /** Names the tenant in mailfleet.yaml and in file names. */
  readonly alias: string;
  /** Directory id. */
  readonly tenantId: string;
  readonly cloud: CloudName;
  /** Of an app that exists. */
  readonly appId?: string;
  /** Of the app, as the portal shows it. */
  readonly name: string;
  readonly roles: readonly ("imap" | "pop3")[];
  readonly credential: OnboardCredential;
  readonly mailboxes: readonly OnboardMailbox[];
}

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Entra refuses longer names. */
const nameLength = 120;
const addressBytes = 254;
/** The portal's own limit. */
const mostMonths = 24;
const pathLength = 240;

/** What is wrong with a plan, all of it, each as a sentence without its end; none when scripts can be made of it. */
export function planProblems(plan: OnboardingPlan): readonly string[] {
  const problems: string[] = [];
  const { alias, tenantId, appId, name, credential, mailboxes, roles } = plan;
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/i.test(alias)) problems.push("the tenant's name has other characters than letters, digits and dashes");
  if (!guid.test(tenantId)) problems.push("the tenant id is no directory id, such as 11111111-1111-4111-8111-111111111111");
  if (appId !== undefined && !guid.test(appId))
    problems.push("the app id is no application id, such as 22222222-2222-4222-8222-222222222222");
  if (name.trim() === "" || name.length > nameLength || hasControls(name))
    problems.push(`the app's name is empty, longer than ${nameLength} characters, or has control characters`);
  if (roles.length === 0) problems.push("no protocol is chosen");
  problems.push(...credentialProblems(credential));
  for (const { address } of mailboxes) {
    const problem = addressProblem(address);
    if (problem !== undefined) problems.push(`${JSON.stringify(address.slice(0, 80))} is no mailbox address: ${problem}`);
  }
  return problems;
}

function credentialProblems(credential: OnboardCredential): readonly string[] {
  if (credential.kind === "certificate") {
    const { base64 = "AA==" } = credential;
    return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? [] : ["the certificate is not in Base64"];
  }
  const { months, file } = credential;
  return [
    ...(Number.isInteger(months) && months >= 1 && months <= mostMonths ? [] : [`a secret lives for 1 to ${mostMonths} months`]),
    ...(file !== "" && file.length <= pathLength && !hasControls(file) ? [] : ["the secret's file has no name that can be written"]),
  ];
}

function addressProblem(address: string): string | undefined {
  if (hasControls(address)) return "a control character";
  if (/\s/.test(address)) return "a space";
  if (!/^[^@]+@[^@]+$/.test(address)) return "not exactly one @ between two parts";
  if (/["(),:;<>[\]\\*]/.test(address)) return "a character that no mailbox address has";
  return new TextEncoder().encode(address).length > addressBytes ? `longer than ${addressBytes} bytes` : undefined;
}
