import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Queue } from "bullmq";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFileStore } from "@mailfleet/blobs";
import { joinJson, type MailEvent, outgoing, type ParsedMessage, writeMessage, writeMessageEvent } from "@mailfleet/core";
import { eventJobOptions, eventJobId } from "../../packages/queue/src/event-jobs.ts";
import { type RunningRedis, seededChance, startRedis } from "@mailfleet/testkit";
import { until } from "../e2e/fleet.ts";

const root = path.join(import.meta.dirname, "../..");
const mailbox = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" } as const;
const clock = { now: () => Date.UTC(2026, 10, 23, 14, 3, 22), monotonic: () => 0, sleep: () => Promise.resolve() };

let dir: string;
let server: RunningRedis;
let queue: Queue;
const children: ChildProcess[] = [];

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "mailfleet-examples-"));
  server = await startRedis({ shared: false });
  queue = new Queue("messages", { connection: { port: server.port }, prefix: "{mailfleet}" });
  await mkdir(path.join(dir, "redis"));
  await writeFile(path.join(dir, "redis/connection.json"), JSON.stringify({ port: server.port }));
  await writeFile(path.join(dir, "redis/redis.pid"), `${server.pid}\n`);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await queue.close();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

interface Mail {
  readonly uid: number;
  readonly message?: Partial<ParsedMessage>;
  readonly folder?: string;
  readonly raw?: Buffer;
}

/** Events and blobs as a worker leaves them. */
async function handOff(mails: readonly Mail[], more: readonly MailEvent[] = []): Promise<readonly MailEvent[]> {
  const batch = createFileStore({ dir: path.join(dir, "blobs"), clock, chance: seededChance(mails[0]?.uid) }).startBatch(mailbox);
  const events = mails.map(({ uid, message, folder = "INBOX", raw = Buffer.from(`Subject: ${uid}\r\n\r\nraw ${uid}`) }): MailEvent => {
    const key = `contoso/support@contoso.example/${folder}/1.1/${uid}`;
    const { json } = writeMessageEvent({
      mailbox,
      folder: { path: folder, ...(folder === "INBOX" && { role: "inbox" as const }) },
      uid,
      uidValidity: "1",
      key,
      lane: "fresh",
      at: clock.now(),
      flags: [],
      internalDate: clock.now(),
      isResync: false,
      parser: { name: "mailparser", version: "3" },
      raw: batch.put("raw", key, raw),
      message: writeMessage({
        messageId: `<${uid}@mail.example>`,
        subject: `message ${uid}`,
        references: [],
        from: [{ name: "Jürgen", address: "j@mail.example" }],
        to: [],
        cc: [],
        bcc: [],
        replyTo: [],
        sender: [],
        headers: [],
        text: `text of ${uid}`,
        attachments: [],
        defects: [],
        ...message,
      }),
      putBlob: (kind, bytes) => batch.put(kind, key, bytes),
    });
    return JSON.parse(joinJson(json)) as MailEvent;
  });
  await batch.flush();
  const all = [...events, ...more];
  await queue.addBulk(
    all.map((event) => ({ name: event.type, data: event, opts: { ...eventJobOptions, jobId: eventJobId(outgoing(event).id) } })),
  );
  return all;
}

