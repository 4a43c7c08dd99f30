/** What a server may send and how long it may take. Each number guards the process against a server that is broken, slow or hostile. */
export interface Pop3Limits {
  /** A status line, or a line of a list, without CR LF. RFC 2449 allows 512 octets; Exchange's errors are shorter. */
  readonly lineBytes: number;
  /** Lines of one list: as many messages as Exchange allows in a folder. */
  readonly listLines: number;
  /** Bytes of one list: so many lines of the longest form (10 digits, space, 70 characters, CR LF) would be 84 MB. */
  readonly listBytes: number;
  /** One message as RETR or TOP gives it, unstuffed. */
  readonly messageBytes: number;
  /** What is left of a message that nobody wants is read over up to here, in all; above it the connection is closed. */
  readonly drainBytes: number;
  /** What is kept of bytes that nobody has asked for yet; above it the socket is paused. A piece of a message is never larger than a read. */
  readonly aheadBytes: number;
  /** Commands that are under way at once where the server offers PIPELINING. */
  readonly pipelined: number;
}

export const defaultPop3Limits: Pop3Limits = {
  lineBytes: 1_024,
  listLines: 1_000_000,
  listBytes: 64 * 1024 * 1024,
  messageBytes: 256 * 1024 * 1024,
  drainBytes: 1024 * 1024,
  aheadBytes: 64 * 1024,
  pipelined: 32,
};

/** In ms. Only waiting for the server counts: while a consumer holds a message back, no time runs. */
export interface Pop3Timeouts {
  /** Name look-up, TCP and TLS. */
  readonly connectMs: number;
  /** From the open connection to the greeting. */
  readonly greetingMs: number;
  /** Silence of the server while something is expected of it. */
  readonly silenceMs: number;
  /** One answer in all, plus a second for each `bytesPerSecond` of it that has come: a trickle ends too. */
  readonly answerMs: number;
  readonly bytesPerSecond: number;
}

export const defaultPop3Timeouts: Pop3Timeouts = {
  connectMs: 15_000,
  greetingMs: 30_000,
  silenceMs: 60_000,
  answerMs: 120_000,
  bytesPerSecond: 1_024,
};
