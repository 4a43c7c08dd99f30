import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseMailboxCsv, type TenantConfig } from "@mailfleet/config";
import { formatCounted, shellWord, stripControls } from "@mailfleet/core";
import {
  type CloudName,
  type OnboardCredential,
  type OnboardingPlan,
  type OnboardMailbox,
  onboardScript,
  planProblems,
  rotateScript,
  scriptProblems,
  undoScript,
} from "@mailfleet/onboarding";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import { requireTenant } from "../find-mailbox.ts";
import { locateConfig } from "../wire.ts";

const examples = `Examples:
  npx mailfleet onboard --tenant contoso --tenant-id 11111111-1111-4111-8111-111111111111 --csv boxes.csv --certificate mailfleet.cert.pem --out onboard.ps1
  npx mailfleet onboard --tenant contoso --csv new.csv --out onboard.ps1
  npx mailfleet onboard --tenant contoso --rotate --out rotate.ps1
`;

const clouds = ["global", "usgov", "dod", "china"] as const satisfies readonly CloudName[];
const protocols = ["imap", "pop3", "both"] as const;
type ProtocolChoice = (typeof protocols)[number];
type Kind = "onboard" | "rotate" | "undo";

interface OnboardOptions extends CommonOptions {
  readonly tenant: string;
  readonly tenantId?: string;
  readonly cloud?: CloudName;
  readonly appId?: string;
  readonly name: string;
  readonly csv?: string;
  readonly protocol?: ProtocolChoice;
  readonly credential?: OnboardCredential["kind"];
  readonly certificate?: string;
  readonly secretFile?: string;
  readonly months: number;
  readonly out?: string;
  readonly rotate?: true;
  readonly undo?: true;
}

export function addOnboardVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("onboard"))
    .description("write the PowerShell script that lets mailfleet into a tenant of Microsoft 365")
    .requiredOption("--tenant <alias>", "its name in the configuration, or the one that it will have there")
    .option("--tenant-id <guid>", "the directory id, for a tenant that is not in the configuration yet")
    .addOption(new Option("--cloud <cloud>", "its cloud (default: the configuration's, else global)").choices(clouds))
    .option("--app-id <guid>", "take this app, whatever it is called (default: the configuration's, else by name)")
    .option("--name <name>", "the app's name in the portal; one that has exactly this name is taken", "mailfleet")
    .option("--csv <file>", "the mailboxes: address, protocol (default: the configuration's)")
    .addOption(new Option("--protocol <protocol>", "which permissions, and for mailboxes that do not say").choices(protocols))
    .addOption(new Option("--credential <kind>", "how the app proves itself (default certificate)").choices(["certificate", "secret"]))
    .option("--certificate <file>", "the certificate, PEM, without its key; else the script asks for one")
    .option("--secret-file <file>", "where the script writes the secret (default ALIAS.secret)")
    .option("--months <number>", "how long a secret lives", monthsOption, 6)
    .option("--rotate", "instead: a new credential beside the old one, and later without it")
    .addOption(new Option("--undo", "instead: take back what the script did").conflicts("rotate"))
    .option("--out <file>", "write the script there (default: to stdout)")
    .addHelpText("before", examples)
    .action(bind<OnboardOptions>(onboard));
}

function monthsOption(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 24) throw new InvalidArgumentError("expected a number from 1 to 24.");
  return value;
}

const writers = { onboard: onboardScript, rotate: rotateScript, undo: undoScript } as const;

