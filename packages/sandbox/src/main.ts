#!/usr/bin/env node
import { parseArgs } from "node:util";
import { CorpusError, SandboxOptionsError, startSandbox } from "./index.ts";
import type { Sandbox, SandboxOptions, SandboxTenantOptions } from "./index.ts";
import { type FaultOrder, readOrderText } from "./faults/index.ts";
import { answerParent } from "./parent-messages.ts";

const help = `Microsoft 365 in a box: a token endpoint and an Exchange-like IMAP and POP3 server on this machine.

  npx mailfleet sandbox
  npx mailfleet sandbox --data-dir ./.sandbox --corpus ./mail
  npx mailfleet sandbox --data-dir ./.sandbox --tenant big:10000 --messages 50 --no-faults
  npx mailfleet sandbox --fault token-5xx,tenant=contoso,after=30s,for=5m

  --data-dir DIR        authority, secrets, delivered mail, mailfleet.yaml (default ./.mailfleet/sandbox-alone,
                        which mailfleet up does not use)
  --seed SEED           same seed, same mail (default 1)
  --tenant ALIAS:BOXES[:MESSAGES]   a tenant, may be given several times (default: three tenants, 60 mailboxes)
  --messages N          messages per mailbox on average
  --mean-bytes N        average length of a message of the tenants given by --tenant (default 12 kB)
  --inbox-only          all mail of these tenants, or of the corpus, in INBOX
  --corpus PATH         serve the .eml and .mbox files below PATH instead of invented mail
  --trickle SECONDS     new mail every so often, 0 for none (default 2.5, with --corpus or --tenant 0)
  --fault NAME[,KEY=VALUE...]       something that goes wrong, may be given several times. Keys: tenant, mailbox, folder, uid, protocol,
                        after, for, times, chance, and the fault's own parameters. npx mailfleet sandbox fault list shows all
  --faults FILE         the same as a list in YAML or JSON (through npx mailfleet)
  --no-faults           without the two planted troubles of the default tenants
  --token-lifetime SECONDS          of the access tokens (default 3599)
  --host ADDRESS        default 127.0.0.1
  --token-port PORT, --imap-port PORT, --pop3-port PORT   0 (default) for any free port
  --insecure-listen-anywhere        lets --host be something else than loopback
  --name HOST           host name that clients are told (default localhost), such as that of its container

When it is ready it prints one line of JSON and stays up until it is told to stop (Ctrl-C, SIGTERM).
Exit codes: 0 stopped, 1 failed, 2 wrong options, unreadable corpus or port in use.
`;

await main();

async function main(): Promise<void> {
  let sandbox: Sandbox;
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === undefined) {
      process.stdout.write(help);
      return;
    }
    sandbox = await startSandbox(options);
  } catch (error) {
    process.exitCode = isUsage(error) ? 2 : 1;
    process.stderr.write(`sandbox: ${error instanceof Error ? error.message : String(error)}\n`);
    if (isParseError(error)) process.stderr.write("npx mailfleet sandbox --help shows what there is\n");
    // An open channel to a parent would keep the process.
    if (process.connected) process.disconnect();
    return;
  }
  const ready = {
    ready: true,
    pid: process.pid,
    authority: sandbox.authority,
    imap: sandbox.imap,
    pop3: sandbox.pop3,
    caFile: sandbox.caFile,
    configFile: sandbox.configFile,
    controlFile: sandbox.controlFile,
    managedIdentityUrl: sandbox.managedIdentityUrl,
    seed: sandbox.seed,
    tenants: sandbox.tenants.map(({ alias, tenantId, clientId, mailboxes, messages }) => ({
      alias,
      tenantId,
      clientId,
      mailboxes,
      messages,
    })),
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);

  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    sandbox.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("disconnect", stop);
  process.on("message", (message) => answerParent(sandbox, message, (reply) => process.send?.(reply)));
}

function isUsage(error: unknown): boolean {
  return error instanceof SandboxOptionsError || error instanceof CorpusError || isParseError(error);
}

