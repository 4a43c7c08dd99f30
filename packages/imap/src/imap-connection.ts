import type { LookupFunction } from "node:net";
import { TLSSocket } from "node:tls";
import { ImapFlow } from "imapflow";
import { classifyImap, isSyncError, syncError, type Clock, type ErrorFacts, type FailureCode, type SyncError } from "@mailfleet/core";
import { errorFacts, localFacts, type FactsContext } from "./error-facts.ts";
import {
  internalsOf,
  streamerInLiteral,
  textOf,
  type Attribute,
  type ImapFlowInternals,
  type TaggedAnswer,
  type UntaggedAnswer,
  type UntaggedHandlers,
} from "./imapflow-internals.ts";
import { ImpossibleUid, readFetchAnswer, type FetchAnswer } from "./fetch-answer.ts";
import { FolderNews } from "./folder-news.ts";
import { LeanFetch, type OnFetched } from "./lean-fetch.ts";
import { readCount } from "./number-answers.ts";
import { runIdle } from "./run-idle.ts";
import { flowOptions, type ImapEndpoint, type ImapLimits } from "./flow-options.ts";
import type { TlsBeginning, TlsMemory } from "./tls-memory.ts";

export interface ConnectionOptions {
  readonly endpoint: ImapEndpoint;
  readonly user: string;
  readonly token: string;
  readonly clientInfo: Readonly<Record<string, string>>;
  readonly limits: ImapLimits;
  readonly clock: Pick<Clock, "monotonic">;
  readonly lookUp: LookupFunction;
  readonly tlsMemory?: TlsMemory | undefined;
  readonly scrub: (text: string) => string;
  readonly signal: AbortSignal;
}

export interface CommandOptions {
  readonly phase: "first-command" | "command" | "fetch";
  readonly folder?: string | undefined;
  readonly uid?: number | undefined;
  /** Each call counts as progress; a promise holds the reader back. */
  readonly untagged?: UntaggedHandlers;
  /** Each answer to a FETCH, in the order they come; as in `untagged`. */
  readonly fetched?: OnFetched;
  /** A line that the parser could not read, cut to 1,024 characters. */
  readonly onUnreadable?: (line: string) => void;
  /** True while it is us who hold the answer back. */
  readonly isHeld?: () => boolean;
}

/** Besides IDLE only these may be sent (T13); imapflow itself adds CAPABILITY, ID, NAMESPACE and AUTHENTICATE. */
export type Verb = "LIST" | "STATUS" | "EXAMINE" | "UID SEARCH" | "UID FETCH";

/** After these the session goes on: the server answered, and said no to this one command. */
const survivable: ReadonlySet<FailureCode> = new Set(["COMMAND_REFUSED", "FOLDER_GONE", "FOLDER_UNSELECTABLE"]);

const strikesAtMost = 2;

/**
 * One imapflow connection that ends at once, and with one cause, whatever goes wrong: throttling (imapflow would wait inside),
 * a refusal after login, silence, an abort, a broken answer. Every failure comes out as SyncError.
 */
