/**
 * Throw it where trying again cannot help: the event becomes a dead letter at once, with this reason. The reason is shown to operators:
 * no content of mail belongs into it.
 */
export class GiveUp extends Error {
  override readonly name = "GiveUp";
}

/** Whoever names a time is not believed for longer: an event that waits for a year is lost to everybody who looks. */
const latestMs = 24 * 3_600_000;

/**
 * Throw it where somebody named a time, such as a `Retry-After`: the event comes again then, and no attempt is counted. At most a day from
 * now; ask again then.
 */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly inMs: number;

  /** @throws RangeError where `inMs` is no number, such as of a `Retry-After` that is a date: the event is tried again as after any error */
  constructor(inMs: number, reason = "asked to come again later") {
    super(reason);
    if (Number.isNaN(inMs)) throw new RangeError("RetryLater needs milliseconds, and was given no number");
    this.inMs = Math.min(Math.max(0, inMs), latestMs);
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
