import { formatCounted } from "@mailfleet/core/browser";
import type { ActivityEntry, ActivityPage, ActivityVerb } from "@mailfleet/core/console";

const past: Readonly<Record<ActivityVerb, string>> = {
  try: "tried",
  park: "parked",
  resume: "resumed",
  replay: "replayed",
  discard: "discarded",
  restore: "restored",
  prove: "proved",
  doctor: "asked the doctor about",
  reveal: "revealed one message of",
  purge: "purged",
  "sign in": "signed in",
  stopped: "stopped",
  "went on": "let go on",
  break: "broke something in the sandbox",
  mend: "took faults of the sandbox back",
};

const ofLetters: ReadonlySet<ActivityVerb> = new Set(["replay", "discard", "restore"]);

/** What somebody did to whom: `replayed 1,207 dead letters of c7f2`, `parked fabrikam`. */
export function activityWhat({ verb, tenant, mailbox, cause, count }: ActivityEntry): string {
  if (verb === "sign in" || verb === "break" || verb === "mend") return past[verb];
  if (ofLetters.has(verb)) return `${past[verb]} ${formatCounted(count, "dead letter")}${cause === undefined ? "" : ` of ${cause}`}`;
  if (mailbox !== undefined) return `${past[verb]} ${mailbox}`;
  // Which mailbox was purged is what the purge takes away.
  if (tenant !== undefined && count <= 1 && verb !== "purge") return `${past[verb]} ${tenant}`;
  const whose = tenant === undefined ? (cause === undefined ? "" : ` of cause ${cause}`) : ` of ${tenant}`;
  return `${past[verb]} ${formatCounted(count, "mailbox", "mailboxes")}${whose}`;
}

/** With what became of it. */
export function activityWords(entry: ActivityEntry): string {
  const what = activityWhat(entry);
  const outcome = outcomeWords(entry);
  return outcome === "" ? what : `${what}: ${outcome}`;
}

export function outcomeWords({ outcome, words }: ActivityEntry): string {
  switch (outcome) {
    case "done":
      return words;
    case "asked":
      return words === "" ? "asked for" : words;
    case "partly":
    case "failed":
    case "refused":
    case "undone":
      return words === "" ? outcome : words.toLowerCase().includes(outcome) ? words : `${outcome}, ${words}`;
  }
}

/** The list with another choice; usual choices are left out of its address. */
export function activityLink({ who, tenant, what, before }: Pick<ActivityPage, "who" | "tenant" | "what" | "before">): string {
  const all: readonly (readonly [name: string, value: string])[] = [
    ["who", who === "both" ? "" : who],
    ["tenant", tenant ?? ""],
    ["what", what ?? ""],
    ["before", before ?? ""],
  ];
  const params = new URLSearchParams(all.filter(([, value]) => value !== "").map(([name, value]): [string, string] => [name, value]));
  return params.size === 0 ? "/activity" : `/activity?${params}`;
}
