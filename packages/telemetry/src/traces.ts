import { hash } from "node:crypto";
import type * as Api from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import { type Log, mailboxId, type Secret, type Span, type SpanFacts, type SpanName, type Tracer } from "@mailfleet/core";

export interface TraceOptions {
  /** URL that takes OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly otlpEndpoint: string;
  /** Share of the polls that are traced, 0 to 1. */
  readonly sampleRatio: number;
  /** Value of the Authorization header. */
  readonly authorization?: Secret;
  readonly service: { readonly name: string; readonly version: string; readonly instance: string };
  readonly log: Log;
  /** A request that takes longer is given up, ms. */
  readonly exportMs?: number;
}

export interface Traces extends Tracer {
  /** Sends what waits; what is not taken by then is lost. Never rejects. */
  close(): Promise<void>;
}

/** Spans that wait for the collector, about 1 KB each: what comes beyond them is lost, and nothing waits for room. */
const queuedSpans = 2_048;
/** Of one request. */
const batchSpans = 512;
const delayMs = 5_000;
/** A request that takes longer is given up, and its spans with it. */
const defaultExportMs = 10_000;

/** Loads OpenTelemetry, which nothing does where traces are off. */
export async function openTraces(options: TraceOptions): Promise<Traces> {
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
  ]);
  const { otlpEndpoint, sampleRatio, authorization, service, log, exportMs = defaultExportMs } = options;
  const exporter = new OTLPTraceExporter({
    url: otlpEndpoint,
    timeoutMillis: exportMs,
    // One at a time; at the end all that is queued goes at once.
    concurrencyLimit: 1 + queuedSpans / batchSpans,
    headers: authorization === undefined ? {} : { Authorization: authorization.reveal() },
  });
  const processor = new sdk.BatchSpanProcessor({
    exporter: telling(exporter, log),
    maxQueueSize: queuedSpans,
    maxExportBatchSize: batchSpans,
    scheduledDelayMillis: delayMs,
    exportTimeoutMillis: exportMs,
  });
  const provider = new sdk.TracerProvider({
    sampler: new sdk.TraceIdRatioBasedSampler(sampleRatio),
    resource: resourceFromAttributes({
      "service.name": service.name,
      "service.version": service.version,
      "service.instance.id": service.instance,
    }),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer("mailfleet", service.version);
  return {
    poll(mailbox, lane) {
      const attributes = {
        "mailfleet.tenant": mailbox.tenant,
        // As its blobs' folder is named: an address is a person's, and does not belong into traces.
        "mailfleet.box": hash("sha256", mailboxId(mailbox), "hex").slice(0, 32),
        "mailfleet.protocol": mailbox.protocol,
        "mailfleet.lane": lane,
      };
      const root = tracer.startSpan("poll", { kind: api.SpanKind.CONSUMER, attributes }, api.ROOT_CONTEXT);
      return root.isRecording() ? spanOf(api, tracer, root) : undefined;
    },
    close: () => provider.shutdown().catch(() => undefined),
  };
}

const kinds: Partial<Record<SpanName, keyof typeof Api.SpanKind>> = {
  login: "CLIENT",
  look: "CLIENT",
  list: "CLIENT",
  status: "CLIENT",
  select: "CLIENT",
  fetch: "CLIENT",
  "hand off": "PRODUCER",
};

const attributeNames: Readonly<Record<keyof SpanFacts, string>> = {
  outcome: "mailfleet.outcome",
  messages: "mailfleet.messages",
  bytes: "mailfleet.bytes",
  events: "mailfleet.events",
  folders: "mailfleet.folders",
};

function spanOf(api: typeof Api, tracer: Api.Tracer, span: Api.Span): Span {
  const { traceId, spanId } = span.spanContext();
  const context = api.trace.setSpan(api.ROOT_CONTEXT, span);
  return {
    traceId,
    // A span that is recorded is sampled.
    traceparent: `00-${traceId}-${spanId}-01`,
    child: (name) => spanOf(api, tracer, tracer.startSpan(name, { kind: api.SpanKind[kinds[name] ?? "INTERNAL"] }, context)),
    note(facts) {
      for (const [name, value] of Object.entries(facts) as [keyof SpanFacts, string | number][])
        span.setAttribute(attributeNames[name], value);
    },
    end(failure) {
      if (failure !== undefined) {
        span.setAttribute("error.type", failure);
        span.setStatus({ code: api.SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

/** Says that spans are lost; the log itself keeps that from being said more than once a minute. */
function telling(exporter: SpanExporter, log: Log): SpanExporter {
  return {
    export(spans, onResult) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) {
          const { code, name } = result.error as Error & { readonly code?: unknown };
          log.warn({ code: typeof code === "string" || typeof code === "number" ? code : name, spans: spans.length }, lostSpans);
        }
        onResult(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  };
}

const lostSpans =
  "traces.otlpEndpoint does not take spans: they are lost, mail is not. Look at the collector, or take traces out of the configuration";
