import {
  byMailbox,
  countUids,
  formatCount,
  formatCounted,
  type MailAddress,
  type MailEvent,
  restoredWords,
  stripControls,
} from "@mailfleet/core";
import type { RevealedLetter } from "@mailfleet/core/console";
import { Refusal } from "../http/refusal.ts";
import type { ListedLetter } from "../letters/letter-desk.ts";
import type { ActionPorts } from "./action-ports.ts";

export interface LettersDone {
  readonly done: number;
  readonly failed: number;
  readonly words: string;
}

/** Of one script, as in the terminal. */
const pageSize = 500;
/** A revealed message is hidden again after this. */
const shownMs = 5 * 60_000;
const longestText = 20_000;

/** Fresh attempts for letters that are as they were listed; what was set aside is read anew. */
export async function replayLetters(
  ports: ActionPorts,
  letters: readonly ListedLetter[],
  onDone: (done: number) => void,
): Promise<LettersDone> {
  const sum = { done: 0, gone: 0, moved: 0, failed: 0, read: 0, setAside: 0 };
  for (let i = 0; i < letters.length; i += pageSize) {
    const page = letters.slice(i, i + pageSize);
    const outcome = await ports.jobs.retry(page.filter(({ kind }) => kind === "job"));
    sum.done += outcome.done;
    sum.gone += outcome.gone;
    sum.moved += outcome.moved;
    for (const { mailbox, folder, generation, uids } of byMailbox(page.filter(({ kind }) => kind === "message").map(({ id }) => id))) {
      const counts = await ports.replay(mailbox, { folder, generation, uids, withRemoved: true });
      sum.read += counts.chosen - counts.failed;
      sum.failed += counts.failed;
      sum.setAside += counts.quarantined;
      // Listed and not there any more: each letter of the dialog ends in one of the sums.
      sum.gone += countUids(uids) - counts.chosen;
    }
    onDone(i + page.length);
  }
  const parts = [
    sum.done > 0 ? `${formatCount(sum.done)} tried again` : "",
    sum.read > 0 ? `${formatCount(sum.read)} read anew${againWords(sum.setAside)}` : "",
    sum.gone > 0 ? `${formatCount(sum.gone)} were gone` : "",
    sum.moved > 0 ? `${formatCount(sum.moved)} had moved on and were left alone` : "",
    sum.failed > 0 ? `${formatCount(sum.failed)} could not be read` : "",
  ];
  return {
    done: sum.done + sum.read + sum.gone + sum.moved,
    failed: sum.failed,
    words: parts.filter(Boolean).join(", ") || "nothing to do",
  };
}

/** Of what was set aside before. */
function againWords(setAside: number): string {
  return setAside === 0 ? "" : `, of which ${formatCounted(setAside, "is", "are")} set aside again`;
}

/** Takes letters out of the queue; which were taken is kept for a week. Messages that were set aside are no jobs, and stay. */
export async function discardLetters(
  ports: ActionPorts,
  letters: readonly ListedLetter[],
  about: { readonly who: string; readonly cause: string },
  onDone: (done: number) => void,
): Promise<LettersDone & { readonly discarded: string | undefined }> {
  const jobs = letters.filter(({ kind }) => kind === "job");
  const sum = { done: 0, gone: 0, moved: 0 };
  const discarded = jobs.length === 0 ? undefined : await ports.discards.begin({ ...about, at: ports.live.now() });
  if (discarded !== undefined) {
    for (let i = 0; i < jobs.length; i += pageSize) {
      const outcome = await ports.jobs.discard(jobs.slice(i, i + pageSize), discarded);
      sum.done += outcome.done;
      sum.gone += outcome.gone;
      sum.moved += outcome.moved;
      onDone(Math.min(jobs.length, i + pageSize));
    }
  }
  // Nothing was as it was listed: there is nothing to put back.
  if (discarded !== undefined && sum.done === 0) await ports.discards.take(discarded);
  const setAside = letters.length - jobs.length;
  const parts = [
    `${formatCount(sum.done)} discarded`,
    sum.gone > 0 ? `${formatCount(sum.gone)} were gone` : "",
    sum.moved > 0 ? `${formatCount(sum.moved)} had moved on and were left alone` : "",
    setAside > 0 ? `${formatCount(setAside)} that were set aside stay` : "",
  ];
  return { done: letters.length, failed: 0, words: parts.filter(Boolean).join(", "), discarded };
}

/** Puts discarded messages on the queue again, read anew from their stored bytes. Other events than messages cannot be made again. */
export async function restoreLetters(ports: ActionPorts, discarded: string, onDone: (done: number) => void): Promise<LettersDone> {
  const ids = await ports.discards.take(discarded);
  if (ids === undefined) throw new Refusal("NOT_FOUND", "These letters are not kept any more, or were restored before.");
  const sum = { read: 0, failed: 0 };
  let done = 0;
  for (const { mailbox, folder, generation, uids } of byMailbox(ids)) {
    const counts = await ports.replay(mailbox, { folder, generation, uids, withRemoved: true });
    sum.read += counts.chosen;
    sum.failed += counts.failed;
    onDone((done += counts.chosen));
  }
  const others = ids.length - sum.read - sum.failed;
  return {
    done: sum.read,
    failed: sum.failed + others,
    words: restoredWords({ putBack: sum.read, failed: sum.failed, others }),
  };
}

/** One message's words, because somebody asked for them: text only, nothing that is loaded from elsewhere. @throws Refusal NOT_FOUND */
export async function revealLetter(
  ports: ActionPorts,
  id: string,
): Promise<{ readonly letter: RevealedLetter; readonly event: MailEvent }> {
  const found = await ports.jobs.read(id);
  if (found?.event === undefined)
    throw new Refusal("NOT_FOUND", "This is no dead letter any more: it was consumed, discarded, or waits again.");
  const { event } = found;
  if (event.type !== "message.added") throw new Refusal("NOT_FOUND", "This event holds no message: there is nothing to reveal.");
  const { message } = event;
  const whole =
    message.text ?? (message.textRef === undefined ? "" : Buffer.from(await ports.blobs.read(message.textRef)).toString("utf8"));
  return {
    event,
    letter: {
      id,
      from: message.from.map(addressWords).join(", ") || "no sender",
      subject: stripControls(message.subject ?? ""),
      text: whole.slice(0, longestText).split(/\r?\n/).map(stripControls).join("\n"),
      isCut: whole.length > longestText,
      hideAt: ports.live.now() + shownMs,
    },
  };
}

function addressWords({ name, address }: MailAddress): string {
  return stripControls(name === "" ? address : `${name} <${address}>`);
}
