/** Folder names on the wire: modified UTF-7 (RFC 3501 section 5.1.3). */

export function encodeModifiedUtf7(name: string): string {
  let out = "";
  let run = "";
  const endRun = (): void => {
    if (run === "") return;
    const bytes = Buffer.alloc(run.length * 2);
    for (let i = 0; i < run.length; i++) bytes.writeUInt16BE(run.charCodeAt(i), i * 2);
    out += `&${bytes.toString("base64").replaceAll("=", "").replaceAll("/", ",")}-`;
    run = "";
  };
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) run += name.charAt(i);
    else {
      endRun();
      out += code === 0x26 ? "&-" : name.charAt(i);
    }
  }
  endRun();
  return out;
}

/** Undefined where the text is no modified UTF-7; the caller then takes it as it is. */
export function decodeModifiedUtf7(text: string): string | undefined {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    if (text.charAt(i) !== "&") {
      out += text.charAt(i);
      continue;
    }
    const end = text.indexOf("-", i);
    if (end < 0) return undefined;
    if (end === i + 1) out += "&";
    else {
      const base64 = text.slice(i + 1, end).replaceAll(",", "/");
      const bytes = Buffer.from(base64, "base64");
      if (bytes.length === 0 || bytes.length % 2 !== 0) return undefined;
      for (let at = 0; at < bytes.length; at += 2) out += String.fromCharCode(bytes.readUInt16BE(at));
    }
    i = end;
  }
  return out;
}
