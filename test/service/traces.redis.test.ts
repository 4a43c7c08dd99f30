import { SpanStatusCode, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { syncTraced, type SyncOutcome } from "@mailfleet/engine";
import { openTraces, type Traces } from "@mailfleet/telemetry";
import { type OtlpReceiver, type ReceivedSpan, recordingLog, sharedRedisUrl, startOtlpReceiver } from "@mailfleet/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { consume, type HandlerContext } from "../../packages/consumer/src/consume.ts";
import type { MailfleetEvent } from "../../packages/consumer/src/event.ts";
import { address, calm, events, keys, mailbox, never, ports, queue, sandbox, setUpSyncBench } from "./sync-bench.ts";

setUpSyncBench({ messages: 40 });

let receiver: OtlpReceiver;
let traces: Traces;
const service = { name: "mailfleet-worker", version: "0.1.0", instance: "test" };
const log = recordingLog();
/** What the consumer's own process exports. */
const consumed = new InMemorySpanExporter();

beforeEach(async () => {
  receiver = await startOtlpReceiver();
  traces = await openTraces({ otlpEndpoint: receiver.endpoint, sampleRatio: 1, service, log });
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: consumed })] }));
});
afterEach(async () => {
  await traces.close();
  await receiver.stop();
  trace.disable();
  consumed.reset();
});

async function sync(lane: "fresh" | "backfill"): Promise<SyncOutcome> {
  const span = traces.poll(mailbox, lane);
  if (!span) throw new Error("not sampled");
  return syncTraced(span, ports, calm, mailbox, lane, never);
}

/** Every event is handled, or its handler's failure is noted. */
async function handleAll(count: number, fails: (event: MailfleetEvent) => boolean): Promise<readonly HandlerContext[]> {
  const seen: HandlerContext[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const fleet = keys.bullPrefix.slice(1, -1);
  const consumer = await consume({ redis: sharedRedisUrl(), fleet, name: "crm", traces: true, stopOnSignals: false }, (event, context) => {
    seen.push(context);
    if (seen.length === count) resolve();
    if (fails(event)) throw new TypeError("no");
  });
  await promise;
  await consumer.close();
  return seen;
}

test("one poll is one tree from login to hand-off, and the consumer's spans are under its hand-offs", async () => {
  expect(await sync("backfill")).toMatchObject({ kind: "done" });
  const handed = await events();
  expect(handed.length).toBeGreaterThan(10);
  const contexts = await handleAll(handed.length, ({ key }) => key === handed[0]?.key);
  await traces.close();

  const [root, ...others] = receiver.spans.filter(({ parentSpanId }) => parentSpanId === "");
  expect(others).toEqual([]);
  expect(root).toMatchObject({ name: "poll", attributes: { "mailfleet.lane": "backfill", "mailfleet.messages": handed.length } });
  expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(new Set([root?.traceId]));
  const byId = new Map(receiver.spans.map((span) => [span.spanId, span]));
  const pathOf = (span: ReceivedSpan): string => {
    const parent = byId.get(span.parentSpanId);
    return parent === undefined ? span.name : `${pathOf(parent)}/${span.name}`;
  };
  const paths = new Set(receiver.spans.map(pathOf));
  for (const path of [
    "poll/token",
    "poll/login",
    "poll/list",
    "poll/status",
    "poll/select",
    "poll/fetch",
    "poll/batch/parse",
    "poll/batch/store",
    "poll/batch/commit/hand off",
    "poll/settle",
  ])
    expect(paths).toContain(path);

  const handOffs = new Map(receiver.spans.filter(({ name }) => name === "hand off").map((span) => [span.spanId, span]));
  const spans = consumed.getFinishedSpans();
  expect(spans).toHaveLength(handed.length);
  for (const span of spans) {
    expect(span.name).toBe("process");
    expect(handOffs.has(span.parentSpanContext?.spanId ?? "")).toBe(true);
    expect(span.spanContext().traceId).toBe(root?.traceId);
  }
  expect(spans.filter(({ status }) => status.code === SpanStatusCode.ERROR).map(({ attributes }) => attributes["error.type"])).toEqual([
    "TypeError",
  ]);
  expect(contexts.every(({ traceparent }) => traceparent?.startsWith(`00-${root?.traceId}-`))).toBe(true);

  const all = JSON.stringify([receiver.spans, spans.map(({ name, attributes }) => ({ name, attributes }))]);
  expect(all).not.toContain(address);
  expect(all).not.toMatch(/INBOX|@|Subject/);
});

test("the context stands where BullMQ has it, and the event itself is as ever", async () => {
  sandbox.deliver(address, "INBOX", Buffer.from("Subject: one\r\n\r\none\r\n"));
  await sync("backfill");
  const jobs = await queue.getJobs(["waiting"]);
  expect(jobs.length).toBeGreaterThan(0);
  for (const job of jobs) {
    expect(JSON.parse(job.opts.telemetry?.metadata ?? "{}")).toEqual({
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    });
    expect(JSON.stringify(job.data)).not.toContain("traceparent");
    expect(job.opts).toMatchObject({ attempts: 8, removeOnComplete: true });
  }
});

test("with a collector that never answers everything is handed off", async () => {
  receiver.answer("silent");
  await traces.close();
  traces = await openTraces({ otlpEndpoint: receiver.endpoint, sampleRatio: 1, service, log, exportMs: 500 });
  expect(await sync("backfill")).toMatchObject({ kind: "done" });
  expect((await events()).length).toBeGreaterThan(10);
  await receiver.stop();
});
