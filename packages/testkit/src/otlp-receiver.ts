import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as it came, as far as tests ask. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Of OpenTelemetry: 2 is ERROR. */
  readonly status: number;
  readonly service: string;
}

export interface OtlpReceiver {
  /** The whole URL of its traces. */
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  /** Requests that came, whatever became of them. */
  readonly requests: readonly { readonly headers: IncomingHttpHeaders; readonly bytes: number }[];
  /** How requests are answered from now on; `silent`: never. */
  answer(how: "ok" | "unavailable" | "silent"): void;
  /** Resolves once so many requests came. */
  untilRequests(count: number): Promise<void>;
  stop(): Promise<void>;
}

interface WireValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
}
interface WireAttribute {
  readonly key: string;
  readonly value: WireValue;
}
interface WireBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly WireAttribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, "attributes" | "status" | "service"> & {
        readonly attributes: readonly WireAttribute[];
        readonly status?: { readonly code?: number };
      })[];
    }[];
  }[];
}

/** Takes traces by OTLP over HTTP, as JSON. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const requests: { headers: IncomingHttpHeaders; bytes: number }[] = [];
  const waiting: { readonly count: number; resolve(): void }[] = [];
  let how: "ok" | "unavailable" | "silent" = "ok";
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      requests.push({ headers: request.headers, bytes: body.length });
      if (how === "ok" && request.url === "/v1/traces") {
        spans.push(...readSpans(JSON.parse(body.toString()) as WireBody));
        response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
      } else if (how !== "silent") response.writeHead(how === "ok" ? 404 : 503).end();
      for (const one of waiting) if (requests.length >= one.count) one.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    requests,
    answer: (given) => void (how = given),
    untilRequests: (count) => (requests.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve }))),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readSpans({ resourceSpans }: WireBody): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)["service.name"]);
    return scopeSpans.flatMap((scope) =>
      scope.spans.map(({ traceId, spanId, parentSpanId, name, attributes, status }) => ({
        traceId,
        spanId,
        parentSpanId: parentSpanId ?? "",
        name,
        attributes: valuesOf(attributes),
        status: status?.code ?? 0,
        service,
      })),
    );
  });
}

function valuesOf(attributes: readonly WireAttribute[]): Record<string, string | number> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue ?? value.doubleValue)]));
}
