import { limits } from "../limits.ts";
import { formatBytes, formatCounted } from "./numbers.ts";
import { formatDuration } from "./times.ts";

/** What a worker sees of the machine it runs on. */
export interface MachineFacts {
  /** Of the blob store's file system, bytes; absent where it cannot be told. */
  readonly disk?: { readonly free: number; readonly total: number };
  /** This machine's clock against Redis' clock, ms; positive where it is ahead. */
  readonly clockAheadMs: number;
}

/**
 * True when intake must stop before the disk is full (F16): less than a tenth is left, and less than a gigabyte. The second, because a
 * tenth of a large disk lasts for months.
 */
export function isDiskLow({ disk }: MachineFacts): boolean {
  return disk !== undefined && disk.free < Math.min(disk.total * limits.diskReserveShare, limits.diskReserveBytes);
}

/** Sentences about the machine for status and log; none where all is well. */
export function describeMachine(facts: MachineFacts): readonly string[] {
  const troubles: string[] = [];
  if (isDiskLow(facts) && facts.disk) {
    troubles.push(
      `The disk of the blob store is nearly full, ${formatBytes(facts.disk.free)} of ${formatBytes(facts.disk.total)} left: this worker takes no mail until there is room. Nothing is lost; mail waits on the server. Make room.`,
    );
  }
  const off = Math.abs(facts.clockAheadMs);
  if (off > limits.clockSkewMs) {
    const way = facts.clockAheadMs > 0 ? "ahead of" : "behind";
    troubles.push(
      `This machine's clock is ${formatDuration(off)} ${way} Redis' clock. Leases and due times do not mind; times in events and retries are off by as much. Set it, or start a time service.`,
    );
  }
  return troubles;
}

/** About answers of servers that have no name here (UNCLASSIFIED); undefined where there were none. */
export function describeUnknown(count: number): string | undefined {
  if (count === 0) return undefined;
  return `${formatCounted(count, "answer")} of servers since this worker started had no name for mailfleet: tried three times each, then parked. Their words are in the log under UNCLASSIFIED; report them.`;
}
