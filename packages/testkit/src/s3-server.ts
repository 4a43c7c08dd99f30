import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { checkSignature, type S3Account } from "./s3-signature.ts";

export interface S3Request {
  readonly method: string;
  /** Without the bucket; empty for the bucket itself. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  /** Bytes of its body. */
  readonly size: number;
}

/** What a request meets in place of its answer. */
export type S3Fault =
  | { readonly kind: "status"; readonly status: number; readonly code: string }
  /** The connection is cut before the answer; `applied` does first what was asked. */
  | { readonly kind: "reset"; readonly applied?: boolean }
  /** The answer breaks off behind so many bytes of its body. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** The answer has so many bytes of its body, and says that these are all: a proxy kept what was cut. */
  | { readonly kind: "short"; readonly bytes: number }
  /** The whole object, whatever range was asked for. */
  | { readonly kind: "rangeless" }
  /** A page of a list that says that there is more, and not where. */
  | { readonly kind: "tokenless" }
  /** No answer ever comes. */
  | { readonly kind: "silence" }
  /** A byte of what is read is another one. */
  | { readonly kind: "flip" };

export interface S3Server extends S3Account {
  readonly endpoint: string;
  readonly bucket: string;
  readonly objects: ReadonlyMap<string, { readonly body: Buffer; readonly headers: IncomingMessage["headers"] }>;
  /** All requests that came, in order. */
  readonly requests: readonly S3Request[];
  /** Uploads that were begun and neither completed nor aborted. */
  readonly openUploads: number;
  /** Chooses what a request meets; undefined for nothing. */
  break(choose: ((request: S3Request) => S3Fault | undefined) | undefined): void;
  /** How far its clock is ahead, ms. */
  skew(aheadMs: number): void;
  remove(key: string): void;
  stop(): Promise<void>;
}

