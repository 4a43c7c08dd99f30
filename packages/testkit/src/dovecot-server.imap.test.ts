import { readFile } from "node:fs/promises";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDovecot, type RunningDovecot } from "./dovecot-server.ts";
import { tryLogin } from "./imap-login-probe.ts";

let dovecot: RunningDovecot;

beforeAll(async () => {
  dovecot = await startDovecot({ shared: false });
});

afterAll(async () => {
  await dovecot.stop();
});

test("one app-only token opens every mailbox of its tenant", async () => {
  await dovecot.addMailbox("ann@one.example");
  await dovecot.addMailbox("bob@one.example");
  const token = await dovecot.issueToken({ domain: "one.example" });
  expect(await login("ann@one.example", token)).toBe("ok");
  expect(await login("bob@one.example", token)).toBe("ok");
});

test.each([
  ["another tenant's", () => dovecot.issueToken({ domain: "two.example" })],
  ["an expired", () => dovecot.issueToken({ domain: "one.example", expiresInSeconds: -60 })],
  ["a foreign issuer's", () => dovecot.issueToken({ domain: "one.example", claims: { iss: "https://elsewhere.example/" } })],
  ["a garbage", () => Promise.resolve("not.a.token")],
])("%s token is refused", async (_name, makeToken) => {
  await dovecot.addMailbox("ann@one.example");
  const answer = await login("ann@one.example", await makeToken());
  expect(answer).toContain("refused");
});

test("a mailbox that was not added is refused, and a removed one again", async () => {
  const token = await dovecot.issueToken({ domain: "three.example" });
  expect(await login("new@three.example", token)).toContain("refused");
  await dovecot.addMailbox("new@three.example");
  expect(await login("new@three.example", token)).toBe("ok");
  await dovecot.removeMailbox("new@three.example");
  expect(await login("new@three.example", token)).toContain("refused");
});

test("offers Exchange's capabilities and nothing that Exchange lacks", async () => {
  const answer = await commands("caps@four.example", ["CAPABILITY"]);
  expect(answer).toContain("IDLE NAMESPACE LITERAL+");
  expect(answer).not.toMatch(/CONDSTORE|QRESYNC|ESEARCH|SPECIAL-USE|COMPRESS|OAUTHBEARER|AUTH=PLAIN/);
});

test("messages get UIDs in the order of delivery, with their flags, dates and sizes", async () => {
  const user = "order@four.example";
  const messages = Array.from({ length: 60 }, (_, index) => ({ raw: mail(`number ${index + 1}`) }));
  await dovecot.fill(user, "Projects/Überblick", messages.slice(0, 30));
  await commands(user, ["STATUS Projects (MESSAGES)"]);
  await dovecot.fill(user, "Projects/Überblick", messages.slice(30));
  await dovecot.deliver(user, "Projects/Überblick", mail("last"), {
    flags: ["\\Seen", "\\Flagged"],
    date: new Date("2020-05-17T10:11:12Z"),
  });
  const answer = await commands(user, [
    "SELECT Projects/&ANw-berblick",
    "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])",
    "UID FETCH 61 (FLAGS INTERNALDATE RFC822.SIZE)",
  ]);
  const subjects = [...answer.matchAll(/Subject: (.*)\r/g)].map((match) => match[1]);
  expect(subjects).toEqual([...messages.map((_, index) => `number ${index + 1}`), "last"]);
  expect(answer).toMatch(/UID 61 FLAGS \(\\Flagged \\Seen[^)]*\) INTERNALDATE "17-May-2020 10:11:12 \+0000" RFC822.SIZE 23/);
});

test("UIDs and UIDVALIDITY can be forced in a new folder", async () => {
  const user = "forced@four.example";
  await dovecot.fill(
    user,
    "INBOX",
    [7, 9, 4_294_967_290].map((uid) => ({ uid, raw: mail(`uid ${uid}`) })),
    { uidValidity: 77 },
  );
  const answer = await commands(user, ["SELECT INBOX", "UID SEARCH ALL"]);
  expect(answer).toContain("[UIDVALIDITY 77]");
  expect(answer).toContain("* SEARCH 7 9 4294967290");
});

test("a folder whose UIDs were forgotten has another UIDVALIDITY", async () => {
  const user = "reset@four.example";
  await dovecot.fill(user, "INBOX", [{ raw: mail("kept") }]);
  const before = /UIDVALIDITY (\d+)/.exec(await commands(user, ["STATUS INBOX (UIDVALIDITY MESSAGES)"]));
  await dovecot.forgetUids(user, "INBOX");
  const after = /UIDVALIDITY (\d+)/.exec(await commands(user, ["STATUS INBOX (UIDVALIDITY MESSAGES)"]));
  expect(Number(after?.[1])).toBeGreaterThan(Number(before?.[1]));
});

test("sixty sessions of one mailbox work at the same time", async () => {
  await dovecot.addMailbox("many@five.example");
  const token = await dovecot.issueToken({ domain: "five.example" });
  const answers = await Promise.all(Array.from({ length: 60 }, () => commandsWith("many@five.example", token, ["SELECT INBOX", "NOOP"])));
  expect(answers.filter((answer) => answer.includes("b1 OK"))).toHaveLength(60);
});

function mail(subject: string): Uint8Array {
  return Buffer.from(`Subject: ${subject}\n\nbody\n`);
}

async function login(user: string, token: string): Promise<string> {
  return tryLogin({ ...dovecot.imap, caFile: dovecot.caFile, user, token });
}

async function commands(user: string, lines: readonly string[]): Promise<string> {
  const [, domain = ""] = user.split("@");
  await dovecot.addMailbox(user);
  return commandsWith(user, await dovecot.issueToken({ domain }), lines);
}

/** Everything the server says up to the last command's tagged answer; commands are tagged b0, b1 ... */
async function commandsWith(user: string, token: string, lines: readonly string[]): Promise<string> {
  const ca = await readFile(dovecot.caFile);
  const initial = Buffer.from(`user=${user}\u0001auth=Bearer ${token}\u0001\u0001`).toString("base64");
  return new Promise((resolve, reject) => {
    const socket = connect({ ...dovecot.imap, servername: "localhost", ca });
    let received = "";
    let sent = -1;
    socket.setEncoding("utf8");
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`closed after ${received}`)));
    socket.once("data", () => socket.write(`b AUTHENTICATE XOAUTH2 ${initial}\r\n`));
    socket.on("data", (chunk: string) => {
      received += chunk;
      if (!new RegExp(`^b${sent === -1 ? "" : sent} [A-Z]`, "m").test(received)) return;
      sent += 1;
      const line = lines[sent];
      if (line !== undefined) {
        socket.write(`b${sent} ${line}\r\n`);
        return;
      }
      resolve(received);
      socket.destroy();
    });
  });
}
