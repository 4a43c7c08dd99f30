import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asParsed, limits as eventLimits, writeMessage } from "@mailfleet/core";
import { editMail, mailFragments } from "@mailfleet/testkit/edited-mail";
import type { MailEdit } from "@mailfleet/testkit/edited-mail";
import { hostileMails } from "@mailfleet/testkit/hostile-mail";
import { composedMails, corpusMails } from "@mailfleet/testkit/sample-mail";
import type { Decline } from "./decline.ts";
import { readFast, readHead } from "./parse-fast.ts";
import type { ReadResult } from "./parse-fast.ts";
import { parseByStreams, parseMessage } from "./parse-message.ts";
import { TextRoom } from "./text-room.ts";

const limits = { parts: 1_000, depth: 100, headerBytes: 1024 * 1024, headerFields: 10_000, addresses: 10_000, textBytes: 16e6 };
/** `MAILFLEET_PARSE_CASES=200000` for a long run by hand. */
const cases = Number(process.env["MAILFLEET_PARSE_CASES"] ?? 2_000);
const caseMs = 60;

const corpus = corpusMails();
const hostile = hostileMails().map((mail) => ({ name: mail.name, bytes: mail.bytes }));
const mails = [...composedMails(), ...hostile, ...corpus];

/** Small, so that some texts have to lie elsewhere. */
const room = new TextRoom(8 * 1024);

/** As a thread does it, with one room for all messages. */
function readInRoom(bytes: Uint8Array): ReadResult | Decline {
  room.clear();
  return readFast(bytes, limits, readHead(bytes, limits), room);
}

/** Bytes as one string, so that a difference is found and shown soon; with what is written of it. */
function comparable(result: ReadResult): unknown {
  if (!result.ok) return result;
  const { json, gaps } = writeMessage(result.message);
  const written = [json, ...gaps.map(({ bytes }) => bytes)].map((bytes) => Buffer.from(bytes).toString("latin1"));
  const attachments = result.message.attachments.map((one) => ({
    ...one,
    content: Buffer.from(one.content as Uint8Array).toString("latin1"),
  }));
  return { ...result, message: { ...asParsed(result.message), attachments }, written, places: gaps.map(({ at }) => at) };
}

/** Undefined when both say the same; `declined` when there is nothing to compare. */
async function difference(bytes: Uint8Array): Promise<"declined" | undefined> {
  const fast = readInRoom(bytes);
  if (typeof fast === "string") return "declined";
  expect(comparable(fast)).toStrictEqual(comparable(await parseByStreams(bytes, limits)));
  return undefined;
}

describe(`${mails.length} messages, ${corpus.length} of them real`, () => {
  test("are read as mailparser reads them, with the line ends they have and with CRLF", async () => {
    const different: string[] = [];
    const declined = new Map<Decline, number>();
    let [common, commonDeclined] = [0, 0];
    for (const { name, bytes } of mails) {
      for (const one of [bytes, editMail(bytes, [{ kind: "crlf", at: 0 }])]) {
        const fast = readInRoom(one);
        const isCommon = !name.startsWith("hard/") && !hostile.some((mail) => mail.name === name);
        if (isCommon) common++;
        if (typeof fast === "string") {
          declined.set(fast, (declined.get(fast) ?? 0) + 1);
          if (isCommon) commonDeclined++;
        } else if (JSON.stringify(comparable(fast)) !== JSON.stringify(comparable(await parseByStreams(one, limits)))) different.push(name);
      }
    }
    expect(different).toEqual([]);
    // 99.3 % on 2026-11-27; the rest is broken mail
    expect(1 - commonDeclined / common, JSON.stringify([...declined])).toBeGreaterThan(0.98);
    expect(declined.get("failed")).toBeUndefined();
  }, 120_000);
});

