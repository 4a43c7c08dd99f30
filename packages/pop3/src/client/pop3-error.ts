/** Everything that can go wrong, closed. After all but `refused`, `unsupported` and `usage` the connection is over. */
export type Pop3ErrorKind =
  /** No connection, or no TLS on it, in time. */
  | "connect-timeout"
  | "greeting-timeout"
  /** The server said nothing for too long. */
  | "silence"
  /** The server kept talking, and too slowly. */
  | "too-slow"
  /** The server answered `-ERR`. */
  | "refused"
  /** The server sent what POP3 does not allow there. */
  | "protocol"
  /** The server sent more than a limit allows. */
  | "limit"
  /** The connection ended. */
  | "closed"
  /** The caller's signal. */
  | "aborted"
  | "network"
  | "tls"
  /** The server does not offer what is needed; nothing was sent. */
  | "unsupported"
  /** The caller's mistake: a second command while one runs, or an argument that no command may hold. Nothing was sent. */
  | "usage";

/** What exactly was wrong, for `protocol`, `limit`, `unsupported` and `usage`. */
export type Pop3Problem =
  | "status-line"
  | "challenge"
  | "unasked"
  | "stat"
  | "list-line"
  | "list-numbers"
  | "list-twice"
  | "line-bytes"
  | "list-lines"
  | "list-bytes"
  | "message-bytes"
  | "no-xoauth2"
  | "argument"
  | "busy";

export interface Pop3ErrorFields {
  readonly kind: Pop3ErrorKind;
  /** What was going on: `connect`, `greeting`, or the command without its arguments' secrets, such as `RETR 12` or `AUTH`. */
  readonly during: string;
  readonly problem?: Pop3Problem | undefined;
  /** Node's own code, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  readonly code?: string | undefined;
  /** The server's words, or Node's for `network` and `tls`, after the caller's `scrub`. Several lines are joined by ` / `. */
  readonly text?: string | undefined;
  /** The response code of `-ERR [IN-USE] ...`, in capitals (RFC 2449, RFC 3206). */
  readonly responseCode?: string | undefined;
  /** The connection is over. */
  readonly isOver: boolean;
}

/** The one error of this client. It holds no argument of a command, no foreign error, and no text that was not scrubbed. */
export class Pop3Error extends Error {
  readonly kind: Pop3ErrorKind;
  readonly during: string;
  readonly problem: Pop3Problem | undefined;
  readonly code: string | undefined;
  readonly text: string | undefined;
  readonly responseCode: string | undefined;
  readonly isOver: boolean;

  constructor(fields: Pop3ErrorFields) {
    super(sentence(fields));
    this.name = "Pop3Error";
    this.kind = fields.kind;
    this.during = fields.during;
    this.problem = fields.problem;
    this.code = fields.code;
    this.text = fields.text;
    this.responseCode = fields.responseCode;
    this.isOver = fields.isOver;
  }
}

/** By name and shape, so that it also works across copies of this module. */
export function isPop3Error(error: unknown): error is Pop3Error {
  return error instanceof Error && error.name === "Pop3Error" && "kind" in error && "isOver" in error;
}

const problems: Record<Pop3Problem, string> = {
  "status-line": "an answer that is neither +OK nor -ERR",
  challenge: "a challenge where none belongs",
  unasked: "data that nobody asked for",
  stat: "no count and size",
  "list-line": "a line that is none of the list",
  "list-numbers": "message numbers that do not fit",
  "list-twice": "the same id for two messages",
  "line-bytes": "a line that is too long",
  "list-lines": "a list of too many lines",
  "list-bytes": "a list that is too large",
  "message-bytes": "a message that is too large",
  "no-xoauth2": "XOAUTH2 is not offered",
  argument: "an argument that no command may hold",
  busy: "another command is under way",
};

function sentence(fields: Pop3ErrorFields): string {
  const { kind, during, problem, code, text } = fields;
  const what = problem === undefined ? "" : problems[problem];
  const said = text === undefined || text === "" ? "" : `: ${text}`;
  switch (kind) {
    case "connect-timeout":
      return "The server could not be reached in time";
    case "greeting-timeout":
      return "The server did not greet in time";
    case "silence":
      return `The server stopped answering (${during})`;
    case "too-slow":
      return `The server answers too slowly (${during})`;
    case "refused":
      return `The server refused ${during}${said}`;
    case "protocol":
    case "limit":
      return `The server sent ${what} (${during})${said}`;
    case "closed":
      return `The connection ended (${during})${said}`;
    case "aborted":
      return `Stopped by the caller (${during})`;
    case "network":
    case "tls":
      return `${kind === "tls" ? "No trusted TLS connection" : "The connection failed"} (${during}, ${code ?? "no code"})${said}`;
    case "unsupported":
      return `Not possible with this server: ${what}`;
    case "usage":
      return `Not sent (${during}): ${what}`;
  }
}
