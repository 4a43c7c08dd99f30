import { z } from "zod";
import { environmentLeaves } from "./environment.ts";
import { loadConfig } from "./load-config.ts";
import { childSchema, fileSchema, knownKeys, requiredKeys, unwrapped } from "./schema.ts";
import type { Path } from "./yaml-source.ts";

/** One key of `mailfleet.yaml`, as a reference tells it. */
export interface ConfigKey {
  /** `tenants.ALIAS.credential.secretFile` */
  readonly path: string;
  /** It holds keys and no value of its own. */
  readonly isBlock: boolean;
  readonly isRequired: boolean;
  /** `whole number, 10 to 86400`, `imap or pop3`, `list of texts` */
  readonly type: string;
  /** What a number counts: `seconds`, `bytes`. */
  readonly unit?: string;
  readonly example?: string;
  /** What is taken where the key is absent, as it is written in YAML. */
  readonly default?: string;
  readonly meaning: string;
  /** Gives the same from the environment. */
  readonly variable?: string;
}

/** Stands for the name of a tenant, which is the file's. */
const alias = "ALIAS";

/** Every key that a file may hold, in the order of the schema. Types, ranges and examples are the schema's; defaults are what a file without them gets. */
export function configKeys(): readonly ConfigKey[] {
  const variables = new Map(environmentLeaves(fileSchema).map((leaf) => [leaf.path.join("."), leaf.name]));
  return keysOf(fileSchema, [], { defaults: defaultConfig(), variables });
}

interface Known {
  readonly defaults: unknown;
  readonly variables: ReadonlyMap<string, string>;
}

function keysOf(schema: z.core.$ZodType, path: Path, known: Known): readonly ConfigKey[] {
  const required = requiredKeys(unwrapped(schema));
  return knownKeys(schema).flatMap((name) => {
    const child = childSchema(schema, name) as z.core.$ZodType;
    const inner = unwrapped(child);
    const key = describeKey(child, [...path, name], required.includes(name), known);
    if (inner instanceof z.ZodRecord) return [key, ...keysOf(inner.valueType, [...path, name, alias], known)];
    return inner instanceof z.ZodObject ? [key, ...keysOf(inner, [...path, name], known)] : [key];
  });
}

function describeKey(schema: z.core.$ZodType, path: Path, isRequired: boolean, { defaults, variables }: Known): ConfigKey {
  const inner = unwrapped(schema);
  const isBlock = inner instanceof z.ZodObject || inner instanceof z.ZodRecord;
  const [unit, value] = isBlock ? [] : [unitOf(inner), isRequired ? undefined : writtenDefault(valueAt(defaults, path))];
  const example = isBlock ? undefined : exampleOf(inner, String(path.at(-1)));
  const variable = variables.get(path.join("."));
  const meta = z.globalRegistry.get(schema) ?? z.globalRegistry.get(inner);
  return {
    path: path.join("."),
    isBlock,
    isRequired,
    type: typeOf(inner),
    ...(unit !== undefined && { unit }),
    ...(example !== undefined && { example }),
    ...(value !== undefined && { default: value }),
    meaning: meta?.description ?? "",
    ...(variable !== undefined && { variable }),
  };
}

function typeOf(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodObject) return "block";
  if (schema instanceof z.ZodRecord) return "block for each";
  if (schema instanceof z.ZodBoolean) return "true or false";
  if (schema instanceof z.ZodEnum) return anyOf(schema.options.map(String));
  if (schema instanceof z.ZodUnion) return schema.options.map((option) => typeOf(option)).join(", or ");
  if (schema instanceof z.ZodArray) return "list";
  if (schema instanceof z.ZodNumber) return `whole number, ${schema.minValue} to ${schema.maxValue}`;
  if (schema instanceof z.ZodString) return "text";
  throw new TypeError("a kind of value that the reference has no word for");
}