/** Of a message. Not by `fc.double`: of the doubles below 1 nearly all are next to nought, and every change would be at the first byte. */
const share = fc.integer({ min: 0, max: 99_999 }).map((parts) => parts / 100_000);
/** Half of the changes in the first part of a message, where the head is. */
const place = fc.oneof(
  share,
  share.map((at) => at / 8),
);
const edit: fc.Arbitrary<MailEdit> = fc.oneof(
  place.map((at) => ({ kind: "cut" as const, at })),
  fc.record({ kind: fc.constant("set-byte" as const), at: place, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant("insert" as const), at: place, text: fc.constantFrom(...mailFragments) }),
  fc.record({ kind: fc.constantFrom("swap-lines" as const, "copy-line" as const), at: place, to: place }),
  place.map((at) => ({ kind: "drop-line" as const, at })),
  fc.record({
    kind: fc.constant("delimiter" as const),
    at: share,
    how: fc.constantFrom(
      "drop" as const,
      "close" as const,
      "open" as const,
      "copy" as const,
      "blank" as const,
      "cr" as const,
      "longer" as const,
    ),
  }),
  fc.constant({ kind: "crlf" as const, at: 0 }),
);
const edits = fc.array(edit, { maxLength: 4 });

describe("a message that was changed by chance is read as mailparser reads it, or declined", () => {
  test(
    "when it was real",
    async () => {
      const small = mails.filter(({ bytes }) => bytes.length < 50_000);
      await fc.assert(
        fc.asyncProperty(fc.nat(small.length - 1), edits, async (index, changes) => {
          await difference(editMail(small[index]?.bytes ?? new Uint8Array(), changes));
        }),
        { numRuns: cases },
      );
    },
    Math.max(60_000, cases * caseMs),
  );

  test(
    "when it was made up",
    async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(madeUpMail(), edits, async (bytes, changes) => {
          if ((await difference(editMail(bytes, changes))) === undefined) compared++;
        }),
        { numRuns: cases },
      );
      // a property that hardly ever has something to compare proves nothing
      expect(compared).toBeGreaterThan(cases / 4);
    },
    Math.max(60_000, cases * caseMs),
  );
});

const { inlineBodyBytes: most } = eventLimits;
/** How often a text stands in a body of so many bytes, and a letter more. */
const fill = (bytes: number, text: string, isOneMore: boolean): string =>
  text.repeat(Math.floor(bytes / text.length)) + (isOneMore ? "x" : "");

describe("a body that is as long as an event may hold, or a letter longer, is read as mailparser reads it", () => {
  const utf8 = "Content-Type: text/plain; charset=utf-8\n";
  const latin1 = "Content-Type: text/html; charset=iso-8859-1\n";
  test.each([
    ["in its bytes", utf8, "x", most],
    ["in its JSON", utf8, '"', most / 2],
    ["in UTF-8, of a charset with a byte for each character", latin1, "\xe9", most / 2],
    ["in its bytes before they are decoded", `${utf8}Content-Transfer-Encoding: quoted-printable\n`, "=41x", most],
    ["in its lines", utf8, "x\r\n", most],
    ["of a charset whose decoder ends with a number", "Content-Type: text/plain; charset=cesu-8\n", "x", most],
  ])("%s", async (_, head, text, bytes) => {
    for (const isOneMore of [false, true]) {
      const one = `${head}\n${fill(bytes, text, isOneMore)}`;
      expect(await difference(Buffer.from(one, "latin1"))).toBeUndefined();
      const part = `--b\n${one}\n`;
      const parts = `Content-Type: multipart/mixed; boundary=b\n\n${part}--b\n${head}\nshort\n${part}--b--\n`;
      expect(await difference(Buffer.from(parts, "latin1"))).toBeUndefined();
    }
  });
});

