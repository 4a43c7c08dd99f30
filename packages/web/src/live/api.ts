import type { ConsoleError } from "@mailfleet/core/console";

/** What the server refused, or that it could not be asked. `error` is a whole ConsoleError either way. */
class ApiError extends Error {
  readonly error: ConsoleError["error"];

  constructor(error: ConsoleError["error"]) {
    super(error.what);
    this.name = "ApiError";
    this.error = error;
  }
}

/** A server that says nothing for so long is gone: the page goes on with what it has. */
const answerMs = 20_000;

export async function getJson<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return (await ask(path, { headers: { accept: "application/json" } }, signal)) as Answer;
}

/** @param token of the page's frame: proves that this page asks, and not another site */
export async function postJson<Answer>(path: string, body: unknown, token: string): Promise<Answer> {
  const headers = { accept: "application/json", "content-type": "application/json", "x-mailfleet-token": token };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body) })) as Answer;
}

async function ask(path: string, init: RequestInit, signal?: AbortSignal): Promise<unknown> {
  const signals = [AbortSignal.timeout(answerMs), ...(signal === undefined ? [] : [signal])];
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, credentials: "same-origin", signal: AbortSignal.any(signals) });
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    throw new ApiError({ code: "NOT_LIVE", what: "The console does not answer.", todo: "It is tried again by itself." });
  }
  const value: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) return value;
  const told = (value as ConsoleError | undefined)?.error;
  // A session that ended: the same page asks for the password, and leads back here.
  if (told?.code === "NOT_SIGNED_IN") location.reload();
  throw new ApiError(told ?? { code: "FAILED", what: `The console answered ${answer.status}.` });
}

/** For a person, whatever was thrown. */
export function errorWords(error: unknown): ConsoleError["error"] {
  return error instanceof ApiError ? error.error : { code: "FAILED", what: String(error) };
}
