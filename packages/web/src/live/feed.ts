import type { StreamEvent } from "@mailfleet/core/console";

/** Who wants the news of the server, from whichever tab of this browser has the one stream. */
export interface FeedListener {
  readonly onEvent: (event: StreamEvent) => void;
  /** Asked for every few seconds where tabs cannot share a stream: load the page's data anew. */
  readonly onPoll: () => void;
}

const streamPath = "/api/stream";
const eventNames = ["hello", "beat", "patch", "run", "bye"] as const;
const pollMs = 5_000;
/** A browser gives up on a stream that was refused; then it is tried again in this. */
const reopenMs = 2_000;

/**
 * One stream for all tabs: a browser opens six connections to a host over HTTP/1.1, and a stream in each tab would use them up. The tab
 * that holds the lock reads it and tells the others; when it goes, the next in line gets the lock.
 */
export function openFeed(listener: FeedListener, signal: AbortSignal): void {
  const { locks } = navigator as { readonly locks?: LockManager };
  // Locks are missing where the page is neither local nor encrypted.
  if (locks === undefined || typeof BroadcastChannel === "undefined") {
    poll(listener, signal);
    return;
  }
  const channel = new BroadcastChannel("mailfleet-stream");
  channel.addEventListener("message", ({ data }: MessageEvent<StreamEvent>) => listener.onEvent(data));
  signal.addEventListener("abort", () => channel.close());
  const lead = (): Promise<void> =>
    new Promise((resolve) => {
      const close = readStream((event) => {
        listener.onEvent(event);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is of one origin, and takes no other argument
        channel.postMessage(event);
      });
      const end = (): void => {
        close();
        resolve();
      };
      if (signal.aborted) end();
      else signal.addEventListener("abort", end);
    });
  locks.request("mailfleet-stream", { signal }, lead).catch(() => {
    // Left while it stood in line.
  });
}

function readStream(onEvent: (event: StreamEvent) => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const again = (ms: number): void => {
    source?.close();
    clearTimeout(timer);
    timer = setTimeout(open, ms);
  };
  const open = (): void => {
    source = new EventSource(streamPath);
    for (const name of eventNames) {
      source.addEventListener(name, ({ data }: MessageEvent<string>) => {
        const event = { event: name, data: JSON.parse(data) as unknown } as StreamEvent;
        onEvent(event);
        if (event.event === "bye") again(event.data.retryMs);
      });
    }
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) again(reopenMs);
    });
  };
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

function poll({ onPoll }: FeedListener, signal: AbortSignal): void {
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") onPoll();
  }, pollMs);
  signal.addEventListener("abort", () => clearInterval(timer));
}
