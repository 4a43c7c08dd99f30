import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
  cryptoProvider,
} from "@peculiar/x509";

type CryptoKey = webcrypto.CryptoKey;

export interface KeyAndCert {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

/** What a client must find out about a certificate. */
export type BadCertificate = "expired" | "wrong-name" | "self-signed";

export interface ServerCertificate extends KeyAndCert {
  /** Absolute path of the authority's certificate, for clients. */
  readonly caFile: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;
const caDays = 365;
const leafDays = 30;
/** An authority about to end is replaced, so that a long-running client is not cut off. */
const renewBeforeDays = 31;

/**
 * The sandbox's own certificate authority, kept in `dataDir` while it is valid (a client that trusts it keeps working over restarts), and a
 * fresh server certificate for localhost and `name`.
 */
export async function prepareCertificates(dataDir: string, name: string): Promise<ServerCertificate> {
  cryptoProvider.set(webcrypto);
  const { caFile, authority } = await takeAuthority(dataDir);
  return { ...(await makeLeaf(authority, "localhost", Date.now() + leafDays * dayMs, name)), caFile };
}

/** By the sandbox's authority, except that the self-signed one is by nobody. */
export async function makeBadCertificate(dataDir: string, kind: BadCertificate): Promise<KeyAndCert> {
  const { authority } = await takeAuthority(dataDir);
  switch (kind) {
    case "expired":
      return makeLeaf(authority, "localhost", Date.now() - dayMs / 2);
    case "wrong-name":
      return makeLeaf(authority, "mail.example", Date.now() + leafDays * dayMs);
    case "self-signed":
      return makeLeaf(undefined, "localhost", Date.now() + leafDays * dayMs);
  }
}

async function takeAuthority(dataDir: string): Promise<{ readonly caFile: string; readonly authority: Authority }> {
  const caFile = join(dataDir, "ca.pem");
  const caKeyFile = join(dataDir, "ca-key.pem");
  return { caFile, authority: (await loadAuthority(caFile, caKeyFile)) ?? (await makeAuthority(caFile, caKeyFile)) };
}

async function makeLeaf(authority: Authority | undefined, name: string, endsAt: number, alsoNamed = name): Promise<KeyAndCert> {
  const names = [...new Set([name, alsoNamed])].map((value) => ({ type: "dns" as const, value }));
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const leaf = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${name}`,
    issuer: authority?.certificate.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(endsAt),
    publicKey: keys.publicKey,
    signingKey: authority?.key ?? keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new SubjectAlternativeNameExtension([
        ...names,
        ...(name === "localhost" ? ["127.0.0.1", "::1"].map((value) => ({ type: "ip" as const, value })) : []),
      ]),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    ],
  });
  return { key: await exportKey(keys.privateKey), cert: leaf.toString("pem") };
}

interface Authority {
  readonly certificate: X509Certificate;
  readonly key: CryptoKey;
}

async function makeAuthority(caFile: string, caKeyFile: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=mailfleet sandbox",
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + caDays * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  writeFileSync(caKeyFile, await exportKey(keys.privateKey), { mode: 0o600 });
  writeFileSync(caFile, certificate.toString("pem"));
  return { certificate, key: keys.privateKey };
}

async function loadAuthority(caFile: string, caKeyFile: string): Promise<Authority | undefined> {
  if (!existsSync(caFile) || !existsSync(caKeyFile)) return undefined;
  try {
    const certificate = new X509Certificate(readFileSync(caFile, "utf8"));
    if (certificate.notAfter.getTime() < Date.now() + renewBeforeDays * dayMs) return undefined;
    const der = PemConverter.decodeFirst(readFileSync(caKeyFile, "utf8"));
    const key = await webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
    return { certificate, key };
  } catch {
    // Half-written or someone else's files: a new authority is made in their place.
    return undefined;
  }
}

async function exportKey(key: CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), PemConverter.PrivateKeyTag);
}

function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(12)));
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
