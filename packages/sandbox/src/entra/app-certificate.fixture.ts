import "reflect-metadata";
import { webcrypto, X509Certificate } from "node:crypto";
import { cryptoProvider, PemConverter, X509CertificateGenerator } from "@peculiar/x509";

export interface AppCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly privateKey: string;
  /** Hex, without colons. */
  readonly thumbprint: string;
  readonly thumbprint256: string;
}

const algorithm = {
  name: "RSASSA-PKCS1-v1_5",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: "SHA-256",
} as const;

/** As an administrator makes one for an app registration. */
export async function makeAppCertificate(endsAt = new Date(Date.now() + 86_400_000)): Promise<AppCertificate> {
  cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: "CN=app",
    notBefore: new Date(Date.now() - 172_800_000),
    notAfter: endsAt,
    signingAlgorithm: algorithm,
    keys,
  });
  const certificate = made.toString("pem");
  const { fingerprint, fingerprint256 } = new X509Certificate(certificate);
  return {
    certificate,
    privateKey: PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), PemConverter.PrivateKeyTag),
    thumbprint: fingerprint.replaceAll(":", ""),
    thumbprint256: fingerprint256.replaceAll(":", ""),
  };
}
