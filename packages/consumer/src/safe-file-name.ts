/** As long as common file systems allow, with room for what a caller adds. */
const mostBytes = 200;
/** Names that Windows keeps for devices, with any extension. */
const devices = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * A file name made of what a sender called an attachment: one path segment that stays in its folder on every system, shows no control
 * characters, and is not hidden. Not unique: put something of the event before it.
 */
export function safeFileName(name: string | undefined, fallback = "attachment"): string {
  const cleaned = (name ?? "")
    .normalize("NFC")
    // Separators, what Windows forbids, controls, and marks that turn the direction of what follows.
    .replaceAll(/[/\\:*?"<>|\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "_")
    .replace(/^[.\s]+/, "")
    .replace(/[.\s]+$/, "");
  if (cleaned === "") return fallback;
  const named = devices.test(cleaned) ? `_${cleaned}` : cleaned;
  if (Buffer.byteLength(named) <= mostBytes) return named;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(named)?.[0] ?? "";
  const stem = Buffer.from(named.slice(0, named.length - extension.length)).subarray(0, mostBytes - extension.length);
  // A character that was cut in two is left out.
  return `${stem.toString().replace(/\uFFFD+$/, "")}${extension}`;
}
