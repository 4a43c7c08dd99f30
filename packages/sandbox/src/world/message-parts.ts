import { encode as encodeQuotedPrintable, wrap as wrapQuotedPrintable } from "nodemailer/lib/qp";
import { Random, hashText } from "./random.ts";
import { firstNonLatin, languages } from "./phrases.ts";

/** Text encoded once, to be joined in any order: whole quoted-printable paragraphs, whole base64 lines, or plain 7-bit lines. */
export interface LanguageParts {
  readonly subjects: readonly string[];
  readonly plain: readonly Buffer[];
  readonly html: readonly Buffer[];
}

/** Bytes of one base64 line as mail carries it, and with its line end. */
const lineBytes = 57;
const wireLineBytes = 78;
const paragraphsPerLanguage = 24;
const binaryLines = 40_000;

export function buildLanguageParts(): readonly LanguageParts[] {
  return languages.map((language, number) => {
    const random = new Random(hashText(`paragraphs ${number}`));
    const paragraphs = Array.from({ length: paragraphsPerLanguage }, () =>
      Array.from({ length: 2 + random.below(4) }, () => random.pick(language.sentences)).join(" "),
    );
    const encode = number >= firstNonLatin ? base64Lines : quotedPrintable;
    return {
      subjects: language.subjects,
      plain: paragraphs.map((text) => encode(`${text}\r\n\r\n`)),
      html: paragraphs.map((text) => encode(`<p style="margin:0 0 12px;font-family:Calibri,Arial,sans-serif">${text}</p>\r\n`)),
    };
  });
}

/** The English paragraphs as 7-bit lines. */
export function buildPlainParts(): readonly Buffer[] {
  const random = new Random(hashText("plain paragraphs"));
  const sentences = languages[0]?.sentences ?? [];
  return Array.from({ length: paragraphsPerLanguage }, () => {
    const words = Array.from({ length: 2 + random.below(4) }, () => random.pick(sentences))
      .join(" ")
      .split(" ");
    let text = "";
    let line = "";
    for (const word of words) {
      if (line.length + word.length > 72) {
        text += `${line}\r\n`;
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    return Buffer.from(`${text}${line}\r\n\r\n`);
  });
}

function quotedPrintable(text: string): Buffer {
  return Buffer.from(`${wrapQuotedPrintable(encodeQuotedPrintable(text.trimEnd()), 76)}\r\n\r\n`);
}

/** Padded with spaces to whole lines, so that lines of several paragraphs follow each other as one valid base64 body. */
function base64Lines(text: string): Buffer {
  const bytes = Buffer.from(text);
  const padded = Buffer.concat([bytes, Buffer.alloc((lineBytes - (bytes.length % lineBytes)) % lineBytes, 0x20)]);
  return wrapBase64(padded);
}

function wrapBase64(bytes: Buffer): Buffer {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += lineBytes) lines.push(bytes.toString("base64", at, Math.min(bytes.length, at + lineBytes)));
  return Buffer.from(`${lines.join("\r\n")}\r\n`);
}

/** A store of random bytes in base64 lines, cut at any line into attachments. */
export class BinaryPool {
  readonly #lines: Buffer;

  constructor() {
    const random = new Random(hashText("attachments"));
    const words = new Uint32Array(Math.ceil((binaryLines * lineBytes) / 4));
    for (let i = 0; i < words.length; i++) words[i] = random.next();
    this.#lines = wrapBase64(Buffer.from(words.buffer, 0, binaryLines * lineBytes));
  }

  /** About `wireBytes` of base64 lines in pieces, from a place that `at` decides. */
  *cut(wireBytes: number, at: number): Generator<Buffer> {
    let left = Math.max(1, Math.floor(wireBytes / wireLineBytes));
    let line = at % binaryLines;
    while (left > 0) {
      const take = Math.min(left, binaryLines - line);
      yield this.#lines.subarray(line * wireLineBytes, (line + take) * wireLineBytes);
      left -= take;
      line = 0;
    }
  }
}

/** The first base64 line of a file of that kind, so that programs which look at the first bytes see what the name promises. */
export function fileStart(kind: "pdf" | "png"): Buffer {
  const start = Buffer.alloc(lineBytes, 0x20);
  if (kind === "pdf") start.write("%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj", "latin1");
  else Buffer.from("89504e470d0a1a0a0000000d4948445200000280000001e0080200000", "hex").copy(start);
  return wrapBase64(start);
}
