import type { Job } from "bullmq";
import type { MailfleetEvent } from "./event.ts";

/** Runs a handler; where traces are on, under a span. */
export type Trace = (event: MailfleetEvent, traceparent: string | undefined, run: () => Promise<void>) => Promise<void>;

const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The W3C `traceparent` that mailfleet put beside the event, where its poll was traced. */
export function traceparentOf({ opts }: Job): string | undefined {
  const { metadata } = opts.telemetry ?? {};
  if (metadata === undefined) return undefined;
  try {
    const { traceparent } = JSON.parse(metadata) as { readonly traceparent?: unknown };
    return typeof traceparent === "string" && traceparentPattern.test(traceparent) ? traceparent : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A span for each event that goes on with mailfleet's trace, by the provider that your process registered; what your handler traces is
 * under it. Nothing of the mail is in it.
 * @throws Error when `@opentelemetry/api` is not installed
 */
export async function openTrace(name: string | undefined): Promise<Trace> {
  const { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = await import("@opentelemetry/api").catch((error: unknown) => {
    throw new Error("`traces` needs @opentelemetry/api: npm install @opentelemetry/api", { cause: error });
  });
  return (event, traceparent, run) => {
    const [, traceId, spanId, flags] = traceparentPattern.exec(traceparent ?? "") ?? [];
    const parent =
      traceId !== undefined && spanId !== undefined
        ? trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags ?? "0", 16) & 1, isRemote: true })
        : ROOT_CONTEXT;
    const attributes = {
      "mailfleet.event.type": event.type,
      "mailfleet.tenant": event.tenant,
      "mailfleet.lane": event.lane,
      ...(name !== undefined && { "mailfleet.consumer": name }),
    };
    const span = trace.getTracer("@mailfleet/consumer").startSpan("process", { kind: SpanKind.CONSUMER, attributes }, parent);
    return context.with(trace.setSpan(parent, span), async () => {
      try {
        await run();
      } catch (error) {
        span.setAttribute("error.type", error instanceof Error ? error.name : "ERROR");
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
  };
}
