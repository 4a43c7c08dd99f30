import {
  type BlobBatch,
  type BlobStore,
  type FetchedMessage,
  type HandOff,
  isSyncError,
  type MailSession,
  type MailSource,
  type MimeParser,
  type Span,
  type StreamedMessage,
} from "@mailfleet/core";
import type { EnginePorts } from "./ports.ts";
import { syncMailbox, type SyncOutcome } from "./sync-mailbox.ts";

/** One job as ever, with a span for each of its pieces. The flow knows nothing of it: its ports are wrapped for this one job. */
export async function syncTraced(span: Span, ports: EnginePorts, ...given: TailOf<typeof syncMailbox>): Promise<SyncOutcome> {
  const traced = new TracedPorts(ports, span);
  try {
    const outcome = await syncMailbox(traced.ports(), ...given);
    const counts = outcome.kind === "busy" ? {} : { messages: outcome.counts.handedOff, bytes: outcome.counts.bytes };
    span.note({ outcome: outcome.kind, ...counts });
    traced.end();
    span.end(outcome.kind === "failed" ? outcome.failure.code : undefined);
    return outcome;
  } catch (error) {
    traced.end();
    span.end(codeOf(error));
    throw error;
  }
}

type TailOf<T extends (first: never, ...rest: never[]) => unknown> = T extends (first: never, ...rest: infer Rest) => unknown
  ? Rest
  : never;

/** Batches are stored one after the other, so the one that is open is the parent of what begins; only what is fetched may be of the next one. */
class TracedPorts {
  readonly #ports: EnginePorts;
  readonly #root: Span;
  #batch: Span | undefined;
  #parsing: { readonly span: Span; messages: number } | undefined;

  constructor(ports: EnginePorts, root: Span) {
    this.#ports = ports;
    this.#root = root;
  }

