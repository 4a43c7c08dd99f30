/** What a client proves itself with. */
export interface Credentials {
  /** The mailbox's address. */
  readonly user: string;
  readonly token: string;
}

/** `user=` address ^A `auth=Bearer ` token ^A ^A in base64 (field guide 2.1). Undefined where either is missing. */
export function readXoauth2(blob: string): Credentials | undefined {
  const fields = Buffer.from(blob, "base64").toString("utf8").split("\x01");
  const user = fields.find((field) => field.startsWith("user="))?.slice(5);
  const token = fields.find((field) => /^auth=bearer /i.test(field))?.slice(12);
  return user && token ? { user, token } : undefined;
}

/** The user of a SASL PLAIN answer, as far as it has one. */
export function readPlainUser(blob: string): string | undefined {
  return Buffer.from(blob, "base64").toString("utf8").split("\0")[1];
}