interface Upload {
  readonly key: string;
  readonly headers: IncomingMessage["headers"];
  readonly parts: Map<number, Buffer>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** S3 wants each part but the last to be as large. */
const smallestPart = 5 * 1024 * 1024;

/**
 * An S3 server with one bucket, in memory: signatures, single and multipart uploads, ranges, listing by pages, deletion. It answers as
 * Amazon's does where a client can see it, believes nothing unsigned, and misbehaves when told to.
 * @param pageKeys keys of one page of a list; S3 gives 1,000
 */
export async function startS3Server({ bucket = "mail-blobs", region = "eu-central-1", pageKeys = 1_000 } = {}): Promise<S3Server> {
  const account = { region, accessKeyId: "TESTKEY00000000", secretAccessKey: randomUUID() };
  const objects = new Map<string, { body: Buffer; headers: IncomingMessage["headers"] }>();
  const uploads = new Map<string, Upload>();
  const requests: S3Request[] = [];
  let choose: ((request: S3Request) => S3Fault | undefined) | undefined;
  let aheadMs = 0;

  function answerTo({ method, key, query, headers }: S3Request, body: Buffer): Answer {
    if (key === "" && query.has("uploads")) return listUploads(query);
    if (key === "") return method === "GET" ? list(query) : { status: 405, body: errorXml("MethodNotAllowed") };
    const uploadId = query.get("uploadId");
    if (method === "POST" && query.has("uploads")) {
      const id = randomUUID();
      uploads.set(id, { key, headers, parts: new Map() });
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    }
    if (uploadId !== null) return answerToUpload(method, uploadId, query, body);
    const stored = objects.get(key);
    switch (method) {
      case "PUT":
        objects.set(key, { body, headers });
        return { status: 200, headers: { ETag: etag(body) } };
      case "DELETE":
        objects.delete(key);
        return { status: 204 };
      case "HEAD":
        return stored === undefined ? { status: 404 } : { status: 200, headers: { "Content-Length": String(stored.body.length) } };
      case "GET":
        return stored === undefined ? { status: 404, body: errorXml("NoSuchKey") } : ranged(stored.body, headers.range);
      default:
        return { status: 405, body: errorXml("MethodNotAllowed") };
    }
  }

  function answerToUpload(method: string, id: string, query: URLSearchParams, body: Buffer): Answer {
    const upload = uploads.get(id);
    if (upload === undefined) return { status: 404, body: errorXml("NoSuchUpload") };
    if (method === "DELETE") {
      uploads.delete(id);
      return { status: 204 };
    }
    if (method === "PUT") {
      upload.parts.set(Number(query.get("partNumber")), body);
      return { status: 200, headers: { ETag: etag(body) } };
    }
    const asked = [...body.toString().matchAll(/<Part>.*?<\/Part>/gs)].map(([part]) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /<ETag>([^<]*)</.exec(part)?.[1]?.replaceAll("&quot;", '"'),
    }));
    const parts = asked.map(({ number }) => upload.parts.get(number));
    if (asked.length === 0 || parts.some((part, i) => part === undefined || etag(part) !== asked[i]?.etag))
      return { status: 400, body: errorXml("InvalidPart") };
    if (parts.slice(0, -1).some((part) => (part as Buffer).length < smallestPart)) return { status: 400, body: errorXml("EntityTooSmall") };
    objects.set(upload.key, { body: Buffer.concat(parts as Buffer[]), headers: upload.headers });
    uploads.delete(id);
    return xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
  }

  function listUploads(query: URLSearchParams): Answer {
    const all = [...uploads].filter(([, { key }]) => key.startsWith(query.get("prefix") ?? ""));
    const page = all.slice(0, pageKeys).map(([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`);
    return xml(
      `<ListMultipartUploadsResult><IsTruncated>${all.length > page.length}</IsTruncated>${page.join("")}</ListMultipartUploadsResult>`,
    );
  }

  function list(query: URLSearchParams): Answer {
    const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
    const all = [...objects.keys()].filter((key) => key.startsWith(query.get("prefix") ?? "") && key > after).sort();
    const page = all.slice(0, pageKeys);
    const more = all.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
    const contents = page.map((key) => `<Contents><Key>${key}</Key><Size>${objects.get(key)?.body.length}</Size></Contents>`).join("");
    return xml(`<ListBucketResult><IsTruncated>${more !== ""}</IsTruncated>${more}${contents}</ListBucketResult>`);
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(incoming.url ?? "/", "http://s3");
    const [named = "", ...rest] = decodeURIComponent(url.pathname.slice(1)).split("/");
    const request = {
      method: incoming.method ?? "",
      key: rest.join("/"),
      query: url.searchParams,
      headers: incoming.headers,
      size: body.length,
    };
    requests.push(request);
    const now = Date.now() + aheadMs;
    const fault = choose?.(request);
    const refusal = checkSignature(incoming, body, account, now);
    let answer: Answer;
    if (fault?.kind === "status") answer = { status: fault.status, body: errorXml(fault.code) };
    else if (refusal) answer = { status: refusal.status, body: errorXml(refusal.code) };
    else if (named !== bucket) answer = { status: 404, body: errorXml("NoSuchBucket") };
    else if (fault?.kind === "silence") return;
    else if (fault?.kind === "reset" && !fault.applied) return void incoming.socket.destroy();
    else answer = answerTo(fault?.kind === "rangeless" ? { ...request, headers: {} } : request, body);
    if (fault?.kind === "reset") return void incoming.socket.destroy();
    let content = Buffer.from(answer.body ?? "");
    if (fault?.kind === "short") content = content.subarray(0, fault.bytes);
    if (fault?.kind === "tokenless")
      content = Buffer.from(content.toString().replace(/<NextContinuationToken>.*<\/NextContinuationToken>/, ""));
    if (fault?.kind === "flip" && content.length > 0) content[0] = (content[0] as number) ^ 1;
    const isText = typeof answer.body === "string";
    response.writeHead(answer.status, {
      ...(isText && { "Content-Type": "application/xml" }),
      ...(answer.status !== 204 && { "Content-Length": String(content.length) }),
      ...answer.headers,
      Date: new Date(now).toUTCString(),
      "x-amz-request-id": randomUUID(),
    });
    if (fault?.kind === "cut") {
      content = content.subarray(0, fault.afterBytes);
      response.write(content, () => incoming.socket.destroy());
      return;
    }
    response.end(content);
  }

  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => void serve(incoming, response).catch(() => incoming.socket.destroy()));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...account,
    bucket,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    get openUploads() {
      return uploads.size;
    },
    break: (given) => void (choose = given),
    skew: (given) => void (aheadMs = given),
    remove: (key) => void objects.delete(key),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function ranged(body: Buffer, range: string | undefined): Answer {
  if (range === undefined) return { status: 200, headers: { ETag: etag(body) }, body };
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  const start = from === "" ? Math.max(0, body.length - Number(to)) : Number(from);
  const end = from === "" || to === "" ? body.length : Math.min(body.length, Number(to) + 1);
  if (start >= body.length) return { status: 416, body: errorXml("InvalidRange") };
  return {
    status: 206,
    headers: { ETag: etag(body), "Content-Range": `bytes ${start}-${end - 1}/${body.length}` },
    body: Buffer.from(body.subarray(start, end)),
  };
}

function etag(body: Uint8Array): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}

function xml(content: string): Answer {
  return { status: 200, body: `<?xml version="1.0" encoding="UTF-8"?>\n${content}` };
}

/** As S3 writes them: with what was asked for, which may be nobody else's business. */
function errorXml(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>The ${code} canary-of-the-server</Message><AWSAccessKeyId>canary-of-the-server</AWSAccessKeyId></Error>`;
}
