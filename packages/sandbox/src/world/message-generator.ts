import { encodeWords, foldLines } from "nodemailer/lib/mime-funcs";
import { BinaryPool, buildLanguageParts, buildPlainParts, fileStart } from "./message-parts.ts";
import type { LanguageParts } from "./message-parts.ts";
import { buildTemplates } from "./message-templates.ts";
import type { MessageTemplate, Shape, Slot } from "./message-templates.ts";
import { planMessage } from "./message-plan.ts";
import { correspondents, displayName } from "./addresses.ts";
import { Random, hashNumbers } from "./random.ts";

/** Who, where and when; with it a message is the same bytes whenever it is made. */
export interface MessageIdentity {
  readonly hash: number;
  readonly owner: string;
  /** The owner wrote it (Sent Items, Drafts). */
  readonly isOutgoing: boolean;
  /** Milliseconds since 1970. */
  readonly date: number;
  readonly messageId: string;
  /** Message-IDs of the thread so far, oldest first; empty for a first message. */
  readonly references: readonly string[];
  /** Hash of the thread's first message; decides subject and correspondent. */
  readonly threadHash: number;
  /** As `planMessage` takes it. */
  readonly stretch?: number;
}

export class MessageGenerator {
  readonly #templates: ReadonlyMap<Shape, MessageTemplate>;
  readonly #languages: readonly LanguageParts[] = buildLanguageParts();
  readonly #plainAscii: readonly Buffer[] = buildPlainParts();
  readonly #pool = new BinaryPool();
  readonly #fileStarts = { pdf: fileStart("pdf"), png: fileStart("png") } as const;

  constructor(templates: ReadonlyMap<Shape, MessageTemplate>) {
    this.#templates = templates;
  }

  static async create(): Promise<MessageGenerator> {
    return new MessageGenerator(await buildTemplates());
  }

  generate(identity: MessageIdentity): Buffer {
    const plan = planMessage(identity.hash, identity.stretch);
    const template = this.#template(plan.shape);
    const random = new Random(hashNumbers(identity.hash, 0xb0d1));
    const pieces: Buffer[] = [this.#headers(identity), template.mimeHeaders, emptyLine];
    const parts = this.#language(plan.language);
    let fixedBytes = 1_000;
    for (const piece of template.pieces) if (typeof piece !== "string") fixedBytes += piece.length;
    const room = shareOut(template, Math.max(300, plan.bytes - fixedBytes));
    for (const piece of template.pieces) {
      if (typeof piece !== "string") pieces.push(piece);
      else if (piece === "plain") fillText(pieces, template.shape === "plain-ascii" ? this.#plainAscii : parts.plain, room.plain, random);
      else if (piece === "html") fillText(pieces, parts.html, room.html, random);
      else {
        pieces.push(this.#fileStarts[piece]);
        for (const cut of this.#pool.cut(room[piece], random.next())) pieces.push(cut);
      }
    }
    return Buffer.concat(pieces);
  }

  /** What {@link generate} would start with, through the empty line. */
  header(identity: MessageIdentity): Buffer {
    const { mimeHeaders } = this.#template(planMessage(identity.hash, identity.stretch).shape);
    return Buffer.concat([this.#headers(identity), mimeHeaders, emptyLine]);
  }

  #template(shape: Shape): MessageTemplate {
    const template = this.#templates.get(shape);
    if (!template) throw new Error(`no template for ${shape}`);
    return template;
  }

  #language(number: number): LanguageParts {
    const parts = this.#languages[number];
    if (!parts) throw new RangeError(`no language ${String(number)}`);
    return parts;
  }

  #headers(identity: MessageIdentity): Buffer {
    const thread = new Random(hashNumbers(identity.threadHash, 2));
    const parts = this.#language(planMessage(identity.threadHash).language);
    const number = String(10_000 + thread.below(80_000));
    const subject = `${identity.references.length > 0 ? "Re: " : ""}${thread.pick(parts.subjects).replace("{n}", number)}`;
    const [theirName, theirAddress] = thread.pick(correspondents);
    const ownName = displayName(identity.owner.slice(0, identity.owner.indexOf("@")));
    const own = `${ownName} <${identity.owner}>`;
    const their = `${encodeName(theirName)} <${theirAddress}>`;
    const date = rfc5322Date(identity.date);
    const host = identity.owner.slice(identity.owner.indexOf("@") + 1);
    const relay = hex(hashNumbers(identity.hash, 1));
    const lines = [
      `Received: from mail-${relay.slice(0, 3)}.${theirAddress.slice(theirAddress.indexOf("@") + 1)} by mx1.${host}\r\n with ESMTPS id ${relay}${hex(identity.hash)}; ${date}`,
      `From: ${identity.isOutgoing ? own : their}`,
      `To: ${identity.isOutgoing ? their : own}`,
      `Subject: ${encodeHeader(subject)}`,
      `Date: ${date}`,
      `Message-ID: ${identity.messageId}`,
    ];
    const parent = identity.references.at(-1);
    if (parent !== undefined) lines.push(`In-Reply-To: ${parent}`, `References: ${identity.references.join("\r\n ")}`);
    lines.push("Accept-Language: en-US, de-DE", `X-MS-Exchange-Organization-SCL: ${String(identity.hash % 3)}`, "X-MS-Has-Attach: ", "");
    return Buffer.from(lines.join("\r\n"));
  }
}

const emptyLine = Buffer.from("\r\n");

function shareOut(template: MessageTemplate, room: number): Record<Slot, number> {
  const slots = template.pieces.filter((piece): piece is Slot => typeof piece === "string");
  const files = slots.filter((slot) => slot === "pdf" || slot === "png").length;
  const texts = slots.length - files;
  const textRoom = files === 0 ? room : Math.min(3_000, room / 3);
  const fileRoom = files === 0 ? 0 : (room - textRoom) / files;
  const hasBoth = texts === 2;
  return { plain: hasBoth ? textRoom * 0.4 : textRoom, html: hasBoth ? textRoom * 0.6 : textRoom, pdf: fileRoom, png: fileRoom };
}

function fillText(into: Buffer[], paragraphs: readonly Buffer[], bytes: number, random: Random): void {
  let left = bytes;
  do {
    const paragraph = random.pick(paragraphs);
    into.push(paragraph);
    left -= paragraph.length;
  } while (left > 0);
}

function encodeHeader(text: string): string {
  return isAscii(text) ? text : foldLines(encodeWords(text, "Q", 52, true), 76);
}

function encodeName(name: string): string {
  if (!isAscii(name)) return encodeWords(name, "B", 52, true).replaceAll(/\s+/g, "\r\n ");
  return /^[A-Za-z0-9 -]+$/.test(name) ? name : `"${name.replaceAll(/(["\\])/g, "\\$1")}"`;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7e) return false;
  return true;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** RFC 5322 date-time in UTC. */
export function rfc5322Date(ms: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${days[at.getUTCDay()]}, ${at.getUTCDate()} ${months[at.getUTCMonth()]} ${at.getUTCFullYear()} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}

/** INTERNALDATE's date-time (RFC 9051 section 9), in UTC. */
export function imapDate(ms: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${String(at.getUTCDate()).padStart(2, " ")}-${months[at.getUTCMonth()]}-${at.getUTCFullYear()} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}
