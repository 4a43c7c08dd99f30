/**
 * Throw it where trying again cannot help: the event becomes a dead letter at once, with this reason. The reason is shown to operators:
 * no content of mail belongs into it.
 */
export class GiveUp extends Error {
  override readonly name = "GiveUp";
}

/** Throw it where somebody named a time, such as a `Retry-After`: the event comes again then, and no attempt is counted. */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly inMs: number;

  constructor(inMs: number, reason = "asked to come again later") {
    super(reason);
    this.inMs = inMs;
  }
}

/** The bytes of an event cannot be had, or are not the ones that mailfleet put there. */
export class BlobError extends Error {
  override readonly name = "BlobError";
  readonly ref: string;

  constructor(ref: string, message: string, cause?: unknown) {
    super(`${message} (${ref})`, cause === undefined ? undefined : { cause });
    this.ref = ref;
  }
}
