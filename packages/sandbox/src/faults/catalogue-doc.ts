import { tokenErrors } from "../entra/token-errors.ts";
import { faultCatalogue } from "./catalogue.ts";
import type { FaultSpec, ParamSpec } from "./fault-spec.ts";

/** Between these two lines `docs/sandbox.md` is made from the catalogue. */
const begin = "<!-- catalogue: node packages/sandbox/scripts/write-catalogue.ts -->";
const end = "<!-- end of the catalogue -->";

/** The page with its catalogue as it should be. @throws RangeError where the page has no place for it */
export function withCatalogue(page: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new RangeError("docs/sandbox.md has lost the two lines between which the catalogue stands");
  return `${page.slice(0, from)}${begin}\n\n${catalogueDoc()}\n${page.slice(to)}`;
}

const legend =
  "`messages` can be ordered for one UID. `lasts` is a property of the place for as long as the order stands; `once` is an event of its own at " +
  "the order's time: neither takes `times` and `chance`.\n\n";

/** Lists, not tables: a parameter list does not fit a cell. */
function catalogueDoc(): string {
  const all = Object.entries(faultCatalogue) as readonly (readonly [string, FaultSpec])[];
  const section = (title: string, side: FaultSpec["side"], before = ""): string =>
    `### ${title}\n\n${before}${all
      .filter(([, spec]) => spec.side === side)
      .map(faultItem)
      .join("\n")}\n`;
  const errors = tokenErrors.map(
    ({ code, status, error, text }) => `- ${String(code)}: ${String(status)} \`${error}\`, ${firstSentence(text)}`,
  );
  return [
    section("IMAP and POP3", "mail", legend),
    section("IMAP", "imap"),
    section("POP3", "pop3"),
    section("Token endpoint", "token"),
    `### Numbers of \`token-error\`\n\nAny other number is answered with 400 \`invalid_request\`.\n\n${errors.join("\n")}\n`,
  ].join("\n");
}

function faultItem([name, { says, params, reach, occurs }]: readonly [string, FaultSpec]): string {
  const marks = [reach === "message" ? "messages" : undefined, occurs].filter((mark) => mark !== undefined);
  const lines = Object.entries(params).map(([param, spec]) => `  - \`${param}\` (${valuesOf(spec)}): ${spec.says}`);
  return [`- **${name}**${marks.length > 0 ? ` (${marks.join(", ")})` : ""}: ${says}`, ...lines].join("\n");
}

function valuesOf(param: ParamSpec): string {
  switch (param.kind) {
    case "number":
      return `${String(param.low)} to ${String(param.high)}, else ${String(param.default)}`;
    case "word":
      return `${param.words.map((word) => `\`${word}\``).join(", ")}, else \`${param.default}\``;
    case "flag":
      return `true or false, else ${String(param.default)}`;
    case "text":
      return param.default === "" ? "a text" : `a text, else \`${param.default}\``;
  }
}

/** `The provided client secret keys for app '{app}' are expired.` */
function firstSentence(text: string): string {
  return `\`${(/^.*?[.:](?= |$)/.exec(text)?.[0] ?? text).slice(0, 160)}\``;
}
