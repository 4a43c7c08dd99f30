/** Mail that a parser with limits must refuse; each stays valid enough to have been delivered by a real server. */
export type HostileKind = "many-parts" | "huge-header";

export function hostileMessage(kind: HostileKind, owner: string, date: string): Buffer {
  const common = `From: "Bulk sender" <bulk@odd-mail.example>\r\nTo: ${owner}\r\nDate: ${date}\r\nMessage-ID: <${kind}.${owner.replace("@", ".at.")}@odd-mail.example>\r\nMIME-Version: 1.0\r\n`;
  if (kind === "huge-header") {
    const filler = Array.from({ length: 1_300 }, (_, i) => `X-Trace-${String(i)}: ${"hop ".repeat(220)}`).join("\r\n");
    return Buffer.from(
      `${common}Subject: A header block above 1 MB\r\n${filler}\r\nContent-Type: text/plain\r\n\r\nThe body is short.\r\n`,
    );
  }
  const parts = Array.from({ length: 1_200 }, (_, i) => `--odd\r\nContent-Type: text/plain\r\n\r\npart ${String(i)}\r\n`).join("");
  return Buffer.from(`${common}Subject: 1,200 parts\r\nContent-Type: multipart/mixed; boundary="odd"\r\n\r\n${parts}--odd--\r\n`);
}

/** Announced size without making it. */
export const hostileBytes: Readonly<Record<HostileKind, number>> = { "many-parts": 55_000, "huge-header": 1_160_000 };
