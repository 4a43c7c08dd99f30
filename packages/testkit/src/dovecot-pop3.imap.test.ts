import { readFile } from "node:fs/promises";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { sharedDovecot } from "./shared-services.ts";
import { uniqueName } from "./unique-name.ts";

const mail = (subject: string): Buffer => Buffer.from(`Subject: ${subject}\n\nbody\n`);

test("an app-only token opens every mailbox of its tenant by POP3 too, and none of another", async () => {
  const dovecot = await sharedDovecot();
  const domain = `${uniqueName()}.example`;
  await dovecot.addMailbox(`ann@${domain}`);
  await dovecot.addMailbox(`bob@${domain}`);
  const token = await dovecot.issueToken({ domain });
  expect(await commands(`ann@${domain}`, token, ["STAT"])).toContain("+OK 0 0");
  expect(await commands(`bob@${domain}`, token, ["STAT"])).toContain("+OK 0 0");
  const foreign = await dovecot.issueToken({ domain: `else.${domain}` });
  expect(await commands(`ann@${domain}`, foreign, ["STAT"])).toContain("-ERR");
});

test("XOAUTH2 is the only mechanism on offer", async () => {
  const { user, token } = await newMailbox();
  const answer = await commands(user, token, ["STAT"], ["CAPA"]);
  expect(answer).toMatch(/^SASL XOAUTH2\r$/m);
});

test("UIDLs are IMAP UIDs in decimal digits, or no numbers at all in a mailbox where that was asked for", async () => {
  const { dovecot, user, token } = await newMailbox();
  await dovecot.fill(
    user,
    "INBOX",
    [7, 9].map((uid) => ({ uid, raw: mail(`uid ${uid}`) })),
  );
  expect(uidlsOf(await commands(user, token, ["UIDL", "NOOP"]))).toEqual(["7", "9"]);
  await dovecot.setUidls(user, "opaque");
  await dovecot.deliver(user, "INBOX", mail("ten"));
  const uidls = uidlsOf(await commands(user, token, ["UIDL", "NOOP"]));
  expect(uidls.map((uidl) => uidl.slice(0, 8))).toEqual(["00000007", "00000009", "0000000a"]);
  for (const uidl of uidls) expect(uidl).toMatch(/^[\da-f]{16}$/);
});

test("a message that was delivered is in the list of the next session, each time", async () => {
  const { dovecot, user, token } = await newMailbox();
  for (let count = 1; count <= 12; count++) {
    await dovecot.deliver(user, "INBOX", mail(`number ${count}`));
    expect(await commands(user, token, ["STAT"])).toContain(`+OK ${count} `);
  }
});

test("UIDLs and the order of the list can be forced in a new mailbox", async () => {
  const { dovecot, user, token } = await newMailbox();
  await dovecot.fill(user, "INBOX", [
    { raw: mail("a"), uidl: "AAMkAD-old~item", pop3Order: 3 },
    { raw: mail("b"), pop3Order: 2 },
    { raw: mail("c"), pop3Order: 1 },
  ]);
  expect(uidlsOf(await commands(user, token, ["UIDL", "NOOP"]))).toEqual(["3", "2", "AAMkAD-old~item"]);
});

async function newMailbox(): Promise<{ dovecot: Awaited<ReturnType<typeof sharedDovecot>>; user: string; token: string }> {
  const dovecot = await sharedDovecot();
  const domain = `${uniqueName()}.example`;
  const user = `ann@${domain}`;
  await dovecot.addMailbox(user);
  return { dovecot, user, token: await dovecot.issueToken({ domain }) };
}

function uidlsOf(answer: string): string[] {
  return [...answer.matchAll(/^\d+ (\S+)\r$/gm)].map((match) => match[1] ?? "");
}

/**
 * Everything the server says up to the last command's status line. After a list a NOOP belongs: its status line is the one that is
 * waited for.
 */
async function commands(user: string, token: string, lines: readonly string[], before: readonly string[] = []): Promise<string> {
  const { pop3, caFile } = await sharedDovecot();
  const ca = await readFile(caFile);
  const login = Buffer.from(`user=${user}\u0001auth=Bearer ${token}\u0001\u0001`).toString("base64");
  return new Promise((resolve, reject) => {
    const socket = connect({ ...pop3, servername: "localhost", ca });
    const said = [...before, "AUTH XOAUTH2", login, ...lines];
    let received = "";
    let statuses = 0;
    let part = "";
    socket.setEncoding("utf8");
    socket.once("error", reject);
    socket.once("close", () => resolve(received));
    socket.on("data", (chunk: string) => {
      received += chunk;
      const whole = (part + chunk).split("\r\n");
      part = whole.pop() ?? "";
      for (const line of whole) {
        if (!/^(\+|-ERR)/.test(line)) continue;
        const next = said[statuses++];
        if (line.startsWith("-ERR") || next === undefined) return void socket.destroy();
        socket.write(`${next}\r\n`);
      }
    });
  });
}
