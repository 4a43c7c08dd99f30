import { connect, createServer, type Socket } from "node:net";
import { createPump, type Pump } from "./tcp-pump.ts";

export interface ProxyTarget {
  readonly host?: string;
  readonly port: number;
}

/** A network in between that can fail in every way a network fails. What it does holds for open connections and for new ones. */
export interface TcpProxy {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Bytes passed on to servers, and to clients. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Where new connections go. Open ones stay where they are: `cut` them to move them. */
  switchTo(target: ProxyTarget): void;
  /** Resets every open connection. */
  cut(): void;
  /** Accepts and resets: the host is there and nothing listens. */
  refuse(isRefusing: boolean): void;
  /** Passes nothing on in either direction and closes nothing; TCP goes on acknowledging. */
  freeze(): void;
  thaw(): void;
  /** From now on each chunk comes that much later, and at most so many bytes a second in each direction; `{}` ends it. */
  slow(by: { readonly delayMs?: number; readonly bytesPerSecond?: number }): void;
  /** Once: resets a connection after that many more request bytes, or response bytes, over all connections. Resolves when it did. */
  cutAfterRequest(bytes: number): Promise<void>;
  cutAfterResponse(bytes: number): Promise<void>;
  /**
   * Once: lets a request that contains `text` through whole, withholds what the server answers to it, and resets the connection: the
   * server did it, and the client does not know. Resolves when it happened.
   */
  loseAnswerTo(text: string): Promise<void>;
  stop(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly requests: Pump;
  readonly responses: Pump;
  /** Set once the request whose answer is to be lost went through. */
  onAnswer: (() => void) | undefined;
}

interface Cut {
  left: number;
  done(): void;
}

/** @param target where connections go until `switchTo` */
export async function startTcpProxy(target: ProxyTarget): Promise<TcpProxy> {
  const links = new Set<Link>();
  const pace = { isFrozen: false, delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };
  const counts = { accepted: 0, requestBytes: 0, responseBytes: 0 };
  let to = target;
  let isRefusing = false;
  let requestCut: Cut | undefined;
  let responseCut: Cut | undefined;
  let lost: { readonly text: Buffer; done(): void } | undefined;

  const reset = (link: Link): void => {
    links.delete(link);
    link.requests.stop();
    link.responses.stop();
    link.client.resetAndDestroy();
    link.server.resetAndDestroy();
  };

  /** What of a chunk still goes through, and whether the connection is cut behind it. */
  const upTo = (cut: Cut | undefined, chunk: Buffer): { readonly passed: Buffer; readonly isCut: boolean } => {
    if (!cut) return { passed: chunk, isCut: false };
    const passed = chunk.subarray(0, cut.left);
    cut.left -= passed.length;
    return { passed, isCut: cut.left === 0 };
  };

  const accept = (client: Socket): void => {
    counts.accepted++;
    client.on("error", () => undefined);
    if (isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: to.host ?? "127.0.0.1", port: to.port, allowHalfOpen: true });
    // The end of a request may lie in two chunks: enough of the one before is looked at again.
    let tail: Buffer = Buffer.alloc(0);
    const requests = createPump(client, server, pace, (chunk) => {
      const { passed, isCut } = upTo(requestCut, chunk);
      counts.requestBytes += passed.length;
      if (lost && link.onAnswer === undefined) {
        const seen = Buffer.concat([tail, passed]);
        if (seen.includes(lost.text)) {
          link.onAnswer = lost.done;
          lost = undefined;
        } else tail = seen.subarray(Math.max(0, seen.length - lost.text.length + 1));
      }
      if (!isCut) return passed;
      const done = requestCut?.done;
      requestCut = undefined;
      // What was passed on must reach the server before the reset does.
      server.write(passed, () => {
        reset(link);
        done?.();
      });
      return undefined;
    });
    const responses = createPump(server, client, pace, (chunk) => {
      if (link.onAnswer) {
        const done = link.onAnswer;
        reset(link);
        done();
        return undefined;
      }
      const { passed, isCut } = upTo(responseCut, chunk);
      counts.responseBytes += passed.length;
      if (!isCut) return passed;
      const done = responseCut?.done;
      responseCut = undefined;
      client.write(passed, () => {
        reset(link);
        done?.();
      });
      return undefined;
    });
    const link: Link = { client, server, requests, responses, onAnswer: undefined };
    links.add(link);
    server.on("error", () => reset(link));
    client.on("error", () => reset(link));
    const forget = (): void => {
      if (client.destroyed && server.destroyed) links.delete(link);
    };
    client.once("close", forget);
    server.once("close", forget);
  };

  const listener = createServer({ allowHalfOpen: true }, accept);
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", resolve);
  });
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the system gave no port");

  const changePace = (change: Partial<typeof pace>): void => {
    Object.assign(pace, change);
    for (const { requests, responses } of links) {
      requests.look();
      responses.look();
    }
  };
  return {
    host: "127.0.0.1",
    port: address.port,
    get accepted() {
      return counts.accepted;
    },
    get open() {
      return links.size;
    },
    get requestBytes() {
      return counts.requestBytes;
    },
    get responseBytes() {
      return counts.responseBytes;
    },
    switchTo: (other) => void (to = other),
    cut() {
      for (const link of [...links]) reset(link);
    },
    refuse: (is) => void (isRefusing = is),
    freeze: () => changePace({ isFrozen: true }),
    thaw: () => changePace({ isFrozen: false }),
    slow: ({ delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY }) => changePace({ delayMs, bytesPerSecond }),
    cutAfterRequest: (bytes) => new Promise((done) => void (requestCut = { left: bytes, done })),
    cutAfterResponse: (bytes) => new Promise((done) => void (responseCut = { left: bytes, done })),
    loseAnswerTo: (text) => new Promise((done) => void (lost = { text: Buffer.from(text), done })),
    stop: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const link of [...links]) reset(link);
      }),
  };
}
