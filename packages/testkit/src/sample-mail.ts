import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface SampleMail {
  /** Of a real message its path, which begins with `real/` or `hard/`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Real mail lies beside the checkout on the machines of the project; anywhere else the list is empty and composed mail has to do. */
export function corpusMails(): SampleMail[] {
  const corpus = join(import.meta.dirname, "../../../../shared/corpus");
  if (!existsSync(corpus)) return [];
  return readdirSync(corpus, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".eml"))
    .map((name) => ({ name, bytes: readFileSync(join(corpus, name)) }));
}

/** Mail of the shape that programs send: two texts and a file, an encoded subject, a group among the receivers. */
export function composedMails(): SampleMail[] {
  return Array.from({ length: 300 }, (_, i) => {
    const pdf = Buffer.alloc(i * 100, i)
      .toString("base64")
      .replace(/.{76}/g, "$&\r\n");
    const lines = [
      `From: "Sender ${i}" <s${i}@a.example>`,
      `To: r@b.example, Team: t${i}@b.example;`,
      `Subject: =?utf-8?q?N=C2=BA_${i}?=`,
      "Content-Type: multipart/mixed; boundary=o",
      "",
      "--o",
      "Content-Type: multipart/alternative; boundary=i",
      "",
      `--i\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe ${i}`,
      `--i\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Grüße ${i}</p>`,
      "--i--",
      `--o\r\nContent-Type: application/pdf; name="${i}.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n${pdf}`,
      "--o--",
    ];
    return { name: `composed ${i}`, bytes: Buffer.from(lines.join("\r\n")) };
  });
}
