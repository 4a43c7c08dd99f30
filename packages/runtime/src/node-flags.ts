/**
 * What Node is started with for a worker, in an image too. Its messages live for milliseconds: a small young generation costs no measurable CPU and
 * keeps about 100 MB of resident memory free.
 */
export const imageNodeFlags: readonly string[] = ["--max-semi-space-size=4"];

/**
 * And what it has beside that: an image gives its flags to producers and consoles too, which may need a larger heap. Below a limit of 2 GB, V8
 * collects a heap that has grown to twice of what lives; without one to four times, which is 60 MB more and spares 1 % of a backfill. A
 * worker's heap has 45 MB, its messages lie outside of it. The flag leaves compiled code usable, and `--heap-growing-percent` does not: each
 * start would compile Node's own anew.
 */
export const workerNodeFlags: readonly string[] = [...imageNodeFlags, "--max-old-space-size=2000"];

/** What Node is started with for a producer, which makes little: a young generation of 2 MB keeps 15 of its 120 MB free, at no CPU that could be measured. */
export const producerNodeFlags: readonly string[] = ["--max-semi-space-size=2"];

/**
 * What a worker's environment must have from its start, because libuv and glibc read it once.
 *
 * Name look-ups and fsync share libuv's threads, four by default: a few packs of large messages on a slow disk would hold everybody's
 * (F23). glibc keeps what was freed, in as many arenas as there are threads: what is as large as a large message is given back to the system
 * instead, at the cost of a page fault for each 4 kB. The parser's tasks, half a megabyte each, and commits are below that, and as much as a
 * few of them is kept at the end of the heap (both in bytes): giving them back and taking them again was 4 % of a backfill's time.
 */
export const workerEnvironment: Readonly<Record<string, string>> = {
  UV_THREADPOOL_SIZE: "16",
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "1048576",
  MALLOC_TRIM_THRESHOLD_: "16777216",
};

/**
 * What Node is started with for a console. It waits nearly all of its time, and what it makes lives for a page: a small young generation,
 * one helping thread for the collector, and a heap that grows by little take 20 to 35 MB off its memory (10,000 mailboxes, at rest and after
 * 200 requests), at about 1 ms of CPU a page.
 */
export const consoleNodeFlags: readonly string[] = ["--max-semi-space-size=4", "--v8-pool-size=1", "--optimize-for-size"];

/** Few files and few names are looked up, never many at once; glibc keeps what was freed in each thread's arena. */
export const consoleEnvironment: Readonly<Record<string, string>> = { UV_THREADPOOL_SIZE: "2", MALLOC_ARENA_MAX: "2" };