async function onboard(cli: Cli, options: OnboardOptions): Promise<number> {
  const kind: Kind = options.rotate ? "rotate" : options.undo ? "undo" : "onboard";
  const plan = planOf(cli, options, kind);
  const problems = planProblems(plan);
  if (problems.length > 0) {
    throw new CliError(2, {
      code: "ONBOARD_REFUSED",
      what: `No script can be made: ${problems.map(stripControls).join("; ")}.`,
      next: "Nothing was written.",
      problems: problems.map((text) => ({ text })),
    });
  }
  const script = writers[kind](plan);
  // Behind the quoting, which makes this impossible: a script that says something else than it should is not handed out (T57).
  const [wrong] = scriptProblems(script);
  if (wrong !== undefined) {
    throw new CliError(1, {
      code: "INVARIANT",
      what: `The script that was made is not one that mailfleet writes: ${wrong}.`,
      next: "Nothing was written.",
    });
  }
  if (options.out !== undefined) writeScript(cli, options.out, script);
  if (cli.isJson) {
    const { alias, tenantId, name, mailboxes } = plan;
    cli.json({
      schema: "mailfleet.onboard/1",
      kind,
      tenant: alias,
      tenantId,
      app: plan.appId ?? name,
      mailboxes: mailboxes.length,
      ...(options.out === undefined ? { script } : { file: options.out }),
    });
  } else if (options.out === undefined) cli.terminal.out(script);
  else cli.terminal.out(`${nextSteps(plan, kind, options.out, givenOptions(options)).join("\n")}\n`);
  return 0;
}

function planOf(cli: Cli, options: OnboardOptions, kind: Kind): OnboardingPlan {
  const tenant = options.tenantId === undefined ? configuredTenant(cli, options) : undefined;
  const cloud = options.cloud ?? tenant?.cloud ?? "global";
  if (cloud === "custom") {
    throw new CliError(2, {
      code: "ONBOARD_REFUSED",
      what: `Tenant ${options.tenant} has a login service of its own (cloud: custom): there is no Exchange Online to let mailfleet into.`,
      next: "Nothing was written.",
    });
  }
  const protocol = options.protocol ?? tenant?.protocol ?? "imap";
  const mailboxes = kind === "rotate" ? [] : mailboxesOf(cli, options, tenant, protocol);
  const isRead = {
    imap: protocol !== "pop3" || mailboxes.some((one) => one.isImap),
    pop3: protocol !== "imap" || mailboxes.some((one) => one.isPop3),
  };
  const appId = options.appId ?? tenant?.clientId;
  return {
    alias: options.tenant,
    tenantId: options.tenantId ?? tenant?.tenantId ?? "",
    cloud,
    ...(appId !== undefined && { appId }),
    name: options.name,
    roles: (["imap", "pop3"] as const).filter((one) => isRead[one]),
    credential: credentialOf(cli, options, tenant, kind),
    mailboxes,
  };
}

/** @throws CliError 2 */
function configuredTenant(cli: Cli, options: OnboardOptions): TenantConfig {
  try {
    const { config } = locateConfig(cli, options);
    requireTenant(config, options.tenant, "Nothing was written.");
    return config.tenants[options.tenant] as TenantConfig;
  } catch (error) {
    if (!(error instanceof CliError) || error.report.code === "CONFIG_INVALID") throw error;
    const { report } = error;
    throw new CliError(2, {
      ...report,
      todo: ["For a tenant that is not in the configuration yet: --tenant-id and its directory id", ...(report.todo ?? [])],
    });
  }
}

function credentialOf(cli: Cli, options: OnboardOptions, tenant: TenantConfig | undefined, kind: Kind): OnboardCredential {
  const configured = tenant?.credential.kind;
  const chosen =
    options.credential ?? (options.certificate !== undefined ? "certificate" : configured === "secret" ? "secret" : "certificate");
  if (chosen === "secret") {
    const file = options.secretFile ?? `${options.tenant}${kind === "rotate" ? ".next" : ""}.secret`;
    return { kind: "secret", months: options.months, file };
  }
  return options.certificate === undefined
    ? { kind: "certificate" }
    : { kind: "certificate", base64: readCertificate(cli, options.certificate) };
}

/** @throws CliError 2 for a file that is no certificate, or that holds a key: the key stays where it is */
function readCertificate(cli: Cli, file: string): string {
  const text = readText(cli, file);
  if (/PRIVATE KEY/.test(text)) {
    throw new CliError(2, {
      code: "CERTIFICATE",
      what: `${file} holds a private key. The script needs the certificate alone.`,
      next: "Nothing was written.",
      todo: /BEGIN CERTIFICATE/.test(text)
        ? [`openssl x509 -in ${shellWord(file)} -out mailfleet.cert.pem`, "then --certificate mailfleet.cert.pem"]
        : ["Name the certificate's file, not the key's: --certificate mailfleet.cert.pem"],
    });
  }
  try {
    return new X509Certificate(text).raw.toString("base64");
  } catch {
    throw new CliError(2, { code: "CERTIFICATE", what: `${file} is no certificate in PEM.`, next: "Nothing was written." });
  }
}

