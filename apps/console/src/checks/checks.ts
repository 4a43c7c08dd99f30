import path from "node:path";
import type { Config, ConfigWarning, Environment } from "@mailfleet/config";
import type { Clock, MailboxRef, MailboxStore, TimeStyle } from "@mailfleet/core";
import type { ActionResult, CheckExit, RunLine } from "@mailfleet/core/console";
import { DoctorLines } from "./doctor-lines.ts";
import { provenItem } from "./proof-items.ts";

/** Doctor and proof, as the verbs of the terminal run them. Both read only. */
export interface Checks {
  /** One mailbox; or a tenant through one of its mailboxes and those in trouble. @throws the reason of the signal, SyncError */
  doctor(whom: { readonly tenant: string; readonly mailbox?: MailboxRef }, hooks: CheckHooks): Promise<CheckOutcome>;
  /** Compares with the server's own lists, and writes the proofs beside those of the terminal. @throws the reason of the signal, SyncError */
  prove(mailboxes: readonly MailboxRef[], hooks: CheckHooks): Promise<CheckOutcome>;
}

export interface CheckHooks {
  readonly signal: AbortSignal;
  readonly onLines: (lines: readonly RunLine[]) => void;
}

export interface CheckOutcome {
  /** A sentence or more. */
  readonly words: string;
  readonly result: ActionResult & { readonly exit: CheckExit };
}

export interface ChecksOptions {
  readonly config: Config;
  readonly env: Environment;
  readonly warnings: readonly ConfigWarning[];
  readonly store: MailboxStore;
  readonly clock: Clock;
  /** Of the program. */
  readonly version: string;
  /** What printed commands need besides. */
  readonly options: string;
  /** Takes secrets out of whatever goes to a page. */
  readonly scrub: (text: string) => string;
}

/** The clients of mail and login are loaded with the first check: a console that runs none holds none of them. */
export function createChecks({ config, env, warnings, store, clock, version, options, scrub }: ChecksOptions): Checks {
  const style = (): TimeStyle => ({ now: clock.now(), zone: "utc" });
  return {
    async doctor({ tenant, mailbox }, { signal, onLines }) {
      const { doctorSentence, isWell, runDoctor, subjectHead } = await import("@mailfleet/checks");
      const startedMs = clock.monotonic();
      const lines = new DoctorLines();
      const run = { config, env, warnings, clock, zone: "utc" as const, node: process.versions.node, options, tenant, signal };
      const examined = await runDoctor({
        ...run,
        ...(mailbox && { mailbox }),
        onSeen: (seen) => onLines(scrubbed(lines.next(subjectHead(seen), seen, style()), scrub)),
      });
      const words = doctorSentence(examined, clock.monotonic() - startedMs);
      const code = isWell(examined) ? 0 : 1;
      const checked = examined.map(({ seen, diagnosis }) => ({ about: subjectHead(seen), diagnosis }));
      const said = code === 0 ? "nothing was found wrong" : "something was found wrong";
      return scrubbed({ words, result: { kind: "doctor", checked, exit: exitOf(code, said) } }, scrub);
    },

    async prove(mailboxes, { signal, onLines }) {
      const { isProven, openAccess, proofLines, proofSentence, Prover, unreadLine } = await import("@mailfleet/checks");
      const startedMs = clock.monotonic();
      const access = await openAccess(config, env);
      try {
        const prover = new Prover({ config, store, access, isFull: false, version, signal });
        const told = new Set<string>();
        const found = await prover.proveAll(mailboxes, {
          update(text) {
            // Many folders are compared in a moment: each line is told once.
            if (told.has(text)) return;
            told.add(text);
            onLines(scrubbed([{ kind: "busy", name: "compares", text }], scrub));
          },
        });
        const proofs = found.map((one) => {
          const lines = "failure" in one ? [unreadLine(one, options)] : proofLines(one, style(), options);
          return provenItem(
            one,
            lines.map(({ text }) => text),
            "file" in one ? path.basename(one.file) : undefined,
          );
        });
        const code = found.every(isProven) ? 0 : 1;
        const [only] = proofs;
        const words =
          only !== undefined && proofs.length === 1 ? only.words.join(" ") : proofSentence(found, clock.monotonic() - startedMs);
        const said = code === 0 ? "nothing is missing" : "something is missing, or could not be read";
        return scrubbed({ words, result: { kind: "proof", proofs, exit: exitOf(code, said) } }, scrub);
      } finally {
        await access.close();
      }
    },
  };
}

function exitOf(code: 0 | 1, said: string): CheckExit {
  return { code, words: `In a terminal this ends with exit code ${code}: ${said}.` };
}

/** Every text of it, however deep. */
function scrubbed<Value>(value: Value, scrub: (text: string) => string): Value {
  if (typeof value === "string") return scrub(value) as Value;
  if (Array.isArray(value)) return value.map((one: unknown) => scrubbed(one, scrub)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, scrubbed(inner as unknown, scrub)])) as Value;
}
