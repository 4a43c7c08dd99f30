import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AddressTable } from "./address-table.ts";
import { type MailboxFile, readMailboxChunks } from "./mailbox-file.ts";

const addresses = ({ table }: MailboxFile): string[] => Array.from({ length: table.size }, (_, index) => table.address(index));
const read = (text: string | Buffer): Promise<MailboxFile> => readMailboxChunks([Buffer.from(text)], "boxes.csv");

describe("a file of mailboxes", () => {
  test.each<[string, Buffer]>([
    ["UTF-8", Buffer.from("address\r\nünï@x.example\r\nb@x.example")],
    ["UTF-8 with its mark", Buffer.from("\ufeffaddress\nünï@x.example\nb@x.example\n")],
    ["UTF-16 as PowerShell writes it", Buffer.from("\ufeffaddress\r\nünï@x.example\r\nb@x.example\r\n", "utf16le")],
    ["UTF-16 the other way round", Buffer.from("\ufeffaddress\nünï@x.example\nb@x.example\n", "utf16le").swap16()],
    ["old line ends", Buffer.from("address\rünï@x.example\rb@x.example\r")],
  ])("is read in %s, whatever pieces it comes in", async (_, bytes) => {
    for (const size of [1, 2, 3, 7, 1_000]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (__, i) => bytes.subarray(i * size, (i + 1) * size));
      // The mark is in the first piece of every file that is larger than nothing.
      const [first = Buffer.of(), second = Buffer.of(), ...more] = chunks;
      const file = await readMailboxChunks([Buffer.concat([first, second]), ...more], "boxes.csv");
      expect(addresses(file)).toEqual(["ünï@x.example", "b@x.example"]);
      expect(file.problemCount).toBe(0);
    }
  });

  test.each<[string, string | Buffer, string]>([
    ["UTF-16 without its mark", Buffer.from("a@x.example\n", "utf16le"), "NUL bytes"],
    ["a disk image", "x".repeat(70_000), "a line of more than 65536 characters"],
    ["a misspelt header", "adress,protocol\na@x.example,imap\n", 'line 1: "adress", did you mean address?'],
    ["a misspelt second column", "address,protocl\na@x.example,pop3\n", 'line 1: "protocl", did you mean protocol?'],
  ])("is refused whole when it is %s", async (_, text, what) => {
    await expect(read(text)).rejects.toMatchObject({ exitCode: 2, report: { what: expect.stringContaining(what) as string } });
  });

  test("has all its bad rows named by line, and the good ones stay", async () => {
    const rows = ["address", "a@x.example", "A@X.example ", "=cmd|' /C calc'!A0@x.example", "b\u0000@x.example", "+tag@x.example"];
    const file = await read(rows.join("\n"));
    expect(addresses(file)).toEqual(["a@x.example", "+tag@x.example"]);
    expect(file.problems.map(({ line, text }) => [line, text])).toEqual([
      [3, "same as line 2"],
      [4, "a space in the address"],
      [5, "a control character in the address"],
    ]);
    expect((await read(Buffer.from("address\n\xff@x.example\n", "latin1"))).problems).toMatchObject([
      { line: 2, text: "a letter that is not UTF-8" },
    ]);
  });
});

test("the table finds what was added and nothing else, as a map does", () => {
  const address = fc.string({ unit: fc.constantFrom("a", "b", "é", "中"), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(address, { maxLength: 3_000 }), fc.array(address), (added, asked) => {
      const table = new AddressTable();
      const map = new Map<string, number>();
      for (const one of added) {
        if (map.has(one)) continue;
        map.set(one, map.size);
        table.add({ address: one, line: map.size, protocol: map.size % 2 === 0 ? "pop3" : "imap" });
      }
      for (const one of [...added, ...asked]) expect(table.find(one)).toBe(map.get(one) ?? -1);
      for (const [one, index] of map) expect([table.address(index), table.line(index)]).toEqual([one, index + 1]);
    }),
    { numRuns: 50 },
  );
});

test("a million rows are read and compared in less than 200 MB beside what the program itself takes (T58)", () => {
  const program = `
    const { readMailboxChunks } = await import(${JSON.stringify(new URL("mailbox-file.ts", import.meta.url).href)});
    const { importLines, planImport } = await import(${JSON.stringify(new URL("mailbox-import.ts", import.meta.url).href)});
    const baseMb = process.resourceUsage().maxRSS / 1_000;
    function* chunks() {
      yield Buffer.from("address,protocol\\n");
      for (let i = 0; i < 1_000_000; i += 1_000) {
        yield Buffer.from(Array.from({ length: 1_000 }, (_, j) => "mailbox" + (i + j) + "@contoso.example,pop3\\n").join(""));
      }
    }
    const planner = planImport(await readMailboxChunks(chunks(), "boxes.csv"), { alias: "contoso", protocol: "imap" });
    for (let i = 0; i < 200_000; i++) planner.note({ tenant: "contoso", address: "mailbox" + i + "@contoso.example", protocol: "pop3" }, false);
    const [first] = importLines(planner.plan(), { file: "boxes.csv", isDryRun: true, isPruning: false });
    console.log(JSON.stringify({ first, fresh: planner.plan().fresh.count, mb: process.resourceUsage().maxRSS / 1_000 - baseMb }));
  `;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  const found = JSON.parse(out) as { first: string; fresh: number; mb: number };
  expect(found).toMatchObject({ first: "boxes.csv: 1,000,000 rows, 1,000,000 good, 0 left out", fresh: 800_000 });
  expect(found.mb).toBeLessThan(200);
});