test("base64 is decoded wherever its padding stands, and whatever else stands in it", async () => {
  const piece = fc.constantFrom(
    ...["QUJD", "QQ==", "QUI=", "Q", "QU", "=", "==", "A/+b", "-", "_", " ", "\u00e9", "\n", "\r\n"],
    ...["_".repeat(47), "-- \r\n", "To unsubscribe: mail to list-off@example.org\r\n"],
  );
  const type = fc.constantFrom("text/plain; charset=iso-8859-1", "text/html", "text/plain; format=flowed", "application/octet-stream");
  await fc.assert(
    fc.asyncProperty(type, fc.array(piece, { maxLength: 30 }), async (contentType, pieces) => {
      const text = `Content-Type: ${contentType}\r\nContent-Transfer-Encoding: base64\r\n\r\n${pieces.join("")}`;
      expect(await difference(Buffer.from(text, "latin1"))).toBeUndefined();
    }),
    { numRuns: cases },
  );
});

/** Heads, parts and bodies in every combination that mailers make, and some that they do not. */
function madeUpMail(): fc.Arbitrary<Buffer> {
  const word = fc.constantFrom(
    "a",
    "Grüße",
    "x y",
    "=?utf-8?q?=C3=A4?=",
    "=?big5?B?p0GmbA==?=",
    "€".repeat(30),
    "tail ",
    " lead",
    ">quoted",
    "-- ",
  );
  const line = fc.oneof(
    fc.array(word, { maxLength: 5 }).map((words) => words.join(" ")),
    fc.constantFrom("", "--", "--b0", "--b1--", ".", "a=3D=\nb", "=E2=82=AC=20", "trailing \t", "=", "=zz", "AAECAw==", "eHl6", "\r"),
  );
  const body = fc.array(line, { maxLength: 6 }).map((lines) => lines.join("\n"));
  const charset = fc.constantFrom(
    ...[
      "",
      "; charset=utf-8",
      "; charset=us-ascii",
      '; charset="ISO-8859-1"',
      "; charset=iso-8859-15",
      "; charset=windows-1252; format=flowed",
    ],
    ...[
      "; charset=cp1251",
      "; charset=koi8-r",
      "; charset=gbk",
      "; charset=shift_jis",
      "; charset=utf-16le",
      "; charset=klingon",
      "; format=flowed",
    ],
    ...[
      "; charset=windows-1255",
      "; charset=iso-2022-jp",
      "; charset=utf-7",
      "; charset=macintosh",
      "; format=flowed; delsp=yes",
      "; charset=latin1",
    ],
  );
  const type = fc.oneof(
    fc.tuple(fc.constantFrom("text/plain", "text/html", "TEXT/Plain"), charset).map(([name, rest]) => name + rest),
    fc.constantFrom("image/png; name=a.png", 'application/octet-stream; name="a b.pdf"', "message/rfc822", "text/calendar; method=REQUEST"),
  );
  const field = fc.oneof(
    fc.constantFrom(
      ...["Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: Quoted-Printable", "Content-Transfer-Encoding: 8bit"],
      ...["Content-Disposition: inline", "Content-Disposition: attachment; filename=a.txt", "Content-ID: <i@a>", "X-Other: (c)"],
      ...["Content-Disposition: attachment;\n filename*0*=utf-8''%E2%82%AC;\n filename*1=b.txt", "Content-Disposition: form-data"],
      ...['Content-Disposition: attachment; filename="=?utf-8?q?=C3=A4?=.txt"', "Content-Description: x"],
    ),
    type.map((value) => `Content-Type: ${value}`),
    type.map((value) => `Content-Type: ${value}`),
  );
  const leaf = fc
    .tuple(fc.array(field, { maxLength: 3 }), body)
    .map(([fields, text]) => `${fields.map((one) => `${one}\n`).join("")}\n${text}`);
  const multipart = (level: number, part: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc
      .tuple(
        fc.constantFrom("mixed", "alternative", "related"),
        fc.array(part, { maxLength: 3 }),
        fc.constantFrom("", "preamble\n"),
        fc.boolean(),
      )
      .map(
        ([kind, parts, before, isClosed]) =>
          `Content-Type: multipart/${kind};\n boundary="b${level}"\n\n${before}${parts.map((one) => `--b${level}\n${one}\n`).join("")}${isClosed ? `--b${level}--\nepilogue` : ""}`,
      );
  const inner = fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 1, arbitrary: multipart(1, leaf) });
  const head = fc.array(
    fc.oneof(
      fc
        .tuple(
          fc.constantFrom("From", "To", "cc", "Reply-To"),
          fc.array(
            fc.oneof(
              fc.constantFrom(
                "a@b.example",
                "<a@b.example>",
                "A B <a@b.example>",
                '"a@b.example" <a@b.example>',
                '"A, B" <c@d.example>',
                "A.B <c@d>",
              ),
              fc.constantFrom(
                "=?utf-8?q?=C3=A4?= <a@b.example>",
                "a@xn--bcher-kva.example",
                "Team: a@b.example;",
                "nobody",
                "a@b (c)",
                "Ä <a@b.example>",
              ),
              fc.constantFrom(
                "x@y <a@b.example>",
                "'O' <a@b.example>",
                "=a=b.example=@c.example",
                '"B" <a+b=c.example@d.example>',
                "=?q?=@a.example",
                "<a@[1.2.3.4]>",
                '"" <a@b.example>',
                "a@b.example c@d.example",
                "",
              ),
            ),
            { maxLength: 3 },
          ),
          fc.constantFrom(", ", ",", ",\n "),
        )
        .map(([name, list, comma]) => `${name}: ${list.join(comma)}`),
      fc.constantFrom(
        ...[
          "Subject: =?utf-8?q?a?= =?utf-8?q?b?=",
          "Subject: Grüße",
          "Subject:\n folded\n\ttwice",
          "Message-ID: <a@b>",
          "In-Reply-To: x <a@b>",
        ],
        ...["References: <a@b>\n <c@d>", "Date: Mon, 2 Mar 2026 10:00:00 +0100", "Date: never", "X-Empty:", "x y: z", "MIME-Version: 1.0"],
      ),
    ),
    { maxLength: 5 },
  );
  const root = fc.oneof({ weight: 1, arbitrary: leaf }, { weight: 3, arbitrary: multipart(0, inner) });
  return fc
    .tuple(head, root, fc.constantFrom("\n", "\r\n"), fc.constantFrom("utf8" as const, "latin1" as const))
    .map(([fields, rest, eol, encoding]) => Buffer.from((fields.map((one) => `${one}\n`).join("") + rest).replaceAll("\n", eol), encoding));
}

