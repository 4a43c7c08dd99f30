/*
 * Folder names on the wire: modified UTF-7 (RFC 3501 section 5.1.3) with the server's delimiter; inside mailfleet: text with `/`.
 */

/** Text of a wire name. What is no valid modified UTF-7 stays as it is written: servers list such names. */
export function decodeFolderName(wire: string): string {
  return wire.replace(/&([A-Za-z0-9+,]*)-/g, (whole, base64: string) => {
    if (base64 === "") return "&";
    const bytes = Buffer.from(base64.replaceAll(",", "/"), "base64");
    if (bytes.length === 0 || bytes.length % 2 !== 0) return whole;
    const text = bytes.swap16().toString("utf16le");
    return text.isWellFormed() ? text : whole;
  });
}

export function encodeFolderName(text: string): string {
  return text.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === "&") return "&-";
    const base64 = Buffer.from(run, "utf16le").swap16().toString("base64");
    return `&${base64.replace(/=+$/, "").replaceAll("/", ",")}-`;
  });
}

/**
 * Between the server's delimiter and `/`, in either direction: the two change places, so that a name that holds a slash
 * stays one level and no two folders fall together.
 */
export function swapDelimiter(name: string, delimiter: string | undefined): string {
  if (delimiter === undefined || delimiter === "/" || delimiter === "") return name;
  return name.replace(/[\s\S]/gu, (char) => (char === delimiter ? "/" : char === "/" ? delimiter : char));
}

/** True for names that could break a command line, a log or a terminal (T40). */
export function hasControls(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- controls are the point
  return /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(name) || !name.isWellFormed();
}