function anyOf(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** What its refusal says that it expects: `whole seconds from 10 to 86400, such as 300`. */
function expectation(schema: z.core.$ZodType): string {
  const refused = z.safeParse(schema, Symbol("nothing fits")).error?.issues[0]?.message ?? "";
  return refused.replace(/^expected /, "");
}

function unitOf(schema: z.core.$ZodType): string | undefined {
  if (!(schema instanceof z.ZodNumber)) return undefined;
  const what = /^(?:whole )?(\w+) from \d/.exec(expectation(schema))?.[1];
  return what === "many" || what === "number" || what === "port" ? undefined : what;
}

function exampleOf(schema: z.core.$ZodType, name: string): string | undefined {
  if (schema instanceof z.ZodUnion) return exampleOf(schema.options[0] as z.core.$ZodType, name);
  const told = /such as (.+)$/.exec(expectation(schema))?.[1]?.replace(/ or .*$/, "");
  if (told !== undefined) return schema instanceof z.ZodArray && !told.startsWith("[") ? `[${told}]` : told;
  if (schema instanceof z.ZodEnum) return String(schema.options.at(-1));
  if (schema instanceof z.ZodBoolean) return "true";
  if (name.endsWith("File")) return `./${fileNames[name] ?? dashed(name.slice(0, -4))}`;
  if (name.endsWith("Env")) return dashed(name.slice(0, -3)).replaceAll("-", "_").toUpperCase();
  return samples[name];
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

const fileNames: Readonly<Record<string, string>> = {
  caFile: "ca.pem",
  keyFile: "mailfleet.key.pem",
  certFile: "mailfleet.cert.pem",
  mailboxesFile: "boxes.csv",
};

/** Of keys whose refusal names none. */
const samples: Readonly<Record<string, string>> = {
  tenantId: "11111111-1111-4111-8111-111111111111",
  clientId: "22222222-2222-4222-8222-222222222222",
  mailboxes: "[support@contoso.com]",
  host: "mail.corp.example",
  name: "mailfleet",
  dataDir: "/var/lib/mailfleet",
  dir: "/var/lib/mailfleet/blobs",
  accessKeyId: "mailfleet-writer",
  kmsKeyId: "alias/mailfleet",
  bucket: "mailfleet",
  endpoint: "https://s3.corp.example",
  region: "eu-central-1",
  issuer: "https://login.microsoftonline.com/11111111-1111-4111-8111-111111111111/v2.0",
  redirectUri: "https://mailfleet.corp.example/login/oidc/callback",
  scopes: "[profile, email]",
  rolesClaim: "roles",
  viewers: "[support]",
  trustedProxies: "[10.0.0.2, 10.1.0.0/16]",
  username: "mailfleet",
  include: '["*"]',
  exclude: '["Junk Email", "Archive/*"]',
  from: "[10.0.0.2]",
  operators: "[anna, bert]",
};

/** Of a tenant that says nothing but what it must. */
const leastFile = `tenants:
  ${alias.toLowerCase()}:
    tenantId: ${samples["tenantId"]}
    clientId: ${samples["clientId"]}
    credential: { secretFile: ./secret }
`;
const leastFolder = "/least";

function defaultConfig(): unknown {
  const loaded = loadConfig({
    file: "mailfleet.yaml",
    cwd: leastFolder,
    env: {},
    readFile: (file) => ({ bytes: Buffer.from(file.endsWith("secret") ? "a-secret" : leastFile), mode: 0o600 }),
  });
  if (!loaded.ok) throw new TypeError("the least file must be sound");
  return loaded.config;
}

function valueAt(config: unknown, path: Path): unknown {
  // Without a file of their own these follow from others: endpoints from the cloud, push and mailboxes from nothing.
  if (path.includes("endpoints")) return undefined;
  let value: unknown = config;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[part === alias ? alias.toLowerCase() : String(part)];
  }
  return value;
}

function writtenDefault(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string") return value.startsWith(`${leastFolder}/`) ? `.${value.slice(leastFolder.length)}` : value;
  if (Array.isArray(value)) return value.length === 0 ? undefined : JSON.stringify(value);
  if (typeof value === "object" && value !== null && "host" in value && "port" in value)
    return `${String(value.host)}:${String(value.port)}`;
  return undefined;
}