function isParseError(error: unknown): boolean {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

/** Undefined where help is wanted. */
function readOptions(args: string[]): SandboxOptions | undefined {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      help: { type: "boolean", short: "h" },
      "data-dir": { type: "string", default: "./.mailfleet/sandbox-alone" },
      seed: { type: "string" },
      tenant: { type: "string", multiple: true },
      messages: { type: "string" },
      "mean-bytes": { type: "string" },
      "inbox-only": { type: "boolean", default: false },
      corpus: { type: "string" },
      trickle: { type: "string" },
      fault: { type: "string", multiple: true },
      faults: { type: "boolean" },
      "token-lifetime": { type: "string" },
      host: { type: "string" },
      name: { type: "string" },
      "token-port": { type: "string" },
      "imap-port": { type: "string" },
      "pop3-port": { type: "string" },
      "insecure-listen-anywhere": { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const isDefaultWorld = values.tenant === undefined && values.corpus === undefined;
  if (values.tenant === undefined && values["mean-bytes"] !== undefined)
    throw new SandboxOptionsError("--mean-bytes says how the tenants of --tenant are: name one");
  if (isDefaultWorld && values["inbox-only"])
    throw new SandboxOptionsError("--inbox-only says how the tenants of --tenant or the corpus are: name one");
  const shape = {
    inboxOnly: values["inbox-only"],
    ...(values["mean-bytes"] !== undefined && { meanBytes: number("--mean-bytes", values["mean-bytes"]) }),
  };
  return {
    dataDir: values["data-dir"],
    insecureListenAnywhere: values["insecure-listen-anywhere"],
    trickle: values.trickle === undefined ? (isDefaultWorld ? 2.5 : 0) : number("--trickle", values.trickle),
    ...(values.seed !== undefined && { seed: values.seed }),
    ...(values.tenant !== undefined && { tenants: values.tenant.map((text) => ({ ...readTenant(text), ...shape })) }),
    ...(values.messages !== undefined && { messages: number("--messages", values.messages) }),
    ...(values.corpus !== undefined && { corpus: values.corpus, corpusInboxOnly: values["inbox-only"] }),
    ...(values.faults !== undefined && { faults: values.faults }),
    ...(values.fault !== undefined && { faultOrders: readFaults(values.fault) }),
    ...(values["token-lifetime"] !== undefined && { tokenLifetimeSeconds: number("--token-lifetime", values["token-lifetime"]) }),
    ...(values.host !== undefined && { host: values.host }),
    ...(values.name !== undefined && { name: values.name }),
    ...(values["token-port"] !== undefined && { tokenPort: number("--token-port", values["token-port"]) }),
    ...(values["imap-port"] !== undefined && { imapPort: number("--imap-port", values["imap-port"]) }),
    ...(values["pop3-port"] !== undefined && { pop3Port: number("--pop3-port", values["pop3-port"]) }),
  };
}

/** All that is wrong with all of them. */
function readFaults(texts: readonly string[]): readonly FaultOrder[] {
  const orders: FaultOrder[] = [];
  const problems: string[] = [];
  for (const text of texts) {
    const read = readOrderText(text);
    if ("order" in read) orders.push(read.order);
    else problems.push(...read.problems.map((problem) => `--fault ${text}: ${problem}`));
  }
  if (problems.length > 0) throw new SandboxOptionsError(problems.join("\n"));
  return orders;
}

function readTenant(text: string): SandboxTenantOptions {
  const [alias = "", mailboxes = "", messages, ...more] = text.split(":");
  if (more.length > 0 || mailboxes === "")
    throw new SandboxOptionsError(`a tenant is written ALIAS:BOXES or ALIAS:BOXES:MESSAGES, not ${text}`);
  return { alias, mailboxes: number("--tenant", mailboxes), ...(messages !== undefined && { messages: number("--tenant", messages) }) };
}

function number(name: string, text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new SandboxOptionsError(`${name} wants a number, not ${JSON.stringify(text)}`);
  return value;
}
