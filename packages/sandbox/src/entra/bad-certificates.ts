import { createSecureContext, type SecureContext } from "node:tls";
import type { FaultBook } from "../faults/fault-book.ts";
import { type BadCertificate, type KeyAndCert, makeBadCertificate } from "./certificates.ts";

type SniCallback = (serverName: string, done: (error: Error | null, context?: SecureContext) => void) => void;

/** Chooses what a server shows when a handshake begins: its own certificate, or one that a fault puts in its place. */
export function badCertificatesOf(
  name: "token-certificate" | "imap-certificate" | "pop3-certificate",
  faults: Pick<FaultBook, "strike">,
  dataDir: string,
): SniCallback {
  const made = new Map<string, Promise<KeyAndCert>>();
  return (_serverName, done) => {
    const kind = faults.strike(name, {})?.word("certificate");
    if (kind === undefined) {
      done(null);
      return;
    }
    const pair = made.get(kind) ?? makeBadCertificate(dataDir, kind as BadCertificate);
    made.set(kind, pair);
    pair.then(
      (keyAndCert) => done(null, createSecureContext(keyAndCert)),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  };
}