  ports(): EnginePorts {
    const { tokens, mail, blobs, mime, handOff } = this.#ports;
    return {
      ...this.#ports,
      tokens: { ...tokens, getToken: (...given) => within(this.#root.child("token"), () => tokens.getToken(...given)) },
      mail: this.#mail(mail),
      blobs: this.#blobs(blobs),
      mime: this.#mime(mime),
      handOff: this.#handOff(handOff),
    };
  }

  /** Whatever was left open by a failure. */
  end(failure?: Parameters<Span["end"]>[0]): void {
    this.#endParsing();
    this.#batch?.end(failure);
    this.#batch = undefined;
  }

  #begin(name: Parameters<Span["child"]>[0]): Span {
    return (this.#batch ?? this.#root).child(name);
  }

  #mail(mail: MailSource): MailSource {
    const look = mail.look?.bind(mail);
    return {
      open: async (...given) => this.#session(await within(this.#root.child("login"), () => mail.open(...given))),
      ...(look && { look: (...given) => within(this.#root.child("look"), () => look(...given)) }),
    };
  }

  #session(session: MailSession): MailSession {
    return {
      features: session.features,
      listFolders: () =>
        within(this.#root.child("list"), async (span) => {
          const folders = await session.listFolders();
          span.note({ folders: folders.length });
          return folders;
        }),
      status: (...given) => within(this.#root.child("status"), () => session.status(...given)),
      open: (...given) => within(this.#root.child("select"), () => session.open(...given)),
      listUids: (...given) => session.listUids(...given),
      describe: (...given) => session.describe(...given),
      fetch: (...given) => this.#fetched(session.fetch(...given)),
      fetchStream: async (...given) => {
        const message = await session.fetchStream(...given);
        return message && this.#streamed(message);
      },
      isLongerThan: (...given) => session.isLongerThan(...given),
      fetchHead: (...given) => session.fetchHead(...given),
      fetchFlags: (...given) => session.fetchFlags(...given),
      fetchHeaders: (...given) => session.fetchHeaders(...given),
      idle: (...given) => session.idle(...given),
      close: () => session.close(),
    };
  }

  #fetched(messages: AsyncIterable<readonly FetchedMessage[]>): AsyncIterable<readonly FetchedMessage[]> {
    return counted(
      () => this.#root.child("fetch"),
      messages,
      (counts, some) => {
        counts.messages += some.length;
        for (const { bytes } of some) counts.bytes += bytes.length;
      },
    );
  }

  #streamed(message: StreamedMessage): StreamedMessage {
    const { uid, flags, internalDate, pieces } = message;
    return {
      uid,
      flags,
      ...(internalDate !== undefined && { internalDate }),
      pieces: counted(
        () => this.#root.child("fetch"),
        pieces,
        (counts, piece) => void (counts.bytes += piece.length),
        1,
      ),
      isWhole: () => message.isWhole(),
    };
  }

  #blobs(blobs: BlobStore): BlobStore {
    return {
      startBatch: (...given) => {
        this.end();
        this.#batch = this.#root.child("batch");
        return this.#blobBatch(blobs.startBatch(...given));
      },
      read: (...given) => blobs.read(...given),
      indexed: (...given) => blobs.indexed(...given),
      readIndex: (...given) => blobs.readIndex(...given),
      repairIndex: (...given) => blobs.repairIndex(...given),
    };
  }

  #blobBatch(batch: BlobBatch): BlobBatch {
    return {
      put: (...given) => batch.put(...given),
      open: (...given) => batch.open(...given),
      readBack: (...given) => batch.readBack(...given),
      note: (...given) => batch.note(...given),
      flush: () => {
        this.#endParsing();
        return within(this.#begin("store"), () => batch.flush());
      },
      discard: async () => {
        this.end("ERROR");
        await batch.discard();
      },
    };
  }

  /** One span for all messages of a batch, which are parsed side by side. */
  #mime(mime: MimeParser): MimeParser {
    const parsing = (): void => {
      this.#parsing ??= { span: this.#begin("parse"), messages: 0 };
      this.#parsing.messages++;
    };
    return {
      name: mime.name,
      version: mime.version,
      parse(...given) {
        parsing();
        return mime.parse(...given);
      },
      parseStream(...given) {
        parsing();
        return mime.parseStream(...given);
      },
    };
  }

  #endParsing(): void {
    this.#parsing?.span.note({ messages: this.#parsing.messages });
    this.#parsing?.span.end();
    this.#parsing = undefined;
  }

  #handOff(handOff: HandOff): HandOff {
    return {
      commit: (step) =>
        within(this.#begin("commit"), async (span) => {
          const events = step.events.length;
          const given = events === 0 ? undefined : span.child("hand off");
          given?.note({ events });
          try {
            const result = await handOff.commit(given ? { ...step, traceparent: given.traceparent } : step);
            span.note({ outcome: result.kind });
            return result;
          } finally {
            given?.end();
          }
        }).finally(() => this.end()),
      settle: (...given) => within(this.#root.child("settle"), () => handOff.settle(...given)),
    };
  }
}

async function within<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    const result = await work(span);
    span.end();
    return result;
  } catch (error) {
    span.end(codeOf(error));
    throw error;
  }
}

/** From the first piece that is asked for to the last, or to where the reader leaves. */
async function* counted<T>(
  begin: () => Span,
  pieces: AsyncIterable<T>,
  add: (counts: { messages: number; bytes: number }, piece: T) => void,
  messages = 0,
): AsyncGenerator<T, void, void> {
  const span = begin();
  const counts = { messages, bytes: 0 };
  let failure: ReturnType<typeof codeOf> | undefined;
  try {
    for await (const piece of pieces) {
      add(counts, piece);
      yield piece;
    }
  } catch (error) {
    failure = codeOf(error);
    throw error;
  } finally {
    span.note(counts);
    span.end(failure);
  }
}

function codeOf(error: unknown) {
  return isSyncError(error) ? error.failure.code : "ERROR";
}
