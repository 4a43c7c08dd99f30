import type { ActionVerb } from "./actions.ts";

/** What is kept of one thing that somebody did. Never content: no subject, sender, body, folder or file name. */
export interface ActivityEntry {
  /** Rises with time. */
  readonly id: string;
  /** Epoch ms by Redis' clock. */
  readonly at: number;
  readonly who: string;
  readonly by: "people" | "mailfleet";
  readonly verb: ActivityVerb;
  readonly tenant?: string;
  /** Address, where it was one mailbox. */
  readonly mailbox?: string;
  /** Id of a cause or of letters, where it was that. */
  readonly cause?: string;
  /** How many it was for. */
  readonly count: number;
  readonly outcome: "asked" | "done" | "partly" | "failed" | "undone" | "refused";
  /** Half a sentence: `1,204 done, 3 failed again`. */
  readonly words: string;
  /** As the person gave it. */
  readonly reason?: string;
  /** The command that does the same. */
  readonly command?: string;
}

export type ActivityVerb = ActionVerb | "purge" | "sign in" | "stopped" | "went on" | "break" | "mend";
