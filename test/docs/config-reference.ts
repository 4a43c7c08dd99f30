import { type ConfigKey, configKeys } from "@mailfleet/config";
import { code, markdownTable, slug } from "./markdown.ts";

/** `docs/configuration.md`, whole, from the schema that the program checks a file with. */
export function configReference(): string {
  // What a nextCredential holds is what a credential holds.
  const keys = configKeys().filter(({ path }) => !path.includes(".nextCredential."));
  const blocks = keys.filter(({ isBlock, path }) => isBlock && !path.endsWith(".nextCredential"));
  return [head, section("At the top", "", keys), ...blocks.map((block) => section(code(block.path), block.meaning, keys, block))].join(
    "\n",
  );
}

const head = `# Configuration

Every key of \`mailfleet.yaml\`. This page is made from the schema that the file is checked with; a test keeps both equal. A key that is not known, a value that does
not fit and a file that is not there are all told at once, with line and expectation, and nothing is started. \`npx mailfleet doctor\` checks a file without starting anything.

For editors there is a [JSON Schema](../packages/config/schema/mailfleet.config.schema.json): put \`# yaml-language-server: $schema=PATH\` on top of the file.

## A whole file

\`\`\`yaml
redis: { url: redis://127.0.0.1:6379, passwordFile: ./redis-password } # leave redis out, and a private redis-server is started
dataDir: ./.mailfleet
tenants:
  contoso: # a name of yours, which stands in keys, events and commands
    tenantId: 11111111-1111-4111-8111-111111111111
    clientId: 22222222-2222-4222-8222-222222222222
    credential: { certificate: { keyFile: ./mailfleet.key.pem, certFile: ./mailfleet.cert.pem }, expires: 2027-11-27 }
    mailboxes: [support@contoso.com, { address: scanner@contoso.com, protocol: pop3 }]
  fabrikam:
    tenantId: 33333333-3333-4333-8333-333333333333
    clientId: 44444444-4444-4444-8444-444444444444
    credential: { secretFile: ./fabrikam-secret, expires: 2027-05-01 }
    nextCredential: { secretFile: ./fabrikam-next } # tested, then used before the other one dies
    mailboxesFile: fabrikam.csv
sync:
  pollSeconds: 300
  push: ["*@contoso.com"] # these are told of new mail within a second
  folders: { exclude: ["Junk Email"] }
metrics: { listen: 127.0.0.1:9464 }
console: { listen: 127.0.0.1:8025 }
\`\`\`

## Where values come from

1. The file, by \`--config FILE\`. Paths in it are relative to it.
2. The environment, which wins: \`sync.pollSeconds\` is \`MAILFLEET_SYNC_POLL_SECONDS\`, and so is every other key that stands outside of \`tenants\` and is no list. The lists of
   \`redis\` may be given too, with commas. \`REDIS_URL\` is taken where nothing else says where Redis is.
3. The default, which the tables have where there is one.

A secret is never written into the file: each key that ends in \`File\` names a file, each that ends in \`Env\` a variable. A file that others on the machine can read is warned of.
What a running process has taken is on the console's page About.
`;

function section(title: string, meaning: string, keys: readonly ConfigKey[], block?: ConfigKey): string {
  const inside = keys.filter((key) => parentOf(key.path) === (block?.path ?? ""));
  const rows = inside.map((key) => [
    code(key.path.slice(key.path.lastIndexOf(".") + 1)) + (key.isRequired ? " (needed)" : ""),
    `${key.type}${key.unit === undefined ? "" : `, in ${key.unit}`}`,
    key.default === undefined ? "" : code(key.default),
    key.example === undefined ? "" : code(key.example),
    key.isBlock ? `${key.meaning} [More](#${anchorOf(key)})` : withoutDefault(key),
  ]);
  return `## ${title}\n\n${meaning === "" ? "" : `${meaning}\n\n`}${markdownTable(["key", "type", "default", "example", "meaning"], rows)}\n`;
}

/** What stands in a column of its own. */
function withoutDefault({ meaning, default: value }: ConfigKey): string {
  return value !== undefined && meaning.endsWith(` Default ${value}.`) ? meaning.slice(0, -` Default ${value}.`.length) : meaning;
}

function parentOf(path: string): string {
  const parent = path.slice(0, Math.max(0, path.lastIndexOf(".")));
  return parent.endsWith(".ALIAS") ? parent.slice(0, -".ALIAS".length) : parent;
}

function anchorOf({ path }: ConfigKey): string {
  return slug(path.replace(/nextCredential$/, "credential"));
}
