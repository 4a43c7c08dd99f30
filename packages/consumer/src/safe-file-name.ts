/** As long as common file systems allow, with room for what a caller adds. */
const mostBytes = 200;
/** Names that Windows keeps for devices, with any extension, and with spaces before it. */
const devices = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d¹²³])\s*(\.|$)/i;
/** Windows drops them, so that two names become one. */
const trailing = /[.\s]+$/;

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
    .replace(trailing, "");
  if (cleaned === "") return fallback;
  const named = noDevice(cleaned);
  if (Buffer.byteLength(named) <= mostBytes) return named;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(named)?.[0] ?? "";
  const stem = Buffer.from(named.slice(0, named.length - extension.length)).subarray(0, mostBytes - extension.length);
  // A character that was cut in two is left out; behind the cut the name may end as it must not, or be a device's.
  return noDevice(
    `${stem
      .toString()
      .replace(/\uFFFD+$/, "")
      .replace(trailing, "")}${extension}`,
  );
}

function noDevice(name: string): string {
  return devices.test(name) ? `_${name}` : name;
}