function mailboxesOf(
  cli: Cli,
  options: OnboardOptions,
  tenant: TenantConfig | undefined,
  protocol: ProtocolChoice,
): readonly OnboardMailbox[] {
  const both = protocol === "both";
  const read = (address: string, own: string): OnboardMailbox => ({
    address,
    isImap: both || own === "imap",
    isPop3: both || own === "pop3",
  });
  if (options.csv === undefined) return (tenant?.mailboxes ?? []).map((one) => read(one.address, one.protocol));
  const { rows, problems } = parseMailboxCsv(readText(cli, options.csv));
  if (problems.length > 0) {
    throw new CliError(2, {
      code: "CSV",
      what: `${options.csv} has ${formatCounted(problems.length, "row")} that cannot be used: ${problems
        .slice(0, 5)
        .map(({ line, value, text }) => `line ${line}, ${value}: ${text}`)
        .join("; ")}${problems.length > 5 ? ", and more" : ""}.`,
      next: "Nothing was written.",
      problems,
    });
  }
  return rows.map((row) => read(row.address, row.protocol ?? (both ? "imap" : protocol)));
}

function readText(cli: Cli, file: string): string {
  try {
    return readFileSync(path.resolve(cli.cwd, file), "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw new CliError(2, {
      code: "FILE",
      what: `${file} cannot be read: ${code === "ENOENT" ? "there is no such file" : code}.`,
      next: "Nothing was written.",
    });
  }
}

function writeScript(cli: Cli, file: string, script: string): void {
  try {
    writeFileSync(path.resolve(cli.cwd, file), script);
  } catch (error) {
    throw new CliError(2, { code: "FILE", what: `${file} cannot be written: ${(error as NodeJS.ErrnoException).code ?? "unknown"}.` });
  }
}

function nextSteps(plan: OnboardingPlan, kind: Kind, file: string, options: string): readonly string[] {
  const { alias, appId, name, mailboxes, credential } = plan;
  // A path from the root is one already; a bare name pwsh would look for among its own commands.
  const run = `pwsh ${shellWord(path.isAbsolute(file) || /^\.{1,2}\//.test(file) ? file : `./${file}`)}`;
  const app = appId === undefined ? `the app ${stripControls(name)}` : `app ${appId}`;
  switch (kind) {
    case "onboard":
      return [
        `${file}: lets ${app} of tenant ${alias} into ${formatCounted(mailboxes.length, "mailbox", "mailboxes")}.`,
        "FullAccess lets the app change and delete mail too; Exchange has nothing narrower. mailfleet itself only reads.",
        "As an administrator of Entra and Exchange:",
        `    ${run} -WhatIf`,
        `    ${run}`,
        credential.kind === "secret"
          ? `The secret will be in ${stripControls(credential.file)}: take it to where mailfleet runs, readable for mailfleet alone.`
          : credential.base64 === undefined
            ? "It asks for a certificate, and says how to make one: -CertificateFile mailfleet.cert.pem."
            : "The certificate is in the script; its key stays where mailfleet runs.",
        `Then: npx mailfleet doctor --tenant ${alias}${options}`,
      ];
    case "rotate":
      return [
        `${file}: adds a credential to ${app} of tenant ${alias}, and later takes the older ones away.`,
        `    ${run}`,
        credential.kind === "secret"
          ? `In mailfleet.yaml, beside credential: nextCredential: { secretFile: ${stripControls(credential.file)} }`
          : "In mailfleet.yaml, beside credential: nextCredential: { certificate: { keyFile: ..., certFile: ... } }",
        `Look whether it works: npx mailfleet doctor --tenant ${alias}${options}. Then make it the credential, restart the workers, and:`,
        `    ${run} -Finish`,
      ];
    case "undo":
      return [
        `${file}: takes back what the onboarding script did for tenant ${alias}, as its report mailfleet-${alias}-report.csv says.`,
        "It asks before. Remove or park the mailboxes first, so that mailfleet does not take it for trouble:",
        `    ${run} -WhatIf`,
        `    ${run}`,
      ];
  }
}
