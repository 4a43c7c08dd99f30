import type { FolderNews } from "./folder-news.ts";
import type { ImapFlowInternals } from "./imapflow-internals.ts";

export interface IdleOptions {
  readonly news: FolderNews;
  readonly maxMs: number;
  readonly signal: AbortSignal;
  /** How long the server may take for its `+`, and for its answer to DONE. */
  readonly answerMs: number;
  /** imapflow's limit, to be set again behind the IDLE. */
  readonly socketTimeoutMs: number;
  /** The server did not answer in time: what there is of the connection has to end, which ends this too. */
  readonly onSilence: () => void;
}

/**
 * One IDLE from its command to its tagged answer (RFC 2177): ended by DONE at the first news, after `maxMs`, or at the signal. imapflow's own
 * hides refusals, and takes a connection for dead after its socket timeout.
 *
 * @returns false when the server ended the IDLE before it was told to
 */
export async function runIdle(imap: ImapFlowInternals, options: IdleOptions): Promise<boolean> {
  let isAccepted = false;
  let isEndWanted = false;
  let isDone = false;
  let timer: NodeJS.Timeout | undefined;
  const arm = (ms: number, then: () => void): void => {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  };
  const finish = (): void => {
    isEndWanted = true;
    // Before its `+` the server would take DONE for a command.
    if (!isAccepted || isDone) return;
    isDone = true;
    arm(options.answerMs, options.onSilence);
    try {
      imap.write("DONE");
    } catch {
      // The connection has ended; the command's rejection says why.
    }
  };
  const accept = (): void => {
    if (isAccepted) return;
    isAccepted = true;
    if (isEndWanted) finish();
    else arm(options.maxMs, finish);
  };
  const unlisten = options.news.listen(finish);
  options.signal.addEventListener("abort", finish, { once: true });
  // The peer's death shows by TCP's keep-alive, which imapflow switches on, or at DONE.
  imap.socket?.setTimeout(0);
  arm(options.answerMs, options.onSilence);
  try {
    const answer = await imap.exec("IDLE", [], { untagged: { FETCH: () => options.news.tellChange() }, onPlusTag: accept });
    answer.next();
    return isDone;
  } finally {
    clearTimeout(timer);
    unlisten();
    options.signal.removeEventListener("abort", finish);
    imap.socket?.setTimeout(options.socketTimeoutMs);
  }
}