describe("a message is left to mailparser", () => {
  const part = (head: string, body = "x"): string => `Content-Type: multipart/mixed; boundary=b\n\n--b\n${head}\n\n${body}\n--b--\n`;
  test.each<[Decline, string]>([
    ["no-head", "\ntext"],
    ["mbox-line", "From a@b Mon Mar 2 10:00:00 2026\nSubject: x\n\ntext"],
    ["head-line", "Subject: x\nno field\n\ntext"],
    ["bare-cr", "Subject: a\rb\n\ntext"],
    ["head-nul", "Subject: a\0b\n\ntext"],
    ["head-unended", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n--b--\n"],
    ["content-field", part("Content-Disposition: attachment; filename=a.pdf")],
    ["encoding-comment", part("Content-Transfer-Encoding: base64 (really)")],
    ["boundary", "Content-Type: multipart/mixed\n\n--b\n\nx\n--b--\n"],
    ["delimiter", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\r\r\n\ny\n--b--\n"],
    ["no-parts", "Content-Type: multipart/mixed; boundary=b\n\ntext\n"],
    ["quoted-printable", part("Content-Transfer-Encoding: quoted-printable", "=4=\n1")],
    ["charset", part("Content-Type: text/plain; charset=iso-2022-jp*a")],
    ["near-limit", `Subject: x\n${"X: y\n".repeat(10_001)}\ntext`],
  ])("for %s", async (reason, text) => {
    const bytes = Buffer.from(text, "latin1");
    expect(readFast(bytes, limits)).toBe(reason);
    expect(await parseMessage(bytes, limits)).toEqual(await parseByStreams(bytes, limits));
  });
});