/** An example as a process. */
function run(
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { output: () => string; ended: Promise<number | null>; stop: () => void } {
  const child = spawn(process.execPath, [path.resolve(root, "examples", name), ...args], {
    env: { PATH: process.env["PATH"], ...env },
    cwd: dir,
  });
  children.push(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { output: () => text, ended, stop: () => void child.kill("SIGTERM") };
}

async function consumed(example: ReturnType<typeof run>): Promise<void> {
  await until(
    () => queue.getJobCounts("waiting", "active", "delayed", "failed"),
    (counts) => Object.values(counts).every((count) => count === 0),
    30_000,
    example.output,
  );
  example.stop();
  expect(await example.ended, example.output()).toBe(0);
}

test("print shows each new message, and ends by a signal with nothing left", async () => {
  await handOff([{ uid: 1 }, { uid: 2, message: { subject: "Größe" } }]);
  const example = run("print.ts", [dir]);
  await consumed(example);
  expect(
    example
      .output()
      .split("\n")
      .filter(Boolean)
      .sort((a, b) => a.localeCompare(b)),
  ).toEqual([
    "support@contoso.example  j@mail.example  Größe  0 attachments",
    "support@contoso.example  j@mail.example  message 1  0 attachments",
  ]);
});

test("what a sender wrote moves no cursor of a terminal, and search words that FTS5 refuses are told in a line", async () => {
  const evil = "\u001b]0;owned\u0007\u001b[2Jpaid\u202e";
  await handOff([{ uid: 1, message: { subject: evil, text: `bill\n${evil}` } }]);
  await consumed(run("search.ts", ["index", "mail.db", dir]));
  const found = run("search.ts", ["find", "mail.db", "bill"]);
  expect(await found.ended, found.output()).toBe(0);
  await handOff([{ uid: 2, message: { subject: evil } }]);
  const printed = run("print.ts", [dir]);
  await consumed(printed);
  for (const { output } of [found, printed]) {
    expect(output()).toContain("paid");
    expect(output().replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
  const wrong = run("search.ts", ["find", "mail.db", '"open AND (']);
  expect(await wrong.ended).toBe(2);
  expect(wrong.output()).toMatch(/^FTS5 does not understand these words: .*\n$/);
});

test("an archive on a disk that takes no more keeps no message cut short under its name", async () => {
  const archive = path.join(dir, "archive");
  await handOff([{ uid: 1, message: { text: "short" } }], []);
  // The shell's limit of 4 blocks of 1 KiB, as a disk that fills in the middle of a write.
  const big = Buffer.alloc(9_000, "x");
  await handOff([{ uid: 2, raw: big }]);
  const script = `ulimit -f 8; exec "${process.execPath}" "${path.resolve(root, "examples/archive.ts")}" "${archive}" "${dir}"`;
  const child = spawn("bash", ["-c", script], { env: { PATH: process.env["PATH"] }, cwd: dir });
  children.push(child);
  await until(
    () => queue.getJobCounts("waiting", "active", "delayed", "failed"),
    ({ waiting, active, delayed }) =>
      (waiting === 0 && active === 0 && delayed === 1) || child.exitCode !== null || child.signalCode !== null,
    30_000,
  );
  child.kill("SIGKILL");
  const kept = (await readdir(path.join(archive, "raw"), { recursive: true })).filter((name) => name.endsWith(".eml"));
  expect(kept).toHaveLength(1);
});

test("webhook posts signed events, waits where it is told to, and gives up where asking again is no use", async () => {
  const got: { body: string; headers: IncomingHttpHeaders }[] = [];
  const receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      got.push({ body, headers: request.headers });
      const uid = (JSON.parse(body) as { uid: number }).uid;
      const isFirst = got.filter((one) => one.body === body).length === 1;
      if (uid === 1 && isFirst) return response.writeHead(429, { "retry-after": "1" }).end();
      return response.writeHead(uid === 2 ? 422 : 204).end();
    });
  }).listen(0, "127.0.0.1");
  try {
    await new Promise((resolve) => receiver.once("listening", resolve));
    await handOff([{ uid: 1 }, { uid: 2 }]);
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/mail`;
    const example = run("webhook.ts", [url, dir], { WEBHOOK_SECRET: "hunter2" });
    await until(
      () => queue.getJobCounts("waiting", "active", "delayed", "failed"),
      ({ waiting, active, delayed, failed }) => waiting === 0 && active === 0 && delayed === 0 && failed === 1,
      30_000,
      example.output,
    );
    const [letter] = await queue.getFailed();
    expect(letter?.failedReason).toBe("HTTP 422");
    expect(got.length).toBe(3);
    for (const { body, headers } of got) {
      const signed = createHmac("sha256", "hunter2")
        .update(`${String(headers["x-mailfleet-timestamp"])}.${body}`)
        .digest("hex");
      expect(headers["x-mailfleet-signature"]).toBe(`v1=${signed}`);
    }
    expect(example.output()).not.toContain("hunter2");
  } finally {
    receiver.close();
  }
});

test("tickets files answers with what they answer, each message once", async () => {
  const answer = { inReplyTo: "<1@mail.example>", references: ["<1@mail.example>"], subject: "Re: message 1" };
  await handOff([{ uid: 1 }, { uid: 2 }, { uid: 3, message: answer }, { uid: 4, folder: "Sent" }]);
  await consumed(run("tickets.ts", ["tickets.db", dir]));
  // As after a failover of Redis: the same events once more.
  await handOff([{ uid: 1 }, { uid: 3, message: answer }]);
  await consumed(run("tickets.ts", ["tickets.db", dir]));
  const db = new DatabaseSync(path.join(dir, "tickets.db"));
  const rows = db
    .prepare("SELECT ticket.subject, count(*) AS entries FROM ticket JOIN entry ON ticket = ticket.id GROUP BY ticket.id ORDER BY 1")
    .all();
  db.close();
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { subject: "message 1", entries: 2 },
    { subject: "message 2", entries: 1 },
  ]);
});

test("attachments are saved whole under names that stay in their folder", async () => {
  const content = Buffer.from("%PDF-1.7 the bytes");
  const attachments = [
    { filename: "../../../etc/passwd", contentType: "application/pdf", content },
    { filename: "Rechnung März.pdf", contentType: "application/pdf", content: Buffer.from("other bytes") },
  ];
  await handOff([{ uid: 1, message: { attachments } }]);
  await consumed(run("attachments.ts", [path.join(dir, "out"), dir]));
  const files = (await readdir(path.join(dir, "out"), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  expect(files.map(({ name }) => name.slice(17)).sort((a, b) => a.localeCompare(b))).toEqual(["_.._.._etc_passwd", "Rechnung März.pdf"]);
  const [pdf] = files.filter(({ name }) => name.endsWith("passwd"));
  expect(await readFile(path.join(pdf?.parentPath ?? "", pdf?.name ?? ""))).toEqual(content);
});

test("archive has every event as a line, and raw messages by their hash", async () => {
  const events = await handOff([{ uid: 1 }, { uid: 2 }]);
  const example = run("archive.ts", [path.join(dir, "archive"), dir]);
  await consumed(example);
  expect(example.output()).toBe(`Listening: every event is written to ${path.join(dir, "archive")}. Ctrl-C ends.\n`);
  const lines = (await readFile(path.join(dir, "archive/2026-11-23.ndjson"), "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as MailEvent)).toEqual(events);
  const raw = (await readdir(path.join(dir, "archive/raw"), { recursive: true })).filter((name) => name.endsWith(".eml"));
  expect(raw.length).toBe(2);
});

test("search finds mail by its words, and what was deleted no longer", async () => {
  const [first] = await handOff([
    { uid: 1, message: { subject: "Invoice", text: "the überfällige amount" } },
    { uid: 2, message: { text: "nothing of the kind" } },
  ]);
  await consumed(run("search.ts", ["index", "mail.db", dir]));
  const find = async (): Promise<string> => {
    const asked = run("search.ts", ["find", "mail.db", "uberfallige"]);
    expect(await asked.ended, asked.output()).toBe(0);
    return asked.output();
  };
  expect(await find()).toContain("[überfällige]");
  const { schema, key, tenant, mailbox: address, protocol, at, lane } = first as MailEvent;
  const removed = {
    schema,
    key,
    tenant,
    mailbox: address,
    protocol,
    at,
    lane,
    type: "message.removed",
    folder: { path: "INBOX" },
    change: 1,
  };
  await handOff([], [removed as MailEvent]);
  await consumed(run("search.ts", ["index", "mail.db", dir]));
  expect(await find()).toBe("Nothing was found.\n");
});

test("search leaves no index behind where it was used wrongly, or asked of one that is not there", async () => {
  for (const args of [[], ["find", "gone.db"], ["find", "gone.db", "bill"]]) {
    const wrong = run("search.ts", args);
    expect([await wrong.ended, wrong.output()]).toEqual([2, expect.stringMatching(/^(Usage: |There is no gone\.db)/)]);
  }
  expect((await readdir(dir)).filter((name) => name.includes(".db"))).toEqual([]);
});

test("the processor of the README sees mail and its attachments", async () => {
  const readme = await readFile(path.join(root, "README.md"), "utf8");
  const [, code = ""] = /```ts\n(import \{ consume[\s\S]*?)```/.exec(readme) ?? [];
  expect(code.trim().split("\n").length).toBeLessThan(20);
  await symlink(path.join(root, "node_modules"), path.join(dir, "node_modules"));
  await mkdir(path.join(dir, ".mailfleet"));
  await symlink(dir, path.join(dir, ".mailfleet/sandbox"));
  await writeFile(path.join(dir, "consume.mts"), code);
  const attachments = [{ filename: "a.pdf", contentType: "application/pdf", content: Buffer.from("12345") }];
  await handOff([{ uid: 1, message: { attachments } }]);
  const processor = run(path.join(dir, "consume.mts"), []);
  await consumed(processor);
  expect(processor.output()).toBe("support@contoso.example j@mail.example message 1\n   a.pdf 5\n");
});

test("the consumer in Python takes what fits the contract and refuses what does not", async () => {
  const [event] = await handOff([{ uid: 1 }]);
  const check = async (data: unknown): Promise<{ code: number | null; text: string }> => {
    const child = spawn("python3", [path.join(root, "examples/consumer.py"), "--check"]);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stdin.end(JSON.stringify(data));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, text };
  };
  expect(await check(event)).toEqual({ code: 0, text: "fits the contract\n" });
  const refused = await check({ ...event, raw: { ref: "x", sha256: "not a hash", size: 1 } });
  expect(refused.code).not.toBe(0);
  expect(refused.text).toContain("ValidationError");
  // What a consumer raises stands beside the dead letter, where no content of mail belongs.
  const raised = spawn("python3", [
    "-B",
    "-c",
    `import json, sys; sys.path.insert(0, sys.argv[1]); import consumer
try: consumer.handle(json.load(sys.stdin), None)
except Exception as error: print(error)`,
    path.join(root, "examples"),
  ]);
  raised.stdin.end(JSON.stringify({ ...event, message: { text: ["canary of the mail"] } }));
  let words = "";
  for await (const chunk of raised.stdout) words += String(chunk);
  expect(words).toMatch(/^not as the contract wants it: \w+ at \$/);
  expect(words).not.toContain("canary");
});

test("an example that is used wrongly says how it is used", async () => {
  const webhook = run("webhook.ts", []);
  expect(await webhook.ended).toBe(2);
  expect(webhook.output()).toContain("Usage:");
  const print = run("print.ts", [path.join(dir, "nowhere")]);
  expect(await print.ended).toBe(1);
  expect(print.output()).toContain("Start one with: npm start");
});

test("an example behind a fleet that was stopped says so, whoever listens on its port by now", async () => {
  // As Redis leaves its folder when it ends.
  await rm(path.join(dir, "redis/redis.pid"));
  const print = run("print.ts", [dir]);
  expect(await print.ended).toBe(1);
  expect(print.output()).toContain(`No fleet runs in ${dir} (it was stopped). Start one with: npm start -- --keep-events`);
  // As it leaves it when it is killed, and its pid is dealt again.
  await writeFile(path.join(dir, "redis/redis.pid"), `${process.pid}\n`);
  const again = run("print.ts", [dir]);
  expect(await again.ended).toBe(1);
  expect(again.output()).toContain("No fleet runs in");
});
