import { plainText, type BlobPointer, type BodyText, type MessageToWrite, type ParsedAttachment } from "@mailfleet/core";
import { cleanLine, cleanName, cleanText } from "./clean-text.ts";
import type { Defect } from "./defects.ts";
import { joinHtml } from "./join-html.ts";
import type { HeadFields } from "./read-fields.ts";

/** What was read of one attachment, not cleaned. */
export interface RawAttachment {
  readonly contentType: string;
  readonly filename: string | undefined;
  readonly disposition: string | undefined;
  readonly contentId: string | undefined;
  readonly content: Uint8Array | BlobPointer;
}

/** The parts of one message, each kind in order. */
export interface RawParts {
  readonly texts: readonly BodyText[];
  readonly htmls: readonly BodyText[];
  readonly attachments: readonly RawAttachment[];
  readonly hasUnknownCharset: boolean;
}

/** @param defects those of the head; more are added */
export function assemble(fields: HeadFields, parts: RawParts, defects: Set<Defect>): MessageToWrite {
  const addDefect = (defect: Defect): void => void defects.add(defect);
  const { texts, htmls } = parts;
  const text = joinTexts(texts);
  const { html, rest } = joinHtmls(htmls);
  const attachments = parts.attachments.map((one) => cleanAttachment(one, addDefect));
  for (const part of rest) {
    addDefect("html-parts-split");
    attachments.push({ contentType: "text/html; charset=utf-8", disposition: "inline", content: Buffer.from(part) });
  }

  if (parts.hasUnknownCharset) addDefect("charset-unknown");
  if (isUndecodable(text) || isUndecodable(html)) addDefect("undecodable-text");
  if (!text && html === "" && attachments.length === 0) addDefect("no-body");
  return {
    ...fields,
    ...(text !== undefined && { text }),
    ...(htmls.length > 0 && { html }),
    attachments,
    defects: [...defects],
  };
}

function joinTexts(texts: readonly BodyText[]): BodyText | undefined {
  const [first] = texts;
  if (first === undefined || (texts.length === 1 && typeof first !== "string")) return first;
  return cleanText(texts.map(plainText).join("\n"));
}

function joinHtmls(htmls: readonly BodyText[]): { readonly html: BodyText; readonly rest: readonly string[] } {
  const [first] = htmls;
  if (htmls.length === 1 && first !== undefined && typeof first !== "string") return { html: first, rest: [] };
  return joinHtml(htmls.map((one) => cleanText(plainText(one))));
}

/** No escaped text is. */
function isUndecodable(body: BodyText | undefined): boolean {
  return typeof body === "string" && body.includes("\uFFFD");
}

function cleanAttachment(raw: RawAttachment, addDefect: (defect: Defect) => void): ParsedAttachment {
  const filename = raw.filename === undefined ? undefined : cleanName(raw.filename);
  if (raw.filename !== undefined && filename !== raw.filename) addDefect("name-cut");
  const contentId = raw.contentId === undefined ? undefined : cleanLine(raw.contentId).slice(0, 998).toWellFormed();
  return {
    ...(filename !== undefined && { filename }),
    contentType: cleanLine(raw.contentType || "application/octet-stream")
      .slice(0, 255)
      .toWellFormed(),
    ...(raw.disposition !== undefined && { disposition: cleanLine(raw.disposition).slice(0, 64).toWellFormed() }),
    ...(contentId !== undefined && contentId !== "" && { contentId }),
    content: raw.content,
  };
}
