import dns from "node:dns";
import { Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { asParsed, type ParsedMessage } from "@mailfleet/core";
import { hostileMails } from "@mailfleet/testkit/hostile-mail";
import { htmlPartSeparator } from "./join-html.ts";
import { parseMessage } from "./parse-message.ts";

const limits = { parts: 1_000, depth: 100, headerBytes: 1024 * 1024, headerFields: 10_000, addresses: 10_000, textBytes: 16e6 };

async function read(lines: readonly string[] | Uint8Array): Promise<ParsedMessage> {
  const result = await parseMessage(lines instanceof Uint8Array ? lines : Buffer.from(lines.join("\r\n")), limits);
  if (!result.ok) throw new Error(result.reason);
  return asParsed(result.message);
}

describe("hostile mail", () => {
  test.each(hostileMails())("$name ends in time: $expected", async ({ bytes, expected }) => {
    const start = performance.now();
    const result = await parseMessage(bytes, limits);
    expect(performance.now() - start).toBeLessThan(10_000);
    if (expected === "read") expect(result.ok).toBe(true);
    else expect(result.ok ? "it was read" : result.reason).toMatch(expected);
  });

  test("a message that asks for something makes us fetch nothing and look nothing up (T34)", async () => {
    const sockets = vi.spyOn(Socket.prototype, "connect");
    const lookUps = vi.spyOn(dns, "lookup");
    const parts = [
      ["Content-Type: text/html", "", '<img src="http://tracker.example/1.png"><link rel=stylesheet href="//tracker.example/c.css">'],
      ['Content-Type: message/external-body; access-type=URL; URL="http://tracker.example/b"', "", "Content-Type: text/plain", ""],
      ["Content-Type: image/svg+xml", "", '<!DOCTYPE s [<!ENTITY x SYSTEM "http://tracker.example/x">]><svg>&x;</svg>'],
      ["Content-Type: multipart/encrypted; protocol=application/pgp-encrypted; boundary=c", "", "--c--"],
    ];
    const lines = [
      "From: a@tracker.example",
      "List-Unsubscribe: <http://tracker.example/u>",
      "Content-Type: multipart/mixed; boundary=b",
      "",
    ];
    const message = await read([...lines, ...parts.flatMap((part) => ["--b", ...part]), "--b--", ""]);
    expect(message.html).toContain("tracker.example");
    for (const { bytes } of hostileMails()) await parseMessage(bytes, limits);
    expect([sockets.mock.calls.length, lookUps.mock.calls.length]).toEqual([0, 0]);
    sockets.mockRestore();
    lookUps.mockRestore();
  });

  test("random bytes give text that every consumer can take", async () => {
    const line = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          "Subject: =?utf-16le?B?ANg=?=",
          "From: =?utf-8?Q?a=00=0D=0A?= <a\0@b>",
          "Content-Type: multipart/mixed; boundary=b",
          "Content-Type: text/plain; charset=utf-16",
          'Content-Disposition: attachment; filename="\0\u202E"',
          "--b",
          "--b--",
          "",
        )
        .map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
        const result = await parseMessage(Buffer.concat(lines.flatMap((one) => [one, Buffer.from("\r\n")])), limits);
        if (!result.ok) return;
        const json = JSON.stringify({ ...result.message, attachments: result.message.attachments.map((one) => ({ ...one, content: 0 })) });
        // JSON.stringify writes a lone surrogate and a NUL as an escape
        expect(json).not.toMatch(/\\ud[89a-f]|\\u0000/i);
        expect(json.isWellFormed()).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the head", () => {
  test("lists every field in order, as written, unfolded, not decoded", async () => {
    const { headers } = await read([
      "X-A: 1",
      "subject : =?utf-8?q?=C3=A4?=",
      "\t b",
      "__proto__: x",
      "constructor: y",
      "X-a: 2",
      "",
      "text",
    ]);
    expect(headers).toEqual([
      ["X-A", "1"],
      ["subject", "=?utf-8?q?=C3=A4?=\t b"],
      ["__proto__", "x"],
      ["constructor", "y"],
      ["X-a", "2"],
    ]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  test("decodes and cleans the named fields", async () => {
    const message = await read([
      "Message-ID: <1@a.example>",
      'In-Reply-To: Message from "A" <a@b.example> of Monday <0@a.example>',
      "References: <x@a.example><y@a.example>",
      "\t<z@a.example>",
      "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe=0D=0ABcc:_v?=",
      "Date: Mon, 2 Mar 2026 10:00:00 +0100",
      "",
      "text",
    ]);
    expect(message).toMatchObject({
      messageId: "<1@a.example>",
      inReplyTo: "<0@a.example>",
      references: ["<x@a.example>", "<y@a.example>", "<z@a.example>"],
      subject: "Grüße Bcc: v",
      date: "2026-03-02T09:00:00.000Z",
      defects: ["line-break-in-field"],
    });
  });

  test.each([
    ['"attacker@evil.example x"@internal.example', [{ name: "", address: '"attacker@evil.example x"@internal.example' }]],
    ["a@b.example", [{ name: "", address: "a@b.example" }]],
    ["<a@b.example>", [{ name: "", address: "a@b.example" }]],
    [
      '"Doe, John" <a@b.example>, c@d.example',
      [
        { name: "Doe, John", address: "a@b.example" },
        { name: "", address: "c@d.example" },
      ],
    ],
    ["=?utf-8?q?CEO_=3Cceo@bank.example=3E?= <a@b.example>", [{ name: "CEO <ceo@bank.example>", address: "a@b.example" }]],
    ["=?utf-8?q?a=0D=0Ab?= <a@b.example>", [{ name: "a b", address: "a@b.example" }]],
    [
      "Team: a@b.example, B <c@d.example>;",
      [
        { name: "", address: "a@b.example", group: "Team" },
        { name: "B", address: "c@d.example", group: "Team" },
      ],
    ],
    ["undisclosed-recipients:;", [{ name: "", address: "", group: "undisclosed-recipients" }]],
    ["Jürgen <a@b.example>", [{ name: "Jürgen", address: "a@b.example" }]],
    ["nobody", [{ name: "nobody", address: "" }]],
  ])("reads the address field %s", async (value, expected) => {
    expect((await read([`To: ${value}`, "", "text"])).to).toEqual(expected);
  });

  test("a plain address means the same with and without the address grammar", async () => {
    const atom = fc.stringMatching(/^[A-Za-z0-9_+-]{1,8}$/);
    const plain = fc.tuple(
      fc.array(atom, { minLength: 1, maxLength: 3 }),
      fc.array(fc.stringMatching(/^[a-z0-9]{1,6}$/), { minLength: 2, maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(
        plain,
        fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,6}( [A-Za-z0-9_-]{1,6}){0,3}$/),
        async ([local, domain], name) => {
          const address = `${local.join(".")}@${domain.join(".")}`;
          // a comment or a second member sends the whole field to the address parser
          const { from, to, cc } = await read([
            `From: ${name} <${address}>`,
            `To: ${name} <${address}>, x@y.example`,
            `Cc: "${name}" <${address}>`,
            "",
            "text",
          ]);
          expect(from).toEqual([{ name, address }]);
          expect(to).toEqual([
            { name, address },
            { name: "", address: "x@y.example" },
          ]);
          expect(cc).toEqual(from);
        },
      ),
    );
  });

  test("lists the addresses of a repeated field, counts the first subject, and says so", async () => {
    const message = await read(["From: a@b.example", "From: c@d.example", "Subject: one", "Subject: two", "Date: never", "", "text"]);
    expect(message.from.map((one) => one.address)).toEqual(["a@b.example", "c@d.example"]);
    expect(message.subject).toBe("one");
    expect(message.defects).toEqual(["duplicate-from", "duplicate-subject", "bad-date"]);
    expect(message.date).toBeUndefined();
  });

  test("bounds ids and references, and keeps the first and the latest", async () => {
    const ids = Array.from({ length: 1_500 }, (_, i) => `<${i}@a>`);
    const message = await read([`Message-ID: <${"a".repeat(5_000)}@b>`, `References: ${ids.join("\r\n ")}`, "", "text"]);
    expect(message.messageId).toHaveLength(998);
    expect(message.references).toEqual(["<0@a>", ...ids.slice(501)]);
    expect(message.defects).toEqual(["id-cut", "references-cut"]);
  });

  test("reads raw bytes as UTF-8, else as windows-1252", async () => {
    expect((await read(["Subject: Grüße", "", "text"])).subject).toBe("Grüße");
    const old = await read(Buffer.from("Subject: \x80 100\r\n\r\ntext", "latin1"));
    expect([old.subject, old.defects]).toEqual(["€ 100", ["raw-header-bytes"]]);
  });

  test.each([
    ["", ["no-headers", "no-body"]],
    ["\r\n", ["no-headers", "no-body"]],
    ["\r\nbody", ["no-headers"]],
    ["Subject: x", ["no-body"]],
  ])("%j is a message all the same", async (text, defects) => {
    expect((await read(Buffer.from(text))).defects).toEqual(defects);
  });
});

describe("the parts", () => {
  const multipart = (...parts: string[]): string[] => [
    "Content-Type: multipart/mixed; boundary=b",
    "",
    ...parts.flatMap((one) => ["--b", one]),
    "--b--",
  ];
  const html = (body: string): string => `Content-Type: text/html\r\n\r\n${body}`;

  test("no tag spans two HTML parts (T28)", async () => {
    const message = await read(multipart(html('<img src="http://x/'), "Content-Type: text/plain\r\n\r\nsecret", html('">')));
    expect(message.html).toBe('<img src="http://x/');
    expect(message.text).toBe("secret");
    expect(message.attachments.map((one) => [one.contentType, Buffer.from(one.content as Uint8Array).toString()])).toEqual([
      ["text/html; charset=utf-8", '">'],
    ]);
    expect(message.defects).toEqual(["html-parts-split"]);
  });

  test("HTML parts that end between tags are joined, and no HTML is made of text", async () => {
    const message = await read(multipart(html("<p>one</p>"), "Content-Type: text/plain\r\n\r\nhttp://a.example <b>", html("<p>two</p>")));
    expect(message.html).toBe(`<p>one</p>${htmlPartSeparator}<p>two</p>`);
    expect((await read(["", "http://a.example <b>"])).html).toBeUndefined();
  });

  test("text parts are joined by line ends", async () => {
    expect((await read(multipart("\r\none", "\r\ntwo"))).text).toBe("one\ntwo");
  });

  test("a forwarded message, a bounce report, an event and winmail.dat stay attachments", async () => {
    const message = await read(
      multipart(
        "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text",
        "Content-Type: message/delivery-status\r\n\r\nStatus: 5.1.1",
        "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR",
        "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\neJ8+Ig==",
      ),
    );
    expect(message.attachments.map((one) => [one.contentType, one.filename, (one.content as Uint8Array).byteLength])).toEqual([
      ["message/rfc822", undefined, 28],
      ["message/delivery-status", undefined, 13],
      ["text/calendar", undefined, 15],
      ["application/ms-tnef", "winmail.dat", 4],
    ]);
    expect(message.text).toBeUndefined();
  });

  test("an attachment keeps its name as data, its bytes, and its content id without brackets", async () => {
    const head =
      'Content-Type: image/png\r\nContent-Disposition: inline; filename="../\u202Ex.png"\r\nContent-ID: <i@a>\r\nContent-Transfer-Encoding: base64';
    const message = await read(multipart(`${head}\r\n\r\nAAECAw==`));
    expect(message.attachments).toEqual([
      { filename: "../x.png", contentType: "image/png", disposition: "inline", contentId: "i@a", content: Buffer.from([0, 1, 2, 3]) },
    ]);
    expect(message.defects).toEqual(["name-cut"]);
  });

  test("an unknown charset is read as UTF-8 and named", async () => {
    const message = await read(["Content-Type: text/plain; charset=klingon", "", "Grüße"]);
    expect([message.text, message.defects]).toEqual(["Grüße", ["charset-unknown"]]);
  });

  test("windows-1252 is decoded as such", async () => {
    const bytes = Buffer.from("Content-Type: text/plain; charset=windows-1252\r\n\r\n\x93\x80\x94", "latin1");
    expect((await read(bytes)).text).toBe("“€”");
  });
});
