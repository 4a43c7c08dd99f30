import { lookup } from "node:dns";
import { readFile } from "node:fs/promises";
import { type MailboxRef, type MailSource, Secret } from "@mailfleet/core";
import { createImapSource } from "@mailfleet/imap";
import { createPop3Source } from "@mailfleet/pop3";
import { eachMessage, seededChance, sharedDovecot, silentLog, uniqueName } from "@mailfleet/testkit";
import { expect, test } from "vitest";

const head = "From: ann@contoso.example\r\nSubject: odd\r\nMessage-ID: <odd@contoso.example>\r\n\r\n";
const never = new AbortController().signal;

/** How one message comes over both protocols. */
async function asRead(raws: readonly Buffer[]): Promise<{ readonly imap: readonly Buffer[]; readonly pop3: readonly Buffer[] }> {
  const dovecot = await sharedDovecot();
  const domain = `${uniqueName("bytes")}.example`;
  const address = `ann@${domain}`;
  await dovecot.fill(
    address,
    "INBOX",
    raws.map((raw) => ({ raw })),
  );
  const ca = await readFile(dovecot.caFile, "utf8");
  const options = { log: silentLog, scrub: (text: string) => text, clock: { monotonic: () => performance.now() }, lookUp: lookup };
  const token = { value: new Secret(await dovecot.issueToken({ domain })), expiresAt: Date.now() + 3_600_000 };
  const read = async (protocol: MailboxRef["protocol"], source: MailSource): Promise<readonly Buffer[]> => {
    const session = await source.open({ tenant: "contoso", address, protocol }, token, never);
    await session.open("INBOX");
    const rows: Buffer[] = [];
    for await (const { bytes } of eachMessage(session.fetch(await session.listUids(1, 4_294_967_295)))) rows.push(Buffer.from(bytes));
    await session.close();
    return rows;
  };
  return {
    imap: await read("imap", createImapSource({ ...options, endpoint: () => ({ ...dovecot.imap, tls: true, ca }) })),
    pop3: await read("pop3", createPop3Source({ ...options, endpoint: () => ({ ...dovecot.pop3, tls: true, ca }) })),
  };
}

/** What a server makes of bare line feeds: the line ends of both protocols are CR LF. */
function withLineEnds(raw: Buffer): Buffer {
  return Buffer.from(raw.toString("latin1").replace(/(?<!\r)\n/g, "\r\n"), "latin1");
}

/** IMAP cannot send NUL (RFC 9051 section 4.3), and Dovecot puts 0x80 in its place; POP3 can. */
function overImap(raw: Buffer): Buffer {
  return Buffer.from(withLineEnds(raw).map((byte) => (byte === 0 ? 0x80 : byte)));
}

/** A message over POP3 ends with a line end, because the line with the dot follows it. */
function overPop3(raw: Buffer): Buffer {
  const sent = withLineEnds(raw);
  return sent.at(-1) === 0x0a ? sent : Buffer.concat([sent, Buffer.from("\r\n")]);
}

const odd: readonly (readonly [string, string | Uint8Array])[] = [
  ["plain", "a\r\nb\r\n"],
  ["no line end at its end", "a\r\nb"],
  ["a return at its end", "a\r"],
  ["no body", ""],
  ["NUL", "a\0b\0\0\r\n\0"],
  ["bare line feeds", "a\nb\n.\nc\n"],
  ["bare returns", "a\rb\r\r\n\rc\r\n"],
  ["bytes that are no UTF-8", new Uint8Array([0x80, 0xff, 0xfe, 0x0d, 0x0a])],
  ["every byte", new Uint8Array(Array.from({ length: 256 }, (_, byte) => byte))],
  ["dots", ".\r\n..\r\n.a\r\n...\r\na.\r\n\r\n.\r\n"],
  ["a dot at its end", "a\r\n."],
  ["lines of 998 and more", `${"x".repeat(998)}\r\n${"y".repeat(999)}\r\n.${"z".repeat(200_000)}\r\n`],
  ["two megabytes", `${"0123456789".repeat(7)}\r\n`.repeat(30_000)],
];

test("odd messages come from Dovecot as they were delivered, but for what each protocol cannot say", async () => {
  const raws = odd.map(([, body]) => Buffer.concat([Buffer.from(head), Buffer.from(body)]));
  const { imap, pop3 } = await asRead(raws);
  for (const [at, [name]] of odd.entries()) {
    const raw = raws[at] as Buffer;
    expect(pop3[at]?.equals(overPop3(raw)), `${name} over POP3`).toBe(true);
    expect(imap[at]?.equals(overImap(raw)), `${name} over IMAP`).toBe(true);
  }
});

test("messages of random bytes, full of dots and line ends, come over POP3 as they were delivered", async () => {
  const chance = seededChance(19);
  const letters = Buffer.from(".\r\n\0a\xff", "latin1");
  const raws = Array.from({ length: 400 }, () => {
    const body = Buffer.from(
      Array.from({ length: Math.floor(chance.random() * 400) }, () => letters[Math.floor(chance.random() * 6)] ?? 0),
    );
    return Buffer.concat([Buffer.from(head), body]);
  });
  const { pop3 } = await asRead(raws);
  const wrong = raws.filter((raw, at) => pop3[at]?.equals(overPop3(raw)) !== true);
  expect(wrong.map((raw) => raw.subarray(head.length).toString("latin1"))).toEqual([]);
});
