import { Secret } from "@mailfleet/core";

/** Dropped at any depth, in any spelling of case and dashes: keys, commands with their arguments, and what people wrote. */
const droppedKeys: ReadonlySet<string> = new Set([
  ...["auth", "key", "privatekey", "apikey", "pwd", "pass"],
  ...["args", "argv", "command", "executedcommand", "query"],
  ...["subject", "from", "to", "cc", "bcc", "sender", "replyto", "textbody", "html", "body", "headers"],
  ...["filename", "attachments", "raw", "source"],
]);

/** Wherever these stand in a key it names a credential: refresh_token, clientSecret. A number or a boolean is none: tokenAgeMs stays. */
const secretWords = /password|passwd|secret|token|authorization|assertion|cookie|credential/;

/** Deep enough for any record of ours, shallow enough for any foreign one. */
const maxDepth = 6;
const maxItems = 50;

/**
 * A copy of the fields that may be written: strings scrubbed, errors by allow-list (name, code, message, stack, causes), secrets never.
 * Total: it does not throw, whatever a foreign object does.
 */
export function redact(value: unknown, scrub: (text: string) => string, depth = 0): unknown {
  try {
    return redactValue(value, scrub, depth);
  } catch {
    return "[unreadable]";
  }
}

function redactValue(value: unknown, scrub: (text: string) => string, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return scrub(value);
    case "bigint":
      return value.toString();
    case "number":
    case "boolean":
    case "undefined":
      return value;
    case "function":
    case "symbol":
      return undefined;
    case "object":
      return value === null ? null : redactObject(value, scrub, depth);
  }
}

function redactObject(value: object, scrub: (text: string) => string, depth: number): unknown {
  if (value instanceof Secret) return "[secret]";
  if (depth >= maxDepth) return "[deep]";
  if (value instanceof Error) return redactError(value, scrub, depth);
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => redact(item, scrub, depth + 1));
  const copy: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value).slice(0, maxItems)) {
    if (!isDropped(key, one)) copy[key] = redact(one, scrub, depth + 1);
  }
  return copy;
}

function isDropped(key: string, value: unknown): boolean {
  const name = key.toLowerCase().replaceAll(/[-_]/g, "");
  if (droppedKeys.has(name)) return true;
  // A Secret prints as [secret], which tells that there is one.
  return (
    secretWords.test(name) && (typeof value === "string" || (typeof value === "object" && value !== null && !(value instanceof Secret)))
  );
}

/** Foreign errors carry their arguments (ioredis: the whole command), so only these properties travel, recursively. */
function redactError(error: Error, scrub: (text: string) => string, depth: number): unknown {
  const code = (error as { code?: unknown }).code;
  return {
    name: scrub(error.name),
    ...((typeof code === "string" || typeof code === "number") && { code: redact(code, scrub, depth) }),
    message: scrub(error.message),
    // Line by line, because the scrubber cuts each text it sees.
    ...(error.stack && {
      stack: error.stack
        .split("\n")
        .filter((line) => /^\s+at /.test(line))
        .slice(0, 20)
        .map((line) => scrub(line.trim()))
        .join("\n"),
    }),
    ...(error.cause !== undefined && { cause: redact(error.cause, scrub, depth + 1) }),
    ...(error instanceof AggregateError && { errors: error.errors.slice(0, maxItems).map((one) => redact(one, scrub, depth + 1)) }),
  };
}