export class ImapConnection {
  readonly #client: ImapFlow;
  readonly #imap: ImapFlowInternals;
  readonly #lean: LeanFetch;
  readonly #options: ConnectionOptions;
  readonly #onAbort: () => void;
  readonly #begun: TlsBeginning | undefined;
  /** What the server tells about the open folder without being asked; whoever opens a folder starts it. */
  readonly news = new FolderNews();
  #phase: NonNullable<ErrorFacts["phase"]> = "connect";
  #command: CommandOptions | undefined;
  #ended: SyncError | undefined;
  #strikes = 0;
  #progressAt = 0;
  #progressBytes = 0;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    const { endpoint, user, token, clientInfo, limits } = options;
    this.#begun = endpoint.tls ? options.tlsMemory?.begin(endpoint) : undefined;
    const silent = (): void => {};
    const notice = (entry: object): void => this.#notice(entry as Record<string, unknown>);
    this.#client = new ImapFlow({
      ...flowOptions(endpoint, clientInfo, limits, options.lookUp, this.#begun),
      auth: { user, accessToken: token },
      // Never imapflow's own logger: it writes to stdout. Warnings are the only trace of what it hides.
      logger: Object.assign(
        { trace: silent, debug: silent, info: silent, warn: notice, error: notice, fatal: notice },
        { isLevelEnabled: (level: string) => level === "warn" || level === "error" || level === "fatal" },
      ),
    });
    this.#imap = internalsOf(this.#client);
    this.#lean = new LeanFetch(this.#imap, limits.literalBytes);
    this.#client.on("error", (error: unknown) => this.#end(this.#toSyncError(error)));
    this.#onAbort = () => this.#end(this.#abortError());
    this.#guardLogin();
  }

  /** Connects and logs in; the first command after it, NAMESPACE, has been accepted, or is still owed if `isProven` is false. */
  static async open(options: ConnectionOptions): Promise<ImapConnection> {
    const connection = new ImapConnection(options);
    if (options.signal.aborted) throw connection.#abortError();
    options.signal.addEventListener("abort", connection.#onAbort, { once: true });
    // imapflow has a limit for each step and none for all: lines that ask for nothing would keep a login open for ever (T39).
    const deadline = setTimeout(() => connection.#end(connection.#local("Silent", "The login took too long")), options.limits.openMs);
    try {
      await connection.#client.connect();
      if (connection.#ended) throw connection.#ended;
      connection.#listenForNews();
      const { socket } = connection.#imap;
      // By now the server has sent its tickets: TLS 1.3 has them follow the handshake.
      if (socket instanceof TLSSocket) connection.#begun?.keep(socket);
      return connection;
    } catch (error) {
      if (connection.#phase === "connect") connection.#begun?.forget();
      const failure = connection.#ended ?? connection.#toSyncError(error);
      connection.#end(failure);
      throw failure;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** True when NAMESPACE was answered OK, which Exchange does only if it lets us into the mailbox. */
  get isProven(): boolean {
    return this.#client.namespaces !== undefined && this.#client.capabilities.has("NAMESPACE");
  }

  /** The delimiter that NAMESPACE gave; undefined without one. */
  get delimiter(): string | undefined {
    const delimiter: unknown = this.isProven ? this.#client.namespace?.delimiter : undefined;
    return typeof delimiter === "string" ? delimiter : undefined;
  }

  /**
   * What the server says it can do: what it told with its OK to the login, else what it told before. Exchange's lists differ only in what
   * is of no use here, and its OK carries none; another CAPABILITY would be a round trip at each poll.
   */
  hasCapability(name: string): boolean {
    return this.#client.capabilities.has(name);
  }

  /** What ended the connection. */
  get ended(): SyncError | undefined {
    return this.#ended;
  }

  /**
   * Sends one command and waits for its tagged answer.
   *
   * @returns the tagged answer; NO only for a FETCH whose messages are partly gone
   */
  async run(verb: Verb, attributes: readonly Attribute[], options: CommandOptions): Promise<TaggedAnswer["response"]> {
    return await this.#alone(options, async () => {
      this.progress();
      const watch = setInterval(() => this.#checkProgress(), Math.max(10, this.#options.limits.commandSilenceMs / 4));
      try {
        const { fetched, untagged = {} } = options;
        this.#lean.listen(fetched);
        const FETCH = (answer: UntaggedAnswer): Promise<void> | void => fetched?.(this.#readFetch(answer));
        const answer = await this.#imap.exec(verb, attributes, { untagged: fetched === undefined ? untagged : { ...untagged, FETCH } });
        answer.next();
        return answer.response;
      } finally {
        this.#lean.listen(undefined);
        clearInterval(watch);
      }
    });
  }

  /** `moved` as soon as there is news of the open folder, also such that came before; `quiet` after `maxMs` or when `signal` aborts. */
  async idle(maxMs: number, signal: AbortSignal, folder: string): Promise<"moved" | "quiet"> {
    return await this.#alone({ phase: "command", folder }, async () => {
      if (this.news.take()) return "moved";
      if (signal.aborted) return "quiet";
      const { commandSilenceMs } = this.#options.limits;
      const isOurEnd = await runIdle(this.#imap, {
        news: this.news,
        maxMs,
        signal,
        answerMs: commandSilenceMs,
        socketTimeoutMs: commandSilenceMs,
        onSilence: () => this.#end(this.#local("Silent", "The server stopped answering")),
      });
      // Asking again at once would turn in circles.
      if (!isOurEnd && this.#ended === undefined) throw this.violate("UnaskedData", "The server ended an IDLE by itself");
      return this.news.take() ? "moved" : "quiet";
    });
  }

  async #alone<T>(options: CommandOptions, work: () => Promise<T>): Promise<T> {
    if (this.#ended) throw this.#ended;
    if (this.#command) throw this.#local("Busy", "A session was asked for two things at once");
    this.#command = options;
    this.#phase = options.phase;
    try {
      const result = await work();
      if (this.ended) throw this.ended;
      return result;
    } catch (error) {
      const failure = this.#ended ?? this.#toSyncError(error);
      if (!survivable.has(failure.failure.code) || this.#isLastStrike(failure)) this.#end(failure);
      throw failure;
    } finally {
      this.#command = undefined;
    }
  }

  /** Exchange closes at the third BAD of a session, and the reason would be lost behind its BYE: so there is no third one. */
  #isLastStrike({ failure }: SyncError): boolean {
    if (failure.facts.responseStatus === "BAD") this.#strikes++;
    return this.#strikes >= strikesAtMost;
  }

  #readFetch(answer: UntaggedAnswer): FetchAnswer {
    try {
      return readFetchAnswer(answer);
    } catch (error) {
      if (!(error instanceof ImpossibleUid)) throw error;
      throw this.violate("UnaskedData", "FETCH gave a number that is no UID");
    }
  }

  /** The server did something that was asked of it, or has to wait for us. */
  progress(): void {
    this.#progressAt = this.#options.clock.monotonic();
    this.#progressBytes = this.#imap.streamer.readBytesCounter;
  }

  /** Ends the connection because of something the server sent. */
  violate(code: "UnaskedData" | "MissingData" | "UnreadableAnswer", text: string): SyncError {
    const failure = this.#local(code, text);
    this.#end(failure);
    return failure;
  }

  /** Never throws. */
  close(): void {
    this.#end(this.#local("NoConnection", "The session was closed"));
  }

  #listenForNews(): void {
    const handlers = this.#imap.untaggedHandlers;
    handlers["EXISTS"] = (answer) => this.news.tellCount(readCount(answer.command));
    handlers["EXPUNGE"] = () => this.news.tellRemoval();
    handlers["VANISHED"] = () => this.news.tellChange();
  }

  /** Exchange's bare `Server Unavailable. 15`, which imapflow makes an untagged BAD of: it stands in place of the tagged answer, so none will come. */
  #hearBad(answer: UntaggedAnswer): void {
    const text = textOf(answer.attributes?.[0]);
    if (text !== undefined && /server unavailable/i.test(text)) this.#end(this.#toSyncError({ responseStatus: "BAD", responseText: text }));
  }

  #guardLogin(): void {
    const imap = this.#imap;
    // T11: such a session belongs to whomever the server says. Nothing has been sent yet, and nothing will be.
    imap.initialPREAUTH = () =>
      Promise.resolve(this.#end(this.#local("Preauth", "The server says that we are logged in already (PREAUTH)")));
    const authenticate = imap.authenticate.bind(this.#client);
    imap.authenticate = async () => {
      this.#phase = "login";
      if (this.#ended) throw this.#ended;
      // The map may have been replaced since: imapflow makes a new one for every CAPABILITY.
      this.#client.capabilities.delete("AUTH=OAUTHBEARER");
      if (!this.#client.capabilities.has("AUTH=XOAUTH2")) throw this.#local("NoXoauth2", "The server does not offer XOAUTH2");
      return await authenticate();
    };
    const setAuthenticationState = imap.setAuthenticationState.bind(this.#client);
    imap.setAuthenticationState = async () => {
      this.#phase = "first-command";
      imap.untaggedHandlers["BAD"] = (answer) => this.#hearBad(answer);
      // One round trip less: nothing we do depends on what the server offers after login.
      if (this.#client.capabilities.has("NAMESPACE")) imap.expectCapabilityUpdate = false;
      await setAuthenticationState();
    };
  }

  /** imapflow's warnings tell what its commands keep to themselves. */
  #notice(entry: Record<string, unknown>): void {
    if (typeof entry["payloadBytes"] === "number" && typeof entry["msg"] === "string") {
      this.#command?.onUnreadable?.(entry["msg"]);
      return;
    }
    const error = entry["err"];
    if (typeof error !== "object" || error === null || this.#ended) return;
    if (!("responseStatus" in error) || "reason" in error) return;
    const failure = this.#toSyncError(error);
    const { code, facts } = failure.failure;
    // A throttled command is about to wait inside. An ID or NAMESPACE that was refused would go unnoticed, and each further
    // command would be one of the three strikes Exchange allows.
    const isShutOut = code === "MAILBOX_ACCESS_DENIED" && /not connected/i.test(facts.text ?? "");
    if (code === "SERVER_THROTTLED" || code === "SERVER_UNAVAILABLE" || isShutOut) this.#endSoon(failure);
  }

  #checkProgress(): void {
    if (this.#command?.isHeld?.() === true) return this.progress();
    const elapsed = this.#options.clock.monotonic() - this.#progressAt;
    if (elapsed < this.#options.limits.commandSilenceMs) return;
    const received = this.#imap.streamer.readBytesCounter - this.#progressBytes;
    const isInLiteral = this.#lean.isInLiteral || this.#imap.streamer.state === streamerInLiteral;
    // Bytes count only inside a literal, which was asked for, and from 1 KB/s on: other lines are free for a server to send (T39).
    if (isInLiteral && received >= (elapsed / 1000) * 1024) this.progress();
    else this.#end(this.#local("Silent", "The server stopped answering"));
  }

  #end(failure: SyncError): void {
    this.#ended ??= failure;
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#client.close();
  }

  /** For calls from inside imapflow's answer handling: it starts to wait only after it has told us, and close() must come after that. */
  #endSoon(failure: SyncError): void {
    this.#ended ??= failure;
    setImmediate(() => this.#end(failure));
  }

  #abortError(): SyncError {
    const reason: unknown = this.#options.signal.reason;
    if (isSyncError(reason)) return reason;
    return syncError("INTERRUPTED", "The work on the mailbox was stopped", { layer: "imap", phase: this.#phase });
  }

  #toSyncError(error: unknown): SyncError {
    if (isSyncError(error)) return error;
    const facts = errorFacts(error, this.#context());
    const { code, message } = classifyImap(facts);
    return syncError(code, message, facts);
  }

  #local(code: string, text: string): SyncError {
    const facts = localFacts(code, text, this.#context());
    if (code === "Busy") return syncError("INVARIANT", text, facts);
    const classified = classifyImap(facts);
    return syncError(classified.code, classified.message, facts);
  }

  #context(): FactsContext {
    return {
      phase: this.#phase,
      folder: this.#command?.folder,
      uid: this.#command?.uid,
      scrub: this.#options.scrub,
      byeReason: this.#client.byeReason,
    };
  }
}
