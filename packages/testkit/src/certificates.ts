// tsyringe, inside @peculiar/x509, refuses to load without the Reflect metadata functions.
import "reflect-metadata";
import type { webcrypto } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 86_400_000;

export interface TestAuthority {
  /** PEM of the root, to be trusted by the client. */
  readonly caFile: string;
  /** A server certificate for localhost and 127.0.0.1. */
  issue(name: string): Promise<{ readonly certFile: string; readonly keyFile: string }>;
}

/** A certificate authority of a test's own, kept in `dir`; read again when it is there already. */
export async function testAuthority(dir: string): Promise<TestAuthority> {
  const caFile = path.join(dir, "ca.pem");
  const caKeyFile = path.join(dir, "ca-key.pem");
  const stored = await readFile(caFile, "utf8").catch(() => undefined);
  if (stored === undefined) await createRoot(caFile, caKeyFile);
  return {
    caFile,
    async issue(name) {
      const root = new X509Certificate(await readFile(caFile, "utf8"));
      const signingKey = await importKey(await readFile(caKeyFile, "utf8"));
      const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const certificate = await X509CertificateGenerator.create({
        subject: "CN=localhost",
        issuer: root.subject,
        ...validity(),
        publicKey: keys.publicKey,
        signingKey,
        signingAlgorithm: algorithm,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
          new SubjectAlternativeNameExtension([
            { type: "dns", value: "localhost" },
            { type: "ip", value: "127.0.0.1" },
          ]),
        ],
      });
      const certFile = path.join(dir, `${name}.pem`);
      const keyFile = path.join(dir, `${name}-key.pem`);
      await writeFile(certFile, `${certificate.toString("pem")}\n`);
      await writeFile(keyFile, await exportKey(keys.privateKey), { mode: 0o600 });
      return { certFile, keyFile };
    },
  };
}

export interface AppCertificateOptions {
  /** Ends so many ms from now; default in 300 days. */
  readonly endsInMs?: number;
  /** `rsa` is what Entra takes. */
  readonly key?: "rsa" | "ec";
}

/** A self-signed certificate as an app proves itself with, and its private key; both PEM. */
export async function makeAppCertificate(options: AppCertificateOptions = {}): Promise<{ readonly cert: string; readonly key: string }> {
  const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 };
  const signing = options.key === "ec" ? algorithm : rsa;
  const keys = await crypto.subtle.generateKey(signing, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=mailfleet app",
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + (options.endsInMs ?? 300 * dayMs)),
    keys,
    signingAlgorithm: signing,
  });
  return { cert: `${certificate.toString("pem")}\n`, key: await exportKey(keys.privateKey) };
}

async function createRoot(caFile: string, caKeyFile: string): Promise<void> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const root = await X509CertificateGenerator.createSelfSigned({
    name: "CN=mailfleet test authority",
    ...validity(),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  await writeFile(caKeyFile, await exportKey(keys.privateKey), { mode: 0o600 });
  await writeFile(caFile, `${root.toString("pem")}\n`);
}

/** A day into the past, for clocks that differ; a month ahead, because nothing of it outlives a test machine. */
function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 30 * dayMs) };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(pem), algorithm, true, ["sign"]);
}
