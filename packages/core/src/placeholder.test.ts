import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPlaceholder } from "./placeholder.ts";

const marker = "The server couldn't retrieve the following message:";
const subject = "Subject: Retrieval using the IMAP4 protocol failed for the following message:\r\n 15541";
const quoted = '\r\nSubject: "Planning"\r\nFrom: "Ann" ("ann@contoso.example")\r\nSent date: 20.12.2013 11:12:26\r\n';
const rest = "\r\nThe message hasn't been deleted. You might be able to view it using either Outlook or Outlook Web App.\r\n";

function message(change: { subject?: string; head?: string; body?: string } = {}): Buffer {
  const head = `From: Microsoft Exchange Server 2010\r\nTo: "support@contoso.example"\r\n${change.subject ?? subject}\r\n`;
  const body = change.body ?? `${marker}\r\n${quoted}${rest}`;
  return Buffer.from(`${head}MIME-Version: 1.0\r\n${change.head ?? ""}\r\n${body}`, "latin1");
}

const base64 = (text: string): string =>
  Buffer.from(text)
    .toString("base64")
    .replace(/(.{76})/g, "$1\r\n");

describe("a placeholder is known", () => {
  test.each([
    ["as a client saw it: the subject folded before the number", message()],
    ["in one line", message({ subject: "Subject: Retrieval using the IMAP4 protocol failed for the following message: 4711" })],
    ["over POP3", message({ subject: "Subject: Retrieval using the POP3 protocol failed for the following message: 9" })],
    ["with LF alone", Buffer.from(message().toString("latin1").replaceAll("\r\n", "\n"), "latin1")],
    [
      "in quoted-printable, the line broken inside the marker",
      message({ body: "The server couldn't retrieve the follow=\r\ning message:\r\n" }),
    ],
    ["with the apostrophe of Windows-1252", message({ body: "The server couldn\u0092t retrieve the following message:\r\n" })],
    ["with it in quoted-printable", message({ body: "The server couldn=E2=80=99t retrieve the following message:\r\n" })],
    ["with it in UTF-8", message({ body: Buffer.from("The server couldn’t retrieve the following message:").toString("latin1") })],
    ["with it as an entity", message({ body: "<p>The server couldn&#39;t retrieve the following message:</p>" })],
    ["in other words", message({ body: "The server could not retrieve the following message:" })],
    ["in base64", message({ head: "Content-Transfer-Encoding: base64\r\n", body: base64(`${marker}\r\n${quoted}${rest}`) })],
    ["in base64 inside a part", message({ body: `--x\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(marker + rest)}\r\n--x--\r\n` })],
  ])("%s", (_name, bytes) => {
    expect(isPlaceholder(bytes)).toBe(true);
  });
});

describe("mail is no placeholder", () => {
  test.each([
    ["that was sent by somebody, whatever it says", message({ head: "Message-ID: <1@contoso.example>\r\n" })],
    ["whose id stands on the next line", message({ head: "Message-ID:\r\n <1@contoso.example>\r\n" })],
    ["that forwards one", message({ subject: `Subject: FW: ${subject.slice(9)}` })],
    ["with the subject alone", message({ body: "What does this mean?\r\n" })],
    ["with the text alone", message({ subject: "Subject: What does this mean?" })],
    [
      "without a number in the subject",
      message({ subject: "Subject: Retrieval using the IMAP4 protocol failed for the following message:" }),
    ],
    ["with two subjects", message({ subject: `${subject}\r\nSubject: x` })],
    ["that has the text in a header", message({ head: `X-Note: ${marker}\r\n`, body: "" })],
    ["without a body", Buffer.from(message().toString("latin1").split("\r\n\r\n")[0] ?? "", "latin1")],
    ["of more than four kilobytes", message({ body: `${marker}\r\n${"x".repeat(4_096)}` })],
    ["of no bytes at all", Buffer.alloc(0)],
  ])("%s", (_name, bytes) => {
    expect(isPlaceholder(bytes)).toBe(false);
  });
});

test("any bytes are looked at without a throw, quickly, and none of them is a placeholder without both marks", () => {
  const from = performance.now();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4_096 }), fc.boolean(), (noise, hasSubject) => {
      const bytes = hasSubject ? Buffer.concat([message({ body: "" }), noise]) : noise;
      expect(isPlaceholder(bytes)).toBe(false);
    }),
    { numRuns: 300 },
  );
  for (const line of ["=\n", "couldn", "A".repeat(76) + "\n", " \n", "the server "])
    isPlaceholder(message({ body: line.repeat(1_000).slice(0, 3_800) }));
  expect(performance.now() - from).toBeLessThan(5_000);
});

test("any UID, any quoted subject and sender, any encoding", () => {
  const line = fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[\r\n]/g, " "));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 0xffff_ffff }),
      line,
      line,
      fc.constantFrom("7bit", "qp", "base64"),
      (uid, title, sender, encoding) => {
        const text = `${marker}\r\n\r\nSubject: "${title}"\r\nFrom: ${sender}\r\n${rest}`;
        const body =
          encoding === "base64"
            ? base64(text)
            : encoding === "qp"
              ? text.replaceAll("=", "=3D").replace(/(.{30}couldn't.{9})/, "$1=\r\n")
              : text;
        const head = `Subject: Retrieval using the IMAP4 protocol failed for the following message: ${uid}`;
        expect(isPlaceholder(message({ subject: head, body }))).toBe(true);
      },
    ),
  );
});
