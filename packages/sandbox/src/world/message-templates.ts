import MailComposer from "nodemailer/lib/mail-composer";
import type { MailComposerOptions } from "nodemailer/lib/mail-composer";

/**
 * Shapes of mail, each composed once by nodemailer and cut at its slots. Composing every message anew costs about a millisecond; filling the
 * slots of a composed one costs some microseconds, and the structure stays what a real composer wrote.
 */
export interface MessageTemplate {
  readonly shape: Shape;
  /** MIME-Version and Content-* lines, with line ends. */
  readonly mimeHeaders: Buffer;
  readonly pieces: readonly (Buffer | Slot)[];
}

export type Slot = "plain" | "html" | "pdf" | "png";
export type Shape =
  | "plain-ascii"
  | "plain"
  | "plain-base64"
  | "html"
  | "alternative"
  | "alternative-base64"
  | "inline-image"
  | "attachment"
  | "two-attachments"
  | "invite"
  | "forwarded";

/** Each is 57 bytes, one base64 line, and pure ASCII, so that it can be found whatever the transfer encoding. */
const markers: Readonly<Record<Slot, string>> = {
  plain: "SLOT.PLAIN.".padEnd(57, "p"),
  html: "SLOT.HTML.".padEnd(57, "h"),
  pdf: "SLOT.PDF.".padEnd(57, "d"),
  png: "SLOT.PNG.".padEnd(57, "n"),
};

const fixedDate = new Date(Date.UTC(2026, 0, 5, 9));

export async function buildTemplates(): Promise<ReadonlyMap<Shape, MessageTemplate>> {
  const forwarded = await compose({
    ...frame("nested"),
    from: '"Ingrid Solberg" <ingrid@fjordlys-energi.example>',
    to: "office@contoso.example",
    subject: "Målerstand for november",
    text: "Hei,\r\n\r\nmålerstanden er 40 812 kWh.\r\n\r\nHilsen Ingrid",
    html: "<p>Hei,</p><p>målerstanden er <b>40 812 kWh</b>.</p>",
  });
  const plain = { content: markers.plain, contentTransferEncoding: "quoted-printable" };
  const html = { content: `<html><body>\r\n${markers.html}\r\n</body></html>\r\n`, contentTransferEncoding: "quoted-printable" };
  const plainBase64 = { content: markers.plain, contentTransferEncoding: "base64" };
  const htmlBase64 = { content: markers.html, contentTransferEncoding: "base64" };
  const shapes: Readonly<Record<Shape, MailComposerOptions>> = {
    "plain-ascii": { text: { content: markers.plain, contentTransferEncoding: "7bit" } },
    plain: { text: plain },
    "plain-base64": { text: plainBase64 },
    html: { html },
    alternative: { text: plain, html },
    "alternative-base64": { text: plainBase64, html: htmlBase64 },
    "inline-image": {
      text: plain,
      html: {
        ...html,
        content: `<html><body>\r\n${markers.html}\r\n<p><img src="cid:logo@mail.example" alt="Logo"></p></body></html>\r\n`,
      },
      attachments: [{ filename: "logo.png", cid: "logo@mail.example", content: Buffer.from(markers.png), contentType: "image/png" }],
    },
    attachment: {
      text: plain,
      html,
      attachments: [{ filename: "invoice-2026.pdf", content: Buffer.from(markers.pdf), contentType: "application/pdf" }],
    },
    "two-attachments": {
      text: plain,
      attachments: [
        { filename: "Übersicht Größen und Maße 見積書.pdf", content: Buffer.from(markers.pdf), contentType: "application/pdf" },
        {
          filename: "photo of the damaged box, second pallet from the left, taken on Monday.png",
          content: Buffer.from(markers.png),
          contentType: "image/png",
        },
      ],
    },
    invite: { text: plain, icalEvent: { method: "REQUEST", filename: "invite.ics", content: invitation } },
    forwarded: { text: plain, attachments: [{ contentType: "message/rfc822", filename: "Målerstand.eml", content: forwarded }] },
  };
  const templates = new Map<Shape, MessageTemplate>();
  for (const [shape, options] of Object.entries(shapes) as [Shape, MailComposerOptions][]) {
    templates.set(shape, cut(shape, await compose({ ...frame(shape), ...options })));
  }
  return templates;
}

const invitation = [
  "BEGIN:VCALENDAR",
  "PRODID:-//invented//calendar//EN",
  "VERSION:2.0",
  "METHOD:REQUEST",
  "BEGIN:VEVENT",
  "UID:weekly-planning@calendar.example",
  "DTSTAMP:20260105T090000Z",
  "DTSTART:20260112T093000Z",
  "DTEND:20260112T101500Z",
  "SUMMARY:Weekly planning",
  "LOCATION:Büro 3.14",
  "ORGANIZER;CN=Office:mailto:office@contoso.example",
  "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:info@contoso.example",
  "SEQUENCE:0",
  "STATUS:CONFIRMED",
  "END:VEVENT",
  "END:VCALENDAR",
  "",
].join("\r\n");

/** Everything that a composer would otherwise take from clock or chance. */
function frame(name: string): MailComposerOptions {
  return {
    messageId: `<${name}@template.example>`,
    date: fixedDate,
    baseBoundary: `sandbox-${name}`,
    newline: "win",
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function compose(options: MailComposerOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    new MailComposer(options).compile().build((error, message) => {
      if (error || !message) reject(error ?? new Error("the composer gave no message"));
      else resolve(message);
    });
  });
}

function cut(shape: Shape, message: Buffer): MessageTemplate {
  const headerEnd = message.indexOf("\r\n\r\n");
  const mimeHeaders = message
    .toString("latin1", 0, headerEnd)
    .split(/\r\n(?![ \t])/)
    .filter((line) => /^(content-|mime-version)/i.test(line));
  const body = message.toString("latin1", headerEnd + 4);
  const found = (Object.keys(markers) as Slot[])
    .flatMap((slot) => [
      { slot, at: body.indexOf(markers[slot]), text: markers[slot] },
      { slot, at: body.indexOf(Buffer.from(markers[slot]).toString("base64")), text: Buffer.from(markers[slot]).toString("base64") },
    ])
    .filter((hit) => hit.at >= 0)
    .sort((a, b) => a.at - b.at);
  const pieces: (Buffer | Slot)[] = [];
  let from = 0;
  for (const { slot, at, text } of found) {
    pieces.push(Buffer.from(body.slice(from, at), "latin1"), slot);
    from = at + text.length;
    // A slot's filling brings its own line end.
    if (body.startsWith("\r\n", from)) from += 2;
  }
  pieces.push(Buffer.from(body.slice(from), "latin1"));
  return { shape, mimeHeaders: Buffer.from(`${mimeHeaders.join("\r\n")}\r\n`, "latin1"), pieces };
}
