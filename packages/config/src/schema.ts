import { limits, mostShards } from "@mailfleet/core";
import { z } from "zod";
import { blobsBlock } from "./schema-blobs.ts";
import { consoleFile } from "./schema-console.ts";
import { file, filled, map, nodes, oneOf, pattern, textList, variable, whole, yesNo } from "./schema-parts.ts";
import { tracesBlock } from "./schema-traces.ts";

/**
 * The shape of `mailfleet.yaml`. Every key is optional here: what must be there is named in `meta({ required })`, so that a
 * missing key and its neighbours' mistakes are reported together; defaults and rules across keys are in `resolve-*.ts`.
 * Each message says what was expected; the reader of the problem puts what it found before it.
 */

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A tenant's alias: stands in keys, paths and commands, so only what needs no escape anywhere. */
export const aliasPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;

export const expectedPollSeconds = "expected whole seconds from 10 to 86400, such as 300";

const expectedPush = 'expected none, all, or a list of addresses such as support@contoso.com or "*@contoso.com"';

const mailEndpoint = (protocol: string) =>
  map(
    {
      host: pattern(/^[A-Za-z0-9.:[\]-]{1,253}$/, "expected a host name or an IP address", `${protocol} host.`),
      port: whole(1, 65_535, "a port", protocol === "IMAP" ? 993 : 995, "TLS port (implicit TLS; STARTTLS is not used)."),
      tls: yesNo("false is for loopback hosts only."),
    },
    `Where ${protocol} is served.`,
    { required: ["host"] },
  );

const credentialShape = {
  secretFile: file("the client secret"),
  secretEnv: variable("the client secret"),
  certificate: map(
    {
      keyFile: file("the private key, PEM"),
      certFile: file("the certificate, PEM"),
      passphraseFile: file("the key's passphrase"),
      passphraseEnv: variable("the key's passphrase"),
    },
    "A certificate in place of a secret.",
    { required: ["keyFile", "certFile"] },
  ).optional(),
  federated: map({ tokenFile: file("the federated token") }, "A token of another identity provider.", {
    required: ["tokenFile"],
  }).optional(),
  managedIdentity: map(
    { clientId: pattern(guid, "expected a client id, 36 characters", "Client id of a user-assigned identity.") },
    "The identity of the Azure machine that mailfleet runs on.",
  ).optional(),
  expires: pattern(/^\d{4}-\d{2}-\d{2}$/, "expected a date, such as 2027-05-01", "The day it dies (UTC); you are reminded before."),
};

const credential = (description: string) => map(credentialShape, description).optional();

const tenant = map(
  {
    tenantId: pattern(
      guid,
      "expected a directory id, 36 characters (Entra admin center, App registrations, Overview)",
      "Directory (tenant) id.",
    ),
    clientId: pattern(
      guid,
      "expected an application id, 36 characters (Entra admin center, App registrations, Overview)",
      "Application (client) id.",
    ),
    credential: credential("How the app proves itself: exactly one of secretFile, secretEnv, certificate, federated, managedIdentity."),
    nextCredential: credential("The one after: tested, then used, before the current one dies."),
    cloud: oneOf(["global", "usgov", "dod", "china", "custom"], "Which Microsoft cloud; custom needs endpoints."),
    endpoints: map(
      {
        authority: filled("expected the login service's URL, such as https://localhost:8443", "Base URL of the login service."),
        scope: filled("expected a scope, such as https://outlook.office365.com/.default", "Scope to ask a token for."),
        imap: mailEndpoint("IMAP").optional(),
        pop3: mailEndpoint("POP3").optional(),
        caFile: file("certificate authorities, PEM"),
      },
      "Where the services are; only with cloud: custom.",
      { required: ["authority", "scope"] },
    ).optional(),
    protocol: oneOf(["imap", "pop3"], "For mailboxes that do not say."),
    mailboxes: z
      // Thousands of entries: checked one by one in resolve-mailboxes.ts, where duplicates are found too.
      .array(
        z.unknown().meta({
          anyOf: [
            { type: "string" },
            {
              type: "object",
              properties: { address: { type: "string" }, protocol: { enum: ["imap", "pop3"] } },
              required: ["address"],
              additionalProperties: false,
            },
          ],
        }),
        { error: "expected a list of addresses" },
      )
      .meta({ description: "Addresses, or { address, protocol }." })
      .optional(),
    mailboxesFile: file("mailboxes, CSV"),
  },
  "One Entra directory that gave consent.",
  { required: ["tenantId", "clientId", "credential"] },
);

const folderPatterns = (description: string) => textList("expected folder names", description);

