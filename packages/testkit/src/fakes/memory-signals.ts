import { type Clock, type FleetSignals, mailboxId, syncError } from "@mailfleet/core";

/** Signals of one process, told to itself. */
export interface MemorySignals extends FleetSignals {
  /** What was announced, in order. */
  readonly announced: readonly { readonly mailbox: string; readonly waitMs: number; readonly code: string }[];
}

export function createMemorySignals(clock: Pick<Clock, "monotonic">): MemorySignals {
  const watches = new Map<AbortController, string>();
  const announced: { mailbox: string; waitMs: number; code: string }[] = [];
  const until = new Map<string, number>();
  return {
    announced,
    watch(mailbox) {
      const controller = new AbortController();
      watches.set(controller, mailboxId(mailbox));
      return { signal: controller.signal, stop: () => void watches.delete(controller) };
    },
    waitMs: (mailbox) => Math.max(0, (until.get(mailboxId(mailbox)) ?? 0) - clock.monotonic()),
    announce(mailbox, waitMs, code) {
      const id = mailboxId(mailbox);
      announced.push({ mailbox: id, waitMs, code });
      until.set(id, clock.monotonic() + waitMs);
      const reason = syncError("INTERRUPTED", "quiet is asked for", { layer: "engine", hintMs: waitMs });
      for (const [controller, watched] of watches) if (watched === id) controller.abort(reason);
    },
  };
}
