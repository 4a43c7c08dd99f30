import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { Secret, secretText } from "@mailfleet/core";
import { isLocalHost } from "./http-words.ts";
import type { EntraCredential, IdentityEndpoint } from "./entra-tenant.ts";
import type { CredentialSettings } from "./tenant-settings.ts";

/** `problem` says what is wrong in words that go on after a subject, without what a file holds. */
export type ReadCredential = { readonly credential: EntraCredential } | { readonly problem: string };

/** A file's text as last read; undefined where it could not be read. */
export type TextOf = (file: string) => string | undefined;

/** The variables by which Azure says where a managed identity is asked for. */
export interface IdentityEnvironment {
  readonly IDENTITY_ENDPOINT?: string | undefined;
  readonly IDENTITY_HEADER?: string | undefined;
  readonly AZURE_POD_IDENTITY_AUTHORITY_HOST?: string | undefined;
}

/** A credential from its settings and files. Total. */
export function readCredential(settings: CredentialSettings, textOf: TextOf, env: IdentityEnvironment): ReadCredential {
  const common = settings.expiresAt === undefined ? {} : { expiresAt: settings.expiresAt };
  switch (settings.kind) {
    case "secret": {
      if (!("file" in settings.source)) return { credential: { kind: "secret", secret: settings.secret, ...common } };
      const found = textIn(settings.source.file, textOf);
      return "problem" in found ? found : { credential: { kind: "secret", secret: new Secret(found.value), ...common } };
    }
    case "certificate":
      return readCertificate(settings, textOf);
    case "federated":
      return readAssertion(settings.tokenFile, textOf, common);
    case "managedIdentity": {
      const endpoint = identityEndpoint(env);
      if ("problem" in endpoint) return endpoint;
      const { clientId } = settings;
      return { credential: { kind: "managedIdentity", endpoint, ...(clientId !== undefined && { clientId }), ...common } };
    }
  }
}

function textIn(file: string, textOf: TextOf): { readonly value: string } | { readonly problem: string } {
  const text = textOf(file);
  if (text === undefined) return { problem: `${file} cannot be read` };
  const found = secretText(text);
  return "problem" in found ? { problem: `${file} ${found.problem}` } : found;
}

function readCertificate(settings: Extract<CredentialSettings, { kind: "certificate" }>, textOf: TextOf): ReadCredential {
  const { keyFile, certFile, passphrase, expiresAt = Infinity } = settings;
  const [keyText, certText] = [textOf(keyFile), textOf(certFile)];
  if (keyText === undefined || certText === undefined) return { problem: `${keyText === undefined ? keyFile : certFile} cannot be read` };
  const certificate = parsed(() => new X509Certificate(certText));
  if (!certificate) return { problem: `${certFile} holds no certificate in PEM` };
  const key = parsed(() => createPrivateKey({ key: keyText, ...(passphrase && { passphrase: passphrase.reveal() }) }));
  if (!key) return { problem: keyProblem(keyFile, keyText, passphrase !== undefined) };
  if (!isStrongRsa(key)) return { problem: `${keyFile} holds no RSA key of 2048 bits or more, which is what Entra takes` };
  if (!certificate.checkPrivateKey(key)) return { problem: `${keyFile} and ${certFile} do not belong together` };
  return {
    credential: {
      kind: "certificate",
      thumbprint: createHash("sha256").update(certificate.raw).digest("hex"),
      privateKey: new Secret(key.export({ type: "pkcs8", format: "pem" }).toString()),
      expiresAt: Math.min(Date.parse(certificate.validTo), expiresAt),
    },
  };
}

function isStrongRsa(key: KeyObject): boolean {
  return key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
}

function keyProblem(keyFile: string, text: string, hasPassphrase: boolean): string {
  const isEncrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);
  if (!isEncrypted) return `${keyFile} holds no private key in PEM`;
  return hasPassphrase
    ? `${keyFile} does not open with the passphrase`
    : `${keyFile} is encrypted, and neither passphraseFile nor passphraseEnv is set`;
}

/** What is wrong is told in words of ours: OpenSSL's may quote what it read. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function readAssertion(file: string, textOf: TextOf, common: { readonly expiresAt?: number }): ReadCredential {
  const found = textIn(file, textOf);
  if ("problem" in found) return found;
  if (assertionEnd(found.value) === undefined) return { problem: `${file} holds no signed token with an end (a JWT with exp)` };
  return { credential: { kind: "federated", assertion: new Secret(found.value), ...common } };
}

/** `exp` of a JWT, epoch ms; undefined for what is none. */
export function assertionEnd(assertion: string): number | undefined {
  const [, payload, signature, ...more] = assertion.split(".");
  if (payload === undefined || signature === undefined || signature === "" || more.length > 0) return undefined;
  const claims = parsed(() => JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { readonly exp?: unknown } | null);
  return typeof claims?.exp === "number" && Number.isSafeInteger(claims.exp) ? claims.exp * 1000 : undefined;
}

/** App Service and Container Apps name theirs; AKS's pod identity names another host; else it is the metadata service of Azure's machines. */
function identityEndpoint(env: IdentityEnvironment): IdentityEndpoint | { readonly problem: string } {
  const { IDENTITY_ENDPOINT: url, IDENTITY_HEADER: header, AZURE_POD_IDENTITY_AUTHORITY_HOST: pod } = env;
  const isAppService = url !== undefined && header !== undefined;
  const text = isAppService ? url : `${(pod ?? "http://169.254.169.254").replace(/\/+$/, "")}/metadata/identity/oauth2/token`;
  const parsedUrl = parsed(() => new URL(text));
  if (!parsedUrl || !(parsedUrl.protocol === "https:" || (parsedUrl.protocol === "http:" && isLocalHost(parsedUrl.hostname)))) {
    return { problem: `${isAppService ? "IDENTITY_ENDPOINT" : "AZURE_POD_IDENTITY_AUTHORITY_HOST"} names no endpoint on this machine` };
  }
  return isAppService ? { kind: "app-service", url: text, header: new Secret(header) } : { kind: "imds", url: text };
}
