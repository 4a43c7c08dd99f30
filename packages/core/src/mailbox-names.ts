import { encodeKeyPart, type MailboxRef } from "./ids.ts";

/** Finds where a text names a mailbox, and takes the name out. */
export interface MailboxNames {
  isNamedIn(text: string): boolean;
  /** @param mask stands in place of each name; what it is given is the name as it stood there */
  mask(text: string, mask: (name: string) => string): string;
}

/**
 * In any case, plain, as a part of a key or job id, percent-encoded as in a URL, and quoted as in a command for a shell. Not inside of
 * another address: `a@contoso.com` is not named by `aa@contoso.com`, `x.a@contoso.com` or `a@contoso.com.au`. An apostrophe belongs to the
 * address behind a letter, and is a quote elsewhere.
 */
export function mailboxNames({ address }: Pick<MailboxRef, "address">): MailboxNames {
  // An apostrophe ends the quotes of a shell's word, and a log or an activity keeps the command in JSON.
  const quoted = [String.raw`'\''`, String.raw`'\\''`].map((apostrophe) => address.replaceAll("'", apostrophe));
  const forms = [...new Set([address, encodeKeyPart(address), encodeURIComponent(address.toWellFormed()), ...quoted])];
  const before = "(?<=%2F)|(?<![\\p{L}\\p{N}!#$%&*+\\-^_~.]|[\\p{L}\\p{N}]'(?:\\\\{1,2}'')?)";
  const after = "(?![\\p{L}\\p{N}_\\-]|\\.[\\p{L}\\p{N}])";
  const source = `(?:${before})(?:${forms.map(escape).join("|")})${after}`;
  const pattern = new RegExp(source, "giu");
  return {
    isNamedIn: (text) => text.search(pattern) !== -1,
    mask: (text, mask) => text.replace(pattern, mask),
  };
}

/** What the keys of all events of a mailbox begin with, and so the ids of their jobs but for very long ones. */
export function eventStem(mailbox: Pick<MailboxRef, "tenant" | "address">): string {
  return `${encodeKeyPart(mailbox.tenant)}/${encodeKeyPart(mailbox.address)}/`;
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
