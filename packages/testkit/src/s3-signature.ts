import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** What an S3 server says to a request that it does not believe. */
export interface S3Refusal {
  readonly status: number;
  readonly code: string;
}

export interface S3Account {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** S3 believes no signature that is further from its own clock. */
const skewMs = 15 * 60_000;
const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Uint8Array, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** AWS Signature Version 4 in the Authorization header, as S3 reads it. Undefined where it is right. */
export function checkSignature(request: IncomingMessage, body: Uint8Array, account: S3Account, now: number): S3Refusal | undefined {
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    );
  if (!given) return { status: 403, code: "AccessDenied" };
  const [, keyId, day, region, signed = "", signature] = given as unknown as readonly string[];
  const date = header(request, "x-amz-date");
  const bodyHash = header(request, "x-amz-content-sha256");
  if (keyId !== account.accessKeyId) return { status: 403, code: "InvalidAccessKeyId" };
  if (region !== account.region) return { status: 400, code: "AuthorizationHeaderMalformed" };
  if (Math.abs(timeOf(date) - now) > skewMs) return { status: 403, code: "RequestTimeTooSkewed" };
  if (bodyHash !== "UNSIGNED-PAYLOAD" && bodyHash !== sha256(body)) return { status: 400, code: "XAmzContentSHA256Mismatch" };
  const url = new URL(request.url ?? "/", "http://s3");
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const lines = signed.split(";").map((name) => `${name}:${header(request, name).trim().replace(/\s+/g, " ")}\n`);
  const canonical = [request.method, url.pathname, query, lines.join(""), signed, bodyHash].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const key = [region, "s3", "aws4_request"].reduce<Buffer>(
    (made, part) => hmac(made, part),
    hmac(`AWS4${account.secretAccessKey}`, day as string),
  );
  const right = hmac(key, ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n")).toString("hex");
  return right === signature ? undefined : { status: 403, code: "SignatureDoesNotMatch" };
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

function timeOf(date: string): number {
  const [, day = "", time = ""] = /^(\d{8})T(\d{6})Z$/.exec(date) ?? [];
  return Date.parse(`${day.replace(/(..)(..)$/, "-$1-$2")}T${time.replace(/(..)(..)(..)/, "$1:$2:$3")}Z`);
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
