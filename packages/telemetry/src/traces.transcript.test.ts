import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type MailboxRef, Secret } from "@mailfleet/core";
import { type OtlpReceiver, recordingLog, startOtlpReceiver } from "@mailfleet/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTraces, type TraceOptions } from "./traces.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };
const service = { name: "mailfleet-worker", version: "0.1.0", instance: "host-1" };
let receiver: OtlpReceiver;
let log = recordingLog();
beforeEach(async () => {
  receiver = await startOtlpReceiver();
  log = recordingLog();
});
afterEach(() => receiver.stop());

const open = (given: Partial<TraceOptions> = {}) => openTraces({ otlpEndpoint: receiver.endpoint, sampleRatio: 1, service, log, ...given });

test("a poll and what it is made of come as one trace, which names no address", async () => {
  const traces = await open({ authorization: new Secret("Api-Token canary") });
  const poll = traces.poll(mailbox, "fresh");
  const login = poll?.child("login");
  login?.end("TOKEN_REJECTED");
  poll?.note({ outcome: "failed", messages: 3 });
  poll?.end("TOKEN_REJECTED");
  await traces.close();
  const [first, root] = receiver.spans;
  expect(first).toMatchObject({
    name: "login",
    parentSpanId: root?.spanId,
    traceId: root?.traceId,
    status: 2,
    service: "mailfleet-worker",
  });
  expect(first?.attributes).toEqual({ "error.type": "TOKEN_REJECTED" });
  expect(root).toMatchObject({ name: "poll", parentSpanId: "", traceId: poll?.traceId });
  expect(root?.attributes).toEqual({
    "mailfleet.tenant": "contoso",
    "mailfleet.box": expect.stringMatching(/^[0-9a-f]{32}$/),
    "mailfleet.protocol": "imap",
    "mailfleet.lane": "fresh",
    "mailfleet.outcome": "failed",
    "mailfleet.messages": 3,
    "error.type": "TOKEN_REJECTED",
  });
  expect(poll?.traceparent).toBe(`00-${root?.traceId}-${root?.spanId}-01`);
  expect(JSON.stringify(receiver.spans)).not.toContain("support@");
  expect(receiver.requests[0]?.headers.authorization).toBe("Api-Token canary");
});

test("a poll that is not sampled is none", async () => {
  const traces = await open({ sampleRatio: 0 });
  expect(traces.poll(mailbox, "fresh")).toBeUndefined();
  await traces.close();
  expect(receiver.requests).toEqual([]);
});

test.each(["unavailable", "silent"] as const)(
  "with a collector that is %s spans are lost beyond a bound, nothing waits, and it is said",
  async (how) => {
    receiver.answer(how);
    const traces = await open({ exportMs: 500 });
    // Never awaits: a span that waited for the collector would not let this loop end.
    for (let i = 0; i < 10_000; i++) {
      const poll = traces.poll(mailbox, "fresh");
      poll?.child("login").end();
      poll?.end();
    }
    await receiver.untilRequests(1);
    await receiver.stop();
    await traces.close();
    expect(receiver.spans).toEqual([]);
    expect(log.records.filter(({ level }) => level === "warn").map(({ message }) => message)).toContain(
      "traces.otlpEndpoint does not take spans: they are lost, mail is not. Look at the collector, or take traces out of the configuration",
    );
  },
);

test("of 20,000 spans within a moment those that fit the queue come, and the rest is dropped", async () => {
  const traces = await open();
  for (let i = 0; i < 20_000; i++) traces.poll(mailbox, "fresh")?.end();
  await traces.close();
  // What waited, and the one batch that was on its way.
  expect(receiver.spans).toHaveLength(2_048 + 512);
  expect(log.records).toEqual([]);
});

test("nothing of OpenTelemetry is loaded before traces are opened", async () => {
  const index = JSON.stringify(new URL("./index.ts", import.meta.url).href);
  const script = `import { registerHooks } from "node:module";
const seen = [];
registerHooks({ resolve(specifier, context, next) { seen.push(specifier); return next(specifier, context); } });
await import(${index});
// Its API is there by another's wish: prom-client counts with it.
console.log(JSON.stringify(seen.filter((one) => /^@opentelemetry\\/(?!api)/.test(one))), seen.length > 10);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  expect(stdout.trim()).toBe("[] true");
});
