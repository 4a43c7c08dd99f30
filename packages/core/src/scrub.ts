import { stripControls } from "./strip-controls.ts";

/** What stands in place of a secret. */
const mask = "[secret]";

/** Texts of peers are shown and stored up to here (T01). */
const defaultMaxLength = 300;

/** More than this of one text is not looked at: no sentence of a peer is longer, and the patterns below cost time per character. */
const maxInput = 65_536;

/** Values shorter than this stand in ordinary words; masking them would hide everything and protect nothing. */
const minSecretLength = 4;

export type Scrubber = (text: string) => string;

/**
 * Makes a text from outside fit to be shown, logged and stored (T01, T56): the given secrets are masked in plain, URL, hex and
 * base64 form, and so is whatever looks like a credential; control and direction characters go; at most 300 characters stay.
 * Secrets shorter than 4 characters can't be told from words and are left to the patterns.
 */
export function createScrubber(secrets: readonly string[], options: { readonly maxLength?: number } = {}): Scrubber {
  const maxLength = options.maxLength ?? defaultMaxLength;
  // Also as it reads once the text's controls are gone, else a secret with a stray byte order mark would pass.
  const patterns = [...new Set([...secrets, ...secrets.map(stripControls)])]
    .filter((secret) => secret.length >= minSecretLength)
    // Longest first: a secret that is part of another must not leave the rest of it standing.
    .sort((a, b) => b.length - a.length)
    .map(lazyPattern);
  return (text) => {
    let out = stripControls(withoutOverlongTail(text));
    for (const { length, pattern } of patterns) if (out.length >= length) out = out.replace(pattern(), mask);
    return cut(maskShapes(out), maxLength);
  };
}

/** A scrubber that learns: secrets are replaced while a process runs, and the new ones must not show either. */
export function growingScrubber(secrets: readonly string[]): { readonly scrub: Scrubber; hide(secret: string): void } {
  const known = new Set(secrets);
  let current = createScrubber(secrets);
  return {
    scrub: (text) => current(text),
    hide(secret) {
      if (known.has(secret)) return;
      known.add(secret);
      current = createScrubber([...known]);
    },
  };
}

/** At most `maxLength` UTF-16 units, never half a character; a cut is shown by `…`. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/u, "")}…`;
}

/** A text cut before masking could end in half a secret that no pattern knows: the last word goes too. */
function withoutOverlongTail(text: string): string {
  return text.length <= maxInput ? text : `${text.slice(0, maxInput).replace(/\S*$/, "")}…`;
}

function maskShapes(text: string): string {
  return (
    text
      .replace(/eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)*/g, mask)
      .replace(/\b(Bearer\s+)[^\s"',;]+/gi, `$1${mask}`)
      .replace(/\b(AUTH(?:ENTICATE)?\s+(?:XOAUTH2|OAUTHBEARER|PLAIN|LOGIN)\s+)[^\s"']+/gi, `$1${mask}`)
      .replace(
        /\b((?:client_secret|client_assertion|access_token|refresh_token|id_token|password|passwd)["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi,
        `$1${mask}`,
      )
      .replace(/\b((?:assertion|secret|token|pwd)=)[^\s"'&,;}]+/gi, `$1${mask}`)
      .replace(/:\/\/[^\s/@]+@/g, `://${mask}@`)
      // SASL blobs. A SHA-256 in hex has the same alphabet and is no secret; Microsoft writes a certificate's in upper case (AADSTS700027).
      .replace(/[A-Za-z0-9+/_-]{64,}={0,2}/g, (run) => (/^(?:[0-9a-f]{64}|[0-9A-F]{64})$/.test(run) ? run : mask))
  );
}

/**
 * Compiling a token's pattern takes half a second, and most texts of servers are shorter than any token. Every form of a secret is at
 * least as long as the secret itself.
 */
function lazyPattern(secret: string): { readonly length: number; readonly pattern: () => RegExp } {
  let compiled: RegExp | undefined;
  return { length: secret.length, pattern: () => (compiled ??= secretPattern(secret)) };
}

function secretPattern(secret: string): RegExp {
  const bytes = new TextEncoder().encode(secret);
  const forms = [urlPattern(secret), hexPattern(bytes), escapeRegExp(JSON.stringify(secret).slice(1, -1))];
  for (const offset of [0, 1, 2]) {
    const fragment = base64Fragment(bytes, offset);
    if (fragment.length >= minSecretLength) forms.push(fragment.split("").map(base64CharPattern).join(" {0,2}"));
  }
  return new RegExp(forms.join("|"), "gu");
}

/** Each character as itself or percent-encoded, also encoded again and again; a space also as `+`. */
function urlPattern(secret: string): string {
  const encoder = new TextEncoder();
  return Array.from(secret.toWellFormed(), (char) => {
    const percent = Array.from(encoder.encode(char), (byte) => `%(?:25)*${hexBytePattern(byte)}`).join("");
    return char === " " ? `(?:[ +]|${percent})` : `(?:${escapeRegExp(char)}|${percent})`;
  }).join("");
}

/** Upper and lower case, also as `63:61` and as Node prints a Buffer, `63 61`. */
function hexPattern(bytes: Uint8Array): string {
  return Array.from(bytes, hexBytePattern).join("[ :]{0,2}");
}

function hexBytePattern(byte: number): string {
  return Array.from(byte.toString(16).padStart(2, "0"), (digit) => (digit >= "a" ? `[${digit}${digit.toUpperCase()}]` : digit)).join("");
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The base64 characters that depend on nothing but `bytes` when `offset` (mod 3) unknown bytes stand before and any after. */
function base64Fragment(bytes: Uint8Array, offset: number): string {
  let out = "";
  let buffer = 0;
  // The first bits share a character with the unknown bytes before.
  let skip = (6 - ((offset * 8) % 6)) % 6;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    bits += 8;
    if (skip > 0) {
      bits -= skip;
      skip = 0;
    }
    while (bits >= 6) {
      bits -= 6;
      out += base64Alphabet[(buffer >> bits) & 63];
    }
  }
  return out;
}

function base64CharPattern(char: string): string {
  if (char === "+") return "[+-]";
  return char === "/" ? "[/_]" : char;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
