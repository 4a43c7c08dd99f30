/** Messages built to hurt a parser (T25, T28 to T32), for tests. Each is generated, so that its size can be read off. */
export interface HostileMail {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** `read` parses; anything else is what the reason must name. */
  readonly expected: "read" | RegExp;
}

function mail(head: readonly string[], body = "text\r\n"): Uint8Array {
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`, "latin1");
}

function nested(depth: number): string {
  let body = "deep\r\n";
  for (let level = depth; level > 0; level--) {
    const next = level === depth ? "text/plain" : `multipart/mixed; boundary=b${level + 1}`;
    body = `--b${level}\r\nContent-Type: ${next}\r\n\r\n${body}\r\n--b${level}--\r\n`;
  }
  return body;
}

export function hostileMails(): HostileMail[] {
  const multipart = "Content-Type: multipart/mixed; boundary=b";
  const html = "Content-Type: text/html";
  return [
    { name: "20,000 parts", bytes: mail([multipart], "--b\r\n\r\nx\r\n".repeat(20_000)), expected: /more than 1000 parts/ },
    {
      name: "300 levels",
      bytes: mail(["Content-Type: multipart/mixed; boundary=b1"], nested(300)),
      expected: /nested deeper than 100 levels/,
    },
    { name: "90 levels", bytes: mail(["Content-Type: multipart/mixed; boundary=b1"], nested(90)), expected: "read" },
    {
      name: "200,000 header fields",
      bytes: mail(Array.from({ length: 200_000 }, (_, i) => `X-${i}: a`)),
      expected: /header block of one part is larger/,
    },
    { name: "one header line of 2 MB", bytes: mail([`X: ${"a".repeat(2_000_000)}`]), expected: /header block of one part is larger/ },
    { name: "60,000 folds", bytes: mail([`X: a${"\r\n b".repeat(15_000)}`]), expected: "read" },
    { name: "40,000 encoded words", bytes: mail([`Subject: ${"=?utf-8?q?a?= ".repeat(40_000)}`]), expected: "read" },
    { name: "half encoded words", bytes: mail([`Subject: ${"=?utf-8?q?".repeat(90_000)}`]), expected: "read" },
    { name: "encoded word openers", bytes: mail([`Subject: ${"=?".repeat(400_000)}`]), expected: "read" },
    {
      name: "10,000 RFC 2231 pieces",
      bytes: mail([`Content-Disposition: attachment${Array.from({ length: 10_000 }, (_, i) => `; filename*${i}*=a%20`).join("")}`]),
      expected: "read",
    },
    { name: "20,000 parameters", bytes: mail([`Content-Type: text/plain${"; a=b".repeat(20_000)}`]), expected: "read" },
    { name: "References of 900 kB", bytes: mail([`References: ${"<a@b.example> ".repeat(64_000)}`]), expected: "read" },
    { name: "10,000 parts", bytes: mail([multipart], "--b\r\n\r\nx\r\n".repeat(10_000)), expected: /more than 1000 parts/ },
    { name: "50,000 addresses", bytes: mail([`To: ${"a@b.example, ".repeat(50_000)}`]), expected: /more than 10000 addresses/ },
    { name: "100,000 addresses", bytes: mail([`To: ${"a@b.ex,".repeat(100_000)}`]), expected: /more than 10000 addresses/ },
    {
      name: "12,000 header fields in little space",
      bytes: mail(Array.from({ length: 12_000 }, () => "a:b")),
      expected: /head has more than 10000 fields/,
    },
    {
      name: "1 MB References",
      bytes: mail(Array.from({ length: 2 }, () => `References: ${"<a@b.example> ".repeat(36_000)}`)),
      expected: "read",
    },
    { name: "lying charset", bytes: mail(["Content-Type: text/plain; charset=utf-16"], "plain ASCII all the same\r\n"), expected: "read" },
    { name: "lying transfer encoding", bytes: mail(["Content-Transfer-Encoding: base64"], "plain text, no base64\r\n"), expected: "read" },
    { name: "open comments in an address", bytes: mail([`To: ${"(".repeat(500_000)}`]), expected: "read" },
    { name: "open quotes in an address", bytes: mail([`To: ${'"\\'.repeat(300_000)}`]), expected: "read" },
    { name: "open groups in an address", bytes: mail([`To: ${"a:".repeat(300_000)}`]), expected: "read" },
    { name: "spaces in a date", bytes: mail([`Date: ${"1 ".repeat(300_000)}`]), expected: "read" },
    { name: "one line of 8 MB", bytes: mail([], "a".repeat(8_000_000)), expected: "read" },
    { name: "4,000,000 empty lines", bytes: mail([], "\r\n".repeat(4_000_000)), expected: "read" },
    { name: "300,000 open tags", bytes: mail([html], "<b>".repeat(300_000)), expected: "read" },
    { name: "links without end", bytes: mail([], "http://".repeat(200_000)), expected: "read" },
    {
      name: "30,000 joined comments in HTML parts",
      bytes: mail([multipart], `--b\r\n${html}\r\n\r\n${"<!---- ".repeat(100_000)}\r\n--b\r\n${html}\r\n\r\nx`),
      expected: "read",
    },
    { name: "boundary lines that are none", bytes: mail([multipart], "--bx\r\n".repeat(500_000)), expected: "read" },
    { name: "no byte", bytes: new Uint8Array(0), expected: "read" },
    { name: "one line end", bytes: Buffer.from("\r\n"), expected: "read" },
    { name: "no header", bytes: Buffer.from("\r\nonly a body"), expected: "read" },
    { name: "no line end", bytes: Buffer.from("Subject: cut"), expected: "read" },
    { name: "64 kB of NUL", bytes: new Uint8Array(65_536), expected: "read" },
    { name: "unknown charset", bytes: mail(["Content-Type: text/plain; charset=klingon"]), expected: "read" },
    { name: "charset UTF-7", bytes: mail(["Content-Type: text/plain; charset=utf-7"], "+ADw-script+AD4-"), expected: "read" },
    {
      name: "broken base64",
      bytes: mail(["Content-Transfer-Encoding: base64", "Content-Type: image/png"], "%%%=".repeat(50_000)),
      expected: "read",
    },
    { name: "multipart without boundary", bytes: mail(["Content-Type: multipart/mixed"]), expected: "read" },
  ];
}