export const fileSchema = map(
  {
    name: pattern(/^[A-Za-z0-9-]{1,40}$/, "expected 1 to 40 letters, digits or dashes", "The fleet's name in Redis. Default mailfleet."),
    dataDir: filled("expected a folder", "Where mailfleet keeps its own files. Default ./.mailfleet."),
    redis: map(
      {
        url: filled("expected a URL, such as redis://127.0.0.1:6379", "redis://, rediss:// (TLS) or unix:///path; without password."),
        urls: nodes("Several servers, each as url; the shards are dealt to them in turn, so their order must stay."),
        cluster: nodes("Some nodes of a Redis Cluster, as host:port, redis:// or rediss:// (TLS); they name the others."),
        sentinels: map(
          {
            nodes: nodes("The sentinels, as host:port, redis:// or rediss:// (TLS, for the servers behind them too)."),
            name: filled("expected the name of the primary, such as mymaster", "Of the primary, as the sentinels know it."),
            username: filled("expected a user name", "The sentinels' own, if they ask for one."),
            passwordFile: file("the sentinels' own password"),
            passwordEnv: variable("the sentinels' own password"),
            db: whole(0, 9_999, "a number of a database", 0, "Of the servers behind them. Default 0."),
          },
          "Redis Sentinel says which server is the primary.",
          { required: ["nodes", "name"] },
        ).optional(),
        username: filled("expected a user name", "With cluster and sentinels; a url has it in itself."),
        passwordFile: file("the password"),
        passwordEnv: variable("the password"),
        caFile: file("certificate authorities, PEM"),
      },
      "One of url, urls, cluster and sentinels. Absent: a private redis-server is started under dataDir.",
    ).optional(),
    shards: whole(
      1,
      mostShards,
      "how many",
      4,
      "Parts that the tenants are spread over, in a Redis Cluster or on several servers. Can't be changed once the fleet has started. Default 1, or one for each of redis.urls.",
    ),
    tenants: z
      .record(z.string(), tenant, { error: "expected one block for each tenant, named by an alias of yours" })
      .meta({ description: "By an alias of yours: lower-case letters, digits, - and _.", propertyNames: { pattern: aliasPattern.source } })
      .optional(),
    sync: map(
      {
        // The sandbox polls faster than a real server may be asked; 10 as the floor of every other cloud is in resolve-sync.ts.
        pollSeconds: z
          .int({ error: expectedPollSeconds })
          .min(1, { error: expectedPollSeconds })
          .max(86_400, { error: expectedPollSeconds })
          .meta({
            description:
              "How often a mailbox is looked at that gets mail now and then; a busy one up to four times as often, a quiet one up to half as often. Default 300; below 10 only if every tenant's cloud is custom.",
          })
          .optional(),
        freshWithinSeconds: whole(
          2,
          7 * 86_400,
          "whole seconds",
          600,
          "Every mailbox is to be checked within this; one that is not is behind. Default 600, at least twice pollSeconds.",
        ),
        backfill: yesNo("Also hand off what was there before. Default true."),
        folders: map(
          { include: folderPatterns("Default all."), exclude: folderPatterns("Stronger than include.") },
          "Which folders, by path; * stands for anything.",
        ).optional(),
        concurrency: whole(1, 1000, "a number", 8, "Mailboxes at once in one worker. Default 8."),
        backfillConcurrency: whole(1, 1000, "a number", 4, "Of the history, beside those. Default 4."),
        perTenantInFlight: whole(1, 10_000, "a number", 16, "Mailboxes of one tenant at once, over all workers. Default 16."),
        perHostInFlight: whole(
          1,
          100_000,
          "a number",
          limits.perHostInFlight,
          `Mailboxes at once whose tenants share a mail server, over all workers. Default ${limits.perHostInFlight}.`,
        ),
        loginsPerSecond: whole(
          1,
          limits.loginsCustom,
          "a number",
          limits.loginsDefault,
          `Logins of one tenant in a second at most, over all workers. They begin at ${limits.loginsAtFirst} and grow while none is refused. Default ${limits.loginsDefault}; ${limits.loginsCustom} where cloud is custom.`,
        ),
        push: z
          .union(
            [
              z.enum(["none", "all"]),
              z.array(z.string({ error: expectedPush }).regex(/^\s*[^\s@]+@[^\s@]+\s*$|^\*$/, { error: expectedPush }), {
                error: expectedPush,
              }),
            ],
            { error: expectedPush },
          )
          .meta({
            description:
              "Mailboxes whose server tells at once that mail came (IDLE): none, all, or addresses in which * stands for anything. Default none.",
          })
          .optional(),
        pushConnections: whole(
          1,
          10_000,
          "a number",
          limits.pushConnections,
          `IDLE connections of one worker; each takes about 140 KB. What is beyond them is polled only. Default ${limits.pushConnections}.`,
        ),
        slice: map(
          {
            messages: whole(1, 100_000, "a number", limits.sliceMessages, `Default ${limits.sliceMessages}.`),
            bytes: whole(1_000_000, 10_000_000_000, "bytes", limits.sliceBytes, `Default ${limits.sliceBytes}.`),
            seconds: whole(1, 900, "whole seconds", limits.sliceMs / 1000, `Default ${limits.sliceMs / 1000}.`),
          },
          "One turn of backfill ends at the first of these.",
        ).optional(),
        changes: map(
          {
            recentSeconds: whole(
              10,
              86_400,
              "whole seconds",
              1800,
              "How often the flags of the newest messages are compared. Default 1800.",
            ),
            wholeSeconds: whole(60, 2_592_000, "whole seconds", 86_400, "How often those of the whole folder are. Default 86400, a day."),
            recentMessages: whole(1, 50_000, "a number", 500, "How many of the newest messages. Default 500."),
          },
          "Flag changes and removals. What the server's counts show, such as a message that was deleted or read, is looked at with the next poll.",
        ).optional(),
        pop3: map(
          {
            quit: yesNo(
              "How a session that fetched mail ends: true says QUIT, after which Exchange marks what was fetched as read; false drops the connection, and mail stays unread. Default false.",
            ),
          },
          "Mailboxes that are read over POP3.",
        ).optional(),
      },
      "When and what to read.",
    ).optional(),
    downstream: map(
      {
        highWater: whole(
          100,
          10_000_000,
          "events",
          limits.queueHighWater,
          `So many may wait for consumers: history stops here, new mail a fifth above. Default ${limits.queueHighWater}.`,
        ),
        highWaterBytes: whole(
          1_000_000,
          1_000_000_000_000,
          "bytes",
          limits.queueHighWaterBytes,
          `The same by their bytes in Redis. Default ${limits.queueHighWaterBytes}.`,
        ),
        deadLetters: whole(
          1,
          10_000_000,
          "events",
          limits.queueDeadLetters,
          `So many may have failed for good before nothing more comes in. Default ${limits.queueDeadLetters}.`,
        ),
      },
      "What may wait in the queue of events before intake slows and stops, so that Redis never fills.",
    ).optional(),
    blobs: blobsBlock,
    worker: map(
      {
        lane: oneOf(
          ["both", "fresh", "backfill"],
          "What the process works on: new mail and push (fresh), history (backfill), which then leaves the processor to all others, or both, the default. Where they are apart each needs a worker.",
        ),
        parseThreads: whole(1, 64, "a number", 1, "Threads that parse mail. Default 1: one keeps up with the rest of a worker."),
        memoryMb: whole(
          512,
          65_536,
          "megabytes",
          768,
          "What the process may take. Default 768: 400 for itself, the rest for mail in flight. More parse threads need about 100 each.",
        ),
      },
      "One worker process.",
    ).optional(),
    tokenCache: map(
      {
        keyFile: file("32 bytes as base64 or hex, one key a line: the first one seals, all open"),
        keyEnv: variable("32 bytes as base64 or hex"),
      },
      "The key that seals cached tokens. Absent: one is made and kept under dataDir.",
    ).optional(),
    log: map(
      {
        mailboxes: oneOf(
          ["plain", "hashed"],
          "How logs name mailboxes and folders. hashed: mailbox-, then 12 digits of the SHA-256 of the address, for logs that are kept where a purge does not reach. Default plain.",
        ),
      },
      "What roles write to stdout.",
    ).optional(),
    metrics: map(
      {
        listen: filled(
          "expected an address and a port, such as 127.0.0.1:9464",
          "Where a role shows /metrics, /healthz and /readyz, without login. Absent: nowhere. Under mailfleet up each role takes the next port.",
        ),
      },
      "Prometheus metrics and health checks of each role.",
      { required: ["listen"] },
    ).optional(),
    traces: tracesBlock,
    console: consoleFile.optional(),
  },
  "mailfleet.yaml",
  { required: ["tenants"] },
);

export type FileConfig = z.infer<typeof fileSchema>;
export type TenantFile = NonNullable<FileConfig["tenants"]>[string];
export type CredentialFile = NonNullable<TenantFile["credential"]>;

/** What required keys lack, by walking the schema's `meta`. */
export function requiredKeys(schema: z.core.$ZodType): readonly string[] {
  const meta = z.globalRegistry.get(schema);
  return Array.isArray(meta?.["required"]) ? (meta["required"] as string[]) : [];
}

/** Without optional(), default() and the like around it. */
export function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional) inner = inner.unwrap();
  return inner;
}

/** The schema of one key or list element, or undefined where nothing is known. */
export function childSchema(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) return Object.hasOwn(inner.shape, key) ? (inner.shape[key as string] as z.core.$ZodType) : undefined;
  if (inner instanceof z.ZodRecord) return inner.valueType;
  return undefined;
}

/** The names that a map may hold; empty for records and everything else. */
export function knownKeys(schema: z.core.$ZodType): readonly string[] {
  const inner = unwrapped(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The published JSON Schema of `mailfleet.yaml` (draft 2020-12). */
export function configJsonSchema(): object {
  return { ...z.toJSONSchema(fileSchema, { io: "input" }), title: "mailfleet.yaml" };
}
