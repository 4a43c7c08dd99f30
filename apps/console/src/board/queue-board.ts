import type { openQueuesToLookAt } from "@mailfleet/queue";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

export const boardPath = "/board";

type Queues = ReturnType<typeof openQueuesToLookAt>;

/**
 * Of the board's path only. bull-board's bundles load parts of themselves by script elements, which Trusted Types forbid, and its page has
 * a base address. Scripts and styles are files here too, but for one style of its toasts, which is named by its hash; nothing is asked of
 * another host.
 */
const toastStyle = "sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU=";
const boardPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' '${toastStyle}'`,
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** bull-board over the raw queues, read-only. Neither its code nor its connections are there before somebody opens it. */
export class QueueBoard {
  readonly #openQueues: () => readonly Queues[];
  #board: Promise<{ readonly app: FastifyInstance; readonly queues: readonly Queues[] }> | undefined;

  /** @param openQueues by shard */
  constructor(openQueues: () => readonly Queues[]) {
    this.#openQueues = openQueues;
  }

  /** Takes the answer over; whoever asks has been checked. */
  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    this.#board ??= this.#open().catch((error: unknown) => {
      this.#board = undefined;
      throw error;
    });
    const { app } = await this.#board;
    reply.hijack();
    for (const [name, value] of Object.entries({ ...reply.getHeaders(), "content-security-policy": boardPolicy }))
      if (value !== undefined) reply.raw.setHeader(name, value);
    app.routing(request.raw, reply.raw);
    return reply;
  }

  async close(): Promise<void> {
    const board = await this.#board?.catch(() => undefined);
    await Promise.allSettled((board?.queues.flat() ?? []).map((queue) => queue.close()));
    await board?.app.close();
  }

  async #open(): Promise<{ readonly app: FastifyInstance; readonly queues: readonly Queues[] }> {
    const [{ createBullBoard }, { LookOnlyAdapter }, { SealedQueue }, { default: Fastify }] = await Promise.all([
      import("@bull-board/api"),
      import("./look-only-adapter.ts"),
      import("./sealed-queue.ts"),
      import("fastify"),
    ]);
    const queues = this.#openQueues();
    const serverAdapter = new LookOnlyAdapter();
    serverAdapter.setBasePath(boardPath);
    createBullBoard({
      queues: queues.flatMap((some, i) => some.map((queue) => new SealedQueue(queue, queues.length > 1 ? i + 1 : undefined))),
      serverAdapter,
      options: { uiConfig: { boardTitle: "Queues", miscLinks: [{ text: "Back to mailfleet", url: "/" }] } },
    });
    const app = Fastify({ logger: false });
    // Its fonts lie at another host, and its waiting picture is drawn inline: the policy has room for neither.
    app.addHook("onSend", async (_request, _reply, payload) =>
      typeof payload === "string" && payload.startsWith("<!DOCTYPE html>") ? withoutForeignParts(payload) : payload,
    );
    await app.register(serverAdapter.registerPlugin(), { prefix: boardPath });
    await app.ready();
    return { app, queues };
  }
}

function withoutForeignParts(page: string): string {
  return page
    .replace(/<link href="https:[^>]*>/g, "")
    .replace(/<style>[^]*?<\/style>/g, "")
    .replace(/ style="[^"]*"/g, "");
}
