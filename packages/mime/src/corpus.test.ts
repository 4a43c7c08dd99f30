import { isDeepStrictEqual } from "node:util";
import { simpleParser } from "mailparser";
import { afterAll, describe, expect, test } from "vitest";
import { limits, type ParsedAttachment, type ParsedMessage, readMessage, asParsed } from "@mailfleet/core";
import { hostileMails } from "@mailfleet/testkit/hostile-mail";
import { composedMails, corpusMails } from "@mailfleet/testkit/sample-mail";
import { htmlPartSeparator } from "./join-html.ts";
import { createMimeParser } from "./mime-parser.ts";
import { parseMessage } from "./parse-message.ts";

const real = corpusMails();
const readable = hostileMails().filter((mail) => mail.expected === "read" && mail.bytes.length < 100_000);
const mails = [...composedMails(), ...readable, ...real];
const parser = createMimeParser({ threads: 2 });
afterAll(() => parser.close());

describe(`${mails.length} messages, ${real.length} of them real`, () => {
  test("are all read, and hand over what mailparser's own simpleParser finds", async () => {
    const results = await Promise.all(mails.map(({ bytes }) => parser.parse(bytes)));
    const refused = results.flatMap((result, i) => (result.ok ? [] : [`${mails[i]?.name}: ${result.reason}`]));
    expect(refused).toEqual([]);
    expect(results).toHaveLength(mails.length);

    const different: string[] = [];
    for (const [i, { name, bytes }] of mails.entries()) {
      const result = results[i];
      if (result?.ok) different.push(...(await compare(readMessage(result.message), bytes)).map((what) => `${name}: ${what}`));
    }
    expect(different).toEqual([]);
  }, 60_000);

  test("come out of their thread as they were parsed, written as events have them", async () => {
    const { parseParts: parts, parseDepth: depth, parseHeaderBytes: headerBytes, parseHeaderFields: headerFields } = limits;
    const parseLimits = { parts, depth, headerBytes, headerFields, addresses: limits.parseAddresses, textBytes: limits.parseTextBytes };
    const pairs = await Promise.all(mails.map(({ bytes }) => Promise.all([parser.parse(bytes), parseMessage(bytes, parseLimits)])));
    const different = pairs.flatMap(([written, parsed], i) => {
      if (!written.ok || !parsed.ok) return [`${mails[i]?.name} was not read`];
      const { attachments, ...rest } = readMessage(written.message);
      const { attachments: expected, ...head } = asParsed(parsed.message);
      const isSame =
        isDeepStrictEqual(rest, clean(head)) &&
        isDeepStrictEqual(attachments.map(about), expected.map(about).map(clean)) &&
        expected.every(({ content }, at) => Buffer.from(content as Uint8Array).equals(attachments[at]?.content as Uint8Array));
      return isSame ? [] : [mails[i]?.name];
    });
    expect(different).toEqual([]);
  }, 60_000);
});

function about({ content: _content, ...fields }: ParsedAttachment): object {
  return fields;
}

/** No event holds a NUL or a lone surrogate (T31). */
function clean(value: unknown): unknown {
  const fix = (text: string): string => text.toWellFormed().replaceAll("\0", "\uFFFD");
  return JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === "string" ? fix(one) : one)));
}

/** Where we mean to differ (header bytes, ids, dates, NUL), the unit tests say how; everything else must be the same. */
async function compare(ours: ParsedMessage, bytes: Uint8Array): Promise<string[]> {
  const theirs = await simpleParser(Buffer.from(bytes), {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    keepCidLinks: true,
    checksumAlgo: false,
    keepDeliveryStatus: true,
    ...{ ignoreEmbedded: true },
  });
  const different: string[] = [];
  const isSplit = ours.defects.includes("html-parts-split");
  const attachments = isSplit ? ours.attachments.filter((one) => one.contentType !== "text/html; charset=utf-8") : ours.attachments;
  if (attachments.length !== theirs.attachments.length) different.push("number of attachments");
  for (const [i, one] of theirs.attachments.entries()) {
    if (!one.content.equals((attachments[i]?.content as Uint8Array | undefined) ?? new Uint8Array()))
      different.push(`bytes of attachment ${i}`);
    if (one.filename !== attachments[i]?.filename && !ours.defects.includes("name-cut")) different.push(`name of attachment ${i}`);
  }
  const html = theirs.html ? theirs.html.split("<br/>\n").filter((part) => part !== "") : [];
  const ourHtml = (ours.html ?? "")
    .replaceAll(htmlPartSeparator, "<br/>\n")
    .split("<br/>\n")
    .filter((part) => part !== "");
  if (!isSplit && html.join("") !== ourHtml.join("")) different.push("html");
  if (words(theirs.text) !== words(ours.text)) different.push("text");
  const plainHeader = !ours.defects.includes("raw-header-bytes");
  if (plainHeader && words(theirs.subject) !== words(ours.subject)) different.push("subject");
  const theirFrom = theirs.from?.value.map((one) => one.address ?? "").filter((one) => one !== "") ?? [];
  const ourFrom = ours.from.map((one) => one.address).filter((one) => one !== "");
  if (plainHeader && theirFrom.some((address, i) => address !== ourFrom[i])) different.push("from");
  return different;
}

/** Without white space and without what stands for NUL. */
function words(text: string | undefined): string {
  return (text ?? "").replace(/[\s\0\uFFFD]+/g, "");
}
