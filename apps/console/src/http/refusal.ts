import type { ConsoleError, ConsoleErrorCode } from "@mailfleet/core/console";

const statuses: Readonly<Record<ConsoleErrorCode, number>> = {
  NOT_SIGNED_IN: 401,
  WRONG_PASSWORD: 401,
  FORBIDDEN: 403,
  READ_ONLY: 403,
  FORGED: 403,
  WRONG_HOST: 421,
  NOT_ENCRYPTED: 403,
  TOO_MANY: 429,
  TOO_LARGE: 413,
  NOT_FOUND: 404,
  BAD_REQUEST: 400,
  TICKET_GONE: 410,
  NOT_CONFIRMED: 422,
  TOO_LATE: 409,
  NOT_LIVE: 503,
  FAILED: 500,
};

/** A request that is answered with what was wrong and what can be done. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: ConsoleErrorCode;
  readonly more: Omit<ConsoleError["error"], "code" | "what">;

  constructor(code: ConsoleErrorCode, what: string, more: Omit<ConsoleError["error"], "code" | "what"> = {}) {
    super(what);
    this.code = code;
    this.more = more;
  }

  get status(): number {
    return statuses[this.code];
  }

  toJSON(): ConsoleError {
    return { error: { code: this.code, what: this.message, ...this.more } };
  }
}
