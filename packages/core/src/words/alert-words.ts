import type { FailureCode } from "../failure-code.ts";
import { taxonomy } from "../taxonomy.ts";
import { causeCatalogue, type Telling } from "./cause-catalogue.ts";

/** The words of a cause as a template of Prometheus: `{{ $labels.tenant }}` and `{{ $value }}` mailboxes are filled in by it. */
export interface AlertWords {
  readonly summary: string;
  readonly description: string;
}

/** The same wording as terminal and console, for whom mailfleet does not speak itself. */
export function alertWords(code: FailureCode): AlertWords {
  const tenant = "{{ $labels.tenant }}";
  const mailboxes = `{{ $value }} mailboxes of ${tenant}`;
  const isTenant = taxonomy[code].scope === "tenant";
  const telling: Telling = {
    who: isTenant ? tenant : mailboxes,
    mailboxes,
    tenant,
    are: "are",
    s: "",
    es: "",
    since: "a while ago",
    until: "the time that mailfleet status shows",
    again: "",
    tries: 2,
    isParked: true,
    quote: "",
  };
  const { line, happened, youCan } = causeCatalogue[code](telling);
  const whom = isTenant ? ` {{ $value }} mailboxes stand still.` : "";
  const command = isTenant ? `npx mailfleet doctor --tenant ${tenant}` : `npx mailfleet status`;
  return {
    summary: line,
    description: `${happened}${whom} mailfleet looks again by itself at least every hour. Nothing is lost; mail waits on the server. ${youCan ?? "Look at mailfleet status."} Command: ${command}`,
  };
}
