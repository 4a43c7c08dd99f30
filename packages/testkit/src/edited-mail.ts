/** One change to the bytes of a message, as a relay, a broken mailer or chance makes it. Places are shares of its length, from 0 to 1. */
export type MailEdit =
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "set-byte"; readonly at: number; readonly byte: number }
  | { readonly kind: "insert"; readonly at: number; readonly text: string }
  | { readonly kind: "swap-lines"; readonly at: number; readonly to: number }
  | { readonly kind: "copy-line"; readonly at: number; readonly to: number }
  | { readonly kind: "drop-line"; readonly at: number }
  | { readonly kind: "delimiter"; readonly at: number; readonly how: "drop" | "close" | "open" | "copy" | "blank" | "cr" | "longer" }
  | { readonly kind: "crlf"; readonly at: number };

/** Pieces of text that mean something to a parser, put where they do not belong. Characters are bytes. */
export const mailFragments: readonly string[] = [
  ...["\r", "\n", "\r\n", "\n\n", "\r\n\r\n", "\r\r\n", "\0", "\t", " \n", "\x80\x81", "\xC3\xA9", "\xFF", "\x1B$B"],
  ...["=", "=\n", "=\r\n", "= \n", "=3D", "=0D=0A", "=20", "==", "-", "_", "--", ";", '"', "(", ")", "<", ">", "@", ",", ":", "> "],
  ...["=?utf-8?q?a=0D?=", "=?utf-8?B?4oKs?=", "=?gb2312?B?xOO6ww==?=", "From ", "\n--b\n", "\n--b--\n"],
  "Content-Type: text/html; charset=windows-1252\n",
  "Content-Type: multipart/mixed; boundary=b\n",
  "Content-Type: message/rfc822\n",
  "Content-Type: text/plain; format=flowed; delsp=yes\n",
  "Content-Type: text/plain; charset=gb2312\n",
  "Content-Type: text/plain; charset=utf-16\n",
  "Content-Type: text/plain; charset=iso-2022-jp\n",
  "Content-Type: text/plain (a comment); charset=klingon\n",
  "Content-Transfer-Encoding: base64\n",
  "Content-Transfer-Encoding: quoted-printable\n",
  "Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=b\n",
  "Content-Disposition: inline; filename==?utf-8?q?=C3=A4?=\n",
  'To: "a, b" <c@d.example>, f g <h@i.example>, <j@k.example>\n',
  "Subject: two\n",
  "Content-ID: <a@b>\n",
];

export function editMail(mail: Uint8Array, edits: readonly MailEdit[]): Buffer {
  let bytes: Buffer = Buffer.from(mail);
  for (const edit of edits) bytes = applyEdit(bytes, edit);
  return bytes;
}

function applyEdit(bytes: Buffer, edit: MailEdit): Buffer {
  const at = Math.trunc(edit.at * bytes.length);
  switch (edit.kind) {
    case "cut":
      return bytes.subarray(0, at);
    case "set-byte":
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(edit.byte), bytes.subarray(at + 1)]);
    case "insert":
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(edit.text, "latin1"), bytes.subarray(at)]);
    case "crlf":
      return Buffer.from(bytes.toString("latin1").replace(/\r?\n/g, "\r\n"), "latin1");
    case "swap-lines":
    case "copy-line":
    case "drop-line":
    case "delimiter":
      return editLines(bytes, edit);
  }
}

function editLines(bytes: Buffer, edit: Exclude<MailEdit, { kind: "cut" | "set-byte" | "insert" | "crlf" }>): Buffer {
  const lines = bytes.toString("latin1").split("\n");
  const place = (share: number, count = lines.length): number => Math.min(Math.trunc(share * count), count - 1);
  const at = place(edit.at);
  switch (edit.kind) {
    case "swap-lines": {
      const to = place(edit.to);
      [lines[at], lines[to]] = [lines[to] as string, lines[at] as string];
      break;
    }
    case "copy-line":
      lines.splice(place(edit.to), 0, lines[at] as string);
      break;
    case "drop-line":
      lines.splice(at, 1);
      break;
    case "delimiter": {
      const delimiters = [...lines.keys()].filter((line) => lines[line]?.startsWith("--"));
      if (delimiters.length > 0) editDelimiter(lines, delimiters[place(edit.at, delimiters.length)] as number, edit.how);
      break;
    }
  }
  return Buffer.from(lines.join("\n"), "latin1");
}

function editDelimiter(lines: string[], at: number, how: Extract<MailEdit, { kind: "delimiter" }>["how"]): void {
  const line = lines[at] as string;
  switch (how) {
    case "drop":
      lines.splice(at, 1);
      return;
    case "close":
      lines[at] = line.replace(/\r?$/, "--$&");
      return;
    case "open":
      lines[at] = line.replace(/--(?=\r?$)/, "");
      return;
    case "copy":
      lines.splice(at + 1, 0, line);
      return;
    case "blank":
      lines[at] = line.replace(/\r?$/, " \t$&");
      return;
    case "cr":
      lines[at] = `${line}\r`;
      return;
    case "longer":
      lines[at] = line.replace(/\r?$/, "x$&");
      return;
  }
}
