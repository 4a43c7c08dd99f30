import { type ConfigProblem, loadConfig, readYaml } from "@mailfleet/config";
import { type CodeBlock, codeBlocks } from "./markdown.ts";
import type { Document } from "./documents.ts";

/**
 * YAML that is (a part of) a configuration. What is something else says so: by a word behind `yaml`, or by a comment in its first line that
 * begins with the name of another file.
 */
export function configSamples(all: readonly Document[]): readonly CodeBlock[] {
  return all
    .flatMap(({ file, text }) => codeBlocks(file, text))
    .filter(({ info, text }) => info === "yaml" && !/^# (?!mailfleet\.yaml)[\w./-]+\.ya?ml\b/.test(text));
}

const id = "11111111-1111-4111-8111-111111111111";
const least = { tenantId: id, clientId: id, credential: { secretFile: "./secret" } };

export interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** Reads a sample as the program would; what a part leaves out, it is given. Files that it names are there, and hold what they should. */
export function problemsOfSample({ text }: Pick<CodeBlock, "text">, pem: Pem): readonly ConfigProblem[] {
  const source = readYaml(text);
  if (!source.isReadable || source.problems.length > 0) return source.problems;
  const given = source.value as { readonly tenants?: Readonly<Record<string, object>>; readonly console?: object } | null;
  const tenants = Object.entries(given?.tenants ?? { contoso: {} }).map(([alias, tenant]) => [alias, { ...least, ...tenant }]);
  // Who may see a console that others can reach is told elsewhere on the page.
  const shown = given?.console && { console: { auth: { passwordFile: "./password" }, ...given.console } };
  const whole = JSON.stringify({ ...given, ...shown, tenants: Object.fromEntries(tenants) as object });
  const loaded = loadConfig({
    file: "mailfleet.yaml",
    cwd: "/samples",
    env: {},
    readFile: (file) => ({ bytes: Buffer.from(contentOf(file, whole, pem)), mode: 0o600 }),
  });
  return loaded.ok ? [] : loaded.problems;
}

/** A key of 32 bytes is a good secret, too. */
function contentOf(file: string, whole: string, { cert, key }: Pem): string {
  if (file.endsWith("mailfleet.yaml")) return whole;
  if (file.endsWith(".pem")) return file.includes("key") ? key : cert;
  return file.endsWith(".csv") ? "address,protocol\nfrom-csv@contoso.com,imap\n" : "0123456789abcdef".repeat(4);
}
