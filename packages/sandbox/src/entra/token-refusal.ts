import { type TokenErrorRow, tokenErrors } from "./token-errors.ts";

/** One AADSTS refusal, its text complete but for the trace that each answer gets. */
export interface TokenRefusal {
  readonly status: number;
  readonly error: string;
  readonly code: number;
  readonly text: string;
  readonly suberror?: string;
  readonly claims?: string;
}

/** What a text of the table names in braces; what is not given stays a word that says what it would be. */
export interface RefusalWords {
  readonly app?: string | undefined;
  readonly tenant?: string | undefined;
  readonly scope?: string | undefined;
  readonly resource?: string | undefined;
  readonly value?: string | undefined;
  readonly reason?: string | undefined;
}

/** The longest value of a client's that comes back in a text. */
const mostShown = 200;

/** A number that is not in the table is answered as Entra answers new ones: 400, `invalid_request`, a text without meaning. */
export function refusalOf(code: number, words: RefusalWords = {}): TokenRefusal {
  const row: TokenErrorRow = tokenErrors.find((other) => other.code === code) ?? {
    code,
    status: 400,
    error: "invalid_request",
    text: "The request could not be processed.",
  };
  const text = row.text.replaceAll(/\{(app|tenant|scope|resource|value|reason)\}/g, (_, name: keyof RefusalWords) =>
    (words[name] ?? name).slice(0, mostShown),
  );
  return { ...row, text };
}
