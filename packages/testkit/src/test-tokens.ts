import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { exportPKCS8, exportSPKI, generateKeyPair, importPKCS8, SignJWT } from "jose";
import { tokenIssuer, tokenKeyId } from "./dovecot-config.ts";

export interface TokenRequest {
  /** The token opens every mailbox under this domain. */
  readonly domain: string;
  /** Seconds from now; below zero gives a token that has expired. Default one hour. */
  readonly expiresInSeconds?: number;
  /** Added to the claims, or in place of ours. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Makes the key that signs the tokens of the Dovecot in `dir`, and puts its public half where Dovecot looks for it. */
export async function createTokenKey(dir: string): Promise<void> {
  const pair = await generateKeyPair("RS256", { extractable: true });
  const publicDir = path.join(dir, "keys", "default", "RS256");
  await mkdir(publicDir, { recursive: true });
  await writeFile(path.join(publicDir, tokenKeyId), await exportSPKI(pair.publicKey));
  const privateFile = path.join(dir, "token-key.pem");
  await writeFile(privateFile, await exportPKCS8(pair.privateKey));
  await chmod(privateFile, 0o600);
}

/** Gives app-only tokens that the Dovecot in `dir` accepts. */
export async function tokenSigner(dir: string): Promise<(request: TokenRequest) => Promise<string>> {
  const key = await importPKCS8(await readFile(path.join(dir, "token-key.pem"), "utf8"), "RS256");
  return async (request) => {
    const now = Math.trunc(Date.now() / 1000);
    const exp = now + (request.expiresInSeconds ?? 3600);
    const from = Math.min(now, exp) - 60;
    // Dovecot wants `sub`, and takes `upn` as the user; `azp` would change where it looks for the key.
    const claims = { sub: "mailfleet-test", upn: `app@${request.domain}`, roles: ["IMAP.AccessAsApp", "POP.AccessAsApp"] };
    const standard = { iss: tokenIssuer, aud: "https://outlook.office365.com", iat: from, nbf: from, exp };
    return new SignJWT({ ...claims, ...standard, ...request.claims })
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: tokenKeyId })
      .sign(key);
  };
}
