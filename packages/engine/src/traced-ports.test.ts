import { type MailboxRef, type Span, type SpanFacts, type SpanName, syncError } from "@mailfleet/core";
import { createMemoryFleet, createMemoryMailServer, fakeClock, seededChance } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { memoryPorts } from "./memory-ports.fixture.ts";
import { wholeMailbox } from "./one-pass.fixture.ts";
import type { EnginePorts } from "./ports.ts";
import { syncMailbox } from "./sync-mailbox.ts";
import { syncTraced } from "./traced-ports.ts";

const settings = wholeMailbox;
const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };

interface Recorded {
  readonly name: SpanName;
  readonly children: Recorded[];
  facts: SpanFacts;
  /** Undefined while it is open; ended twice shows as `twice`. */
  ended?: string;
}

function recordSpan(name: SpanName): Span & { readonly record: Recorded } {
  const record: Recorded = { name, children: [], facts: {} };
  return {
    record,
    traceId: "0".repeat(32),
    traceparent: `00-${"0".repeat(32)}-${name}-01`,
    child(childName) {
      const child = recordSpan(childName);
      record.children.push(child.record);
      return child;
    },
    note: (facts) => void (record.facts = { ...record.facts, ...facts }),
    end: (failure) => void (record.ended = record.ended === undefined ? (failure ?? "ok") : "twice"),
  };
}

function world(messages: number) {
  const clock = fakeClock();
  const server = createMemoryMailServer({ clock });
  const mail = server.addMailbox(mailbox.address);
  for (let i = 0; i < messages; i++) mail.deliver("INBOX", Buffer.from(`Subject: secret-subject ${i}\r\n\r\nsecret-body\r\n`));
  const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
  fleet.register(mailbox);
  return { fleet, ports: memoryPorts(clock, fleet.process(), server.source) };
}

async function traced(ports: EnginePorts) {
  const root = recordSpan("poll");
  const outcome = await syncTraced(root, ports, settings, mailbox, "fresh", new AbortController().signal);
  return { outcome, record: root.record };
}

function all(record: Recorded): Recorded[] {
  return [record, ...record.children.flatMap(all)];
}

/** `batch(fetch parse store commit(hand off))`. */
function shape({ name, children }: Recorded): string {
  return children.length === 0 ? name : `${name}(${children.map(shape).join(" ")})`;
}

test("a job with new mail is a tree from login to hand-off, each span ended once and well", async () => {
  const { ports } = world(3);
  const { outcome, record } = await traced(ports);
  expect(outcome).toMatchObject({ kind: "done", counts: { handedOff: 3 } });
  const text = shape(record);
  expect(text).toContain("batch(parse store commit(hand off))");
  expect(record.children.filter(({ name }) => name === "fetch")).toHaveLength(1);
  expect(text).toMatch(/^poll\(token login list status .*settle\)$/);
  expect(all(record).map(({ ended }) => ended)).toEqual(all(record).map(() => "ok"));
  const byName = new Map(all(record).map((one) => [one.name, one.facts]));
  expect(byName.get("poll")).toMatchObject({ outcome: "done", messages: 3 });
  expect(byName.get("fetch")).toMatchObject({ messages: 3 });
  expect(byName.get("parse")).toEqual({ messages: 3 });
  expect(byName.get("hand off")).toEqual({ events: 3 });
});

test("what is handed off is the same as without, and no span holds a word of it", async () => {
  const [with_, without] = [world(5), world(5)];
  const { record } = await traced(with_.ports);
  await syncMailbox(without.ports, settings, mailbox, "fresh", new AbortController().signal);
  expect(with_.fleet.jobs.map(({ json }) => json)).toEqual(without.fleet.jobs.map(({ json }) => json));
  expect(with_.fleet.facts(mailbox)).toEqual(without.fleet.facts(mailbox));
  expect(JSON.stringify(record)).not.toMatch(/secret|contoso|INBOX|@/);
});

test("a commit with events carries the hand-off's context, one without carries none", async () => {
  const { ports } = world(2);
  const seen: (string | undefined)[] = [];
  const handOff: EnginePorts["handOff"] = {
    ...ports.handOff,
    commit(step) {
      seen.push(step.events.length > 0 ? step.traceparent : `none: ${step.traceparent}`);
      return ports.handOff.commit(step);
    },
  };
  await traced({ ...ports, handOff });
  expect(new Set(seen)).toEqual(new Set([`00-${"0".repeat(32)}-hand off-01`, "none: undefined"]));
});

test.each(["mail", "blobs", "handOff"] as const)("where %s fails, every span is ended, and those that failed say why", async (where) => {
  const { ports } = world(3);
  const failure = syncError("BLOB_UNAVAILABLE", "gone", { layer: "blobs" });
  const fail = (): Promise<never> => Promise.reject(failure);
  const broken: EnginePorts = {
    ...ports,
    ...(where === "mail" && { mail: { open: fail } }),
    ...(where === "blobs" && { blobs: { ...ports.blobs, startBatch: (of) => ({ ...ports.blobs.startBatch(of), flush: fail }) } }),
    ...(where === "handOff" && { handOff: { ...ports.handOff, commit: fail } }),
  };
  const { outcome, record } = await traced(broken);
  expect(outcome).toMatchObject({ kind: "failed", failure: { code: "BLOB_UNAVAILABLE" } });
  const spans = all(record);
  expect(spans.filter(({ ended }) => ended === undefined || ended === "twice")).toEqual([]);
  expect(record.ended).toBe("BLOB_UNAVAILABLE");
  expect(spans.find(({ name }) => name === { mail: "login", blobs: "store", handOff: "commit" }[where])?.ended).toBe("BLOB_UNAVAILABLE");
});

test("of several batches each has its own parts, though the next one is fetched meanwhile", async () => {
  const { ports } = world(90);
  const { outcome, record } = await traced(ports);
  expect(outcome).toMatchObject({ kind: "done", counts: { handedOff: 90 } });
  const batches = record.children.filter(({ name }) => name === "batch");
  expect(batches.length).toBeGreaterThan(1);
  expect(new Set(batches.map(shape))).toEqual(new Set(["batch(parse store commit(hand off))"]));
  const counted = (name: SpanName): number =>
    all(record).reduce((sum, one) => sum + (one.name === name ? (one.facts.messages ?? one.facts.events ?? 0) : 0), 0);
  expect([counted("fetch"), counted("parse"), counted("hand off")]).toEqual([90, 90, 90]);
  expect(all(record).every(({ ended }) => ended === "ok")).toBe(true);
});

test("whatever the flow says to a port reaches it, such as that new mail is parsed before all else", async () => {
  const said = async (run: (ports: EnginePorts) => Promise<unknown>): Promise<readonly unknown[]> => {
    const { ports } = world(3);
    const urgent: unknown[] = [];
    const mime: EnginePorts["mime"] = {
      ...ports.mime,
      parse(...given) {
        urgent.push(given.length, given[1]);
        return ports.mime.parse(...given);
      },
    };
    await run({ ...ports, mime });
    return urgent;
  };
  const untraced = await said((ports) => syncMailbox(ports, settings, mailbox, "fresh", new AbortController().signal));
  expect(untraced).not.toEqual([]);
  expect(await said(traced)).toEqual(untraced);
});
