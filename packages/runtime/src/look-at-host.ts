import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type PeerCertificate, type TLSSocket } from "node:tls";
import type { CertificateLook, Clock, HostLook } from "@mailfleet/core";

export interface HostQuestion {
  readonly host: string;
  readonly port: number;
  /** Implicit TLS. */
  readonly tls: boolean;
  /** Certificate authorities in place of the built-in ones, PEM. */
  readonly ca?: string;
  /** Speaks HTTP: then it is asked for its time. */
  readonly isHttp: boolean;
  /** For each stage: name, connection, handshake, answer. */
  readonly stageMs: number;
  readonly clock: Pick<Clock, "now">;
}

/** A host, and how far this machine's clock is ahead of it, ms; absent where it gave no time. */
export interface HostAnswer {
  readonly look: HostLook;
  readonly clockAheadMs?: number;
}

/**
 * Resolves a name, connects, and looks at the TLS that is spoken there. Nothing is sent but a bare HEAD request, so the connection is made
 * also where the certificate is not trusted: who issued it is what there is to tell. Does not reject.
 */
export async function lookAtHost(question: HostQuestion): Promise<HostAnswer> {
  const { host, port, tls, stageMs } = question;
  const base = { host, port, tls };
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) === 0) {
    try {
      await within(lookup(bare), stageMs);
    } catch (error) {
      return { look: { ...base, failure: { at: "dns", code: codeOf(error) } } };
    }
  }
  let socket: Socket;
  try {
    socket = await reach(bare, port, stageMs);
  } catch (error) {
    return { look: { ...base, failure: { at: "tcp", code: codeOf(error) } } };
  }
  if (!tls) {
    socket.destroy();
    return { look: base };
  }
  let secure: TLSSocket;
  try {
    secure = await shakeHands(socket, bare, question);
  } catch (error) {
    socket.destroy();
    return { look: { ...base, failure: { at: "tls", code: codeOf(error) } } };
  }
  try {
    const certificate = certificateLook(secure.getPeerCertificate());
    const version = secure.getProtocol();
    const found = { ...base, ...(version !== null && { tlsVersion: version }), ...(certificate && { certificate }) };
    const look: HostLook = secure.authorized
      ? found
      : { ...found, failure: { at: "tls", code: String(secure.authorizationError ?? "UNTRUSTED") } };
    const ahead = question.isHttp ? await askTime(secure, question).catch(() => undefined) : undefined;
    return { look, ...(ahead !== undefined && { clockAheadMs: ahead }) };
  } finally {
    secure.destroy();
  }
}

function reach(host: string, port: number, stageMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, autoSelectFamily: true });
    socket.setTimeout(stageMs, () => fail(withCode("TIMEOUT")));
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.removeListener("error", fail);
      socket.setTimeout(0);
      // Whoever is done with it may see it end badly.
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

function shakeHands(socket: Socket, host: string, { ca, stageMs }: HostQuestion): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      ...(isIP(host) === 0 && { servername: host }),
      minVersion: "TLSv1.2",
      // Judged below, from `authorized`: an interceptor's certificate is to be named.
      rejectUnauthorized: false,
      ...(ca !== undefined && { ca }),
    });
    const timer = setTimeout(() => fail(withCode("TIMEOUT")), stageMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      secure.destroy();
      reject(error);
    };
    secure.once("error", fail);
    secure.once("close", () => fail(withCode("ECONNRESET")));
    secure.once("secureConnect", () => {
      clearTimeout(timer);
      secure.removeAllListeners("close");
      secure.removeListener("error", fail);
      secure.on("error", () => undefined);
      resolve(secure);
    });
  });
}

/** The `Date` of an answer (RFC 9110 6.6.1) has whole seconds, cut off: on average it is half a second late. */
async function askTime(secure: TLSSocket, { host, stageMs, clock }: HostQuestion): Promise<number | undefined> {
  const before = clock.now();
  secure.write(`HEAD / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nAccept: */*\r\n\r\n`);
  const head = await within(readHead(secure), stageMs);
  const middle = (before + clock.now()) / 2;
  const date = Date.parse(/^date:[ \t]*(.{10,40}?)[ \t]*\r?$/im.exec(head)?.[1] ?? "");
  return Number.isNaN(date) ? undefined : Math.round(middle - (date + 500));
}

const headLimit = 16 * 1024;

function readHead(secure: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    secure.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n\r\n") || text.length > headLimit) resolve(text);
    });
    secure.once("end", () => resolve(text));
    secure.once("error", reject);
  });
}

function certificateLook(certificate: Partial<PeerCertificate>): CertificateLook | undefined {
  const { subject, issuer, subjectaltname, valid_from: from, valid_to: to } = certificate;
  if (subject === undefined || issuer === undefined || from === undefined || to === undefined) return undefined;
  const alternatives = subjectaltname?.split(", ").map((name) => name.replace(/^(?:DNS|IP Address):/, "")) ?? [];
  const names = alternatives.length > 0 ? alternatives : [oneOf(subject.CN) ?? ""];
  return { names, issuer: oneOf(issuer.O) ?? oneOf(issuer.CN) ?? "", validFrom: Date.parse(from), validTo: Date.parse(to) };
}

/** A name may hold the same part twice. */
function oneOf(part: string | readonly string[] | undefined): string | undefined {
  return typeof part === "string" ? part : part?.[0];
}

function codeOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && "code" in first ? first.code : undefined;
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : "FAILED";
}

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(withCode("TIMEOUT")), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
