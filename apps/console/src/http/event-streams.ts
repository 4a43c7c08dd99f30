import type { FastifyReply, FastifyRequest } from "fastify";
import type { StreamEvent } from "@mailfleet/core/console";
import { Refusal } from "./refusal.ts";

/** One for each browser; T54. */
const mostStreams = 50;
/** Of one person: more browsers than somebody has, and few enough that others get one. */
const mostOfOne = 10;
const beatMs = 2_000;
/** A browser that reads nothing keeps no more than this of ours. */
const mostWaitingBytes = 1_000_000;
/** What a browser waits after `bye`: the next console is up by then. */
const retryMs = 1_500;

interface Stream {
  readonly reply: FastifyReply;
  /** Undefined where everybody is the same. */
  readonly who: string | undefined;
  /** False: the person is not signed in any more. */
  readonly isAllowed: () => boolean;
}

/** The open event streams, and what is said to all of them. */
export class EventStreams {
  readonly #streams = new Set<Stream>();
  readonly #hello: () => StreamEvent;
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  /** @param beat makes `hello` and `beat` */
  constructor(beat: (event: "hello" | "beat") => StreamEvent) {
    this.#hello = () => beat("hello");
    this.#timer = setInterval(() => this.send(beat("beat")), beatMs);
    this.#timer.unref();
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Takes the answer over. @throws Refusal TOO_MANY */
  open(request: FastifyRequest, reply: FastifyReply, { who, isAllowed }: Pick<Stream, "who" | "isAllowed">, onEnd: () => void): void {
    const own = who === undefined ? 0 : [...this.#streams].filter((one) => one.who === who).length;
    if (this.#streams.size >= mostStreams || own >= mostOfOne || this.#isClosed) {
      throw new Refusal("TOO_MANY", "Too many pages are live at once.", {
        retryMs: 5_000,
        todo: "Close some; this one goes on by itself.",
      });
    }
    reply.hijack();
    const { raw } = reply;
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" });
    const stream = { reply, who, isAllowed };
    this.#streams.add(stream);
    request.raw.on("close", () => {
      if (this.#streams.delete(stream)) onEnd();
    });
    raw.on("error", () => undefined);
    write(stream, this.#hello());
  }

  send(event: StreamEvent): void {
    for (const stream of this.#streams) write(stream, event);
  }

  /** To those whose person may see it. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const stream of this.#streams) {
      write(stream, { event: "bye", data: { retryMs } });
      stream.reply.raw.end();
    }
  }
}

function write({ reply: { raw }, isAllowed }: Stream, { event, data }: StreamEvent): void {
  // Slow ones miss patches, notice it by the revision, and load the page again.
  if (raw.destroyed || raw.writableLength > mostWaitingBytes) return;
  if (!isAllowed()) return void raw.end();
  raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
