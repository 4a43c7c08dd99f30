/**
 * What Node is started with for a worker. Its messages live for milliseconds: a small young generation costs no measurable CPU and
 * keeps about 100 MB of resident memory free (10,000 messages from Dovecot: 440 MB in place of 540 MB at the peak).
 */
export const workerNodeFlags: readonly string[] = ["--max-semi-space-size=8"];

/**
 * What a worker's environment must have from its start. Name look-ups and fsync share libuv's threads, four by default: a few packs of
 * large messages on a slow disk would hold everybody's (F23).
 */
export const workerEnvironment: Readonly<Record<string, string>> = { UV_THREADPOOL_SIZE: "16" };
