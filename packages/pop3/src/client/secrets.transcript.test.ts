import { inspect } from "node:util";
import type { ScriptStep } from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";
import type { Pop3Client, Pop3Error } from "./index.ts";
import { ask, blob, canary, converse, errorOf, greeting, stall, user } from "./transcript-harness.ts";

const hidden = [canary, blob, canary.slice(10, 60), blob.slice(20, 80), Buffer.from(canary).toString("base64url").slice(4, 60)];

/** Everything of an error that anybody could print. */
function everythingOf(error: Pop3Error): string {
  const own = Object.getOwnPropertyNames(error).map((name) => String((error as unknown as Record<string, unknown>)[name]));
  return [inspect(error, { depth: null, showHidden: true }), JSON.stringify(error), error.stack, String(error), ...own].join("\n");
}

const capa = ask(/^CAPA$/, "+OK\r\nSASL XOAUTH2\r\n.\r\n");
const invited = [greeting, ...capa, ...ask(/^AUTH XOAUTH2$/, "+ \r\n")];
const loggedIn = [...invited, ...ask(/^[\w+/]+=*$/, "+OK\r\n")];
const login = async (client: Pop3Client): Promise<void> => await client.authenticate(user, canary);
const loginAndStat = async (client: Pop3Client): Promise<void> => {
  await login(client);
  await client.stat();
};

// A server that echoes what it was sent, in every place where its words are kept (T01).
const echoes: readonly (readonly [string, readonly ScriptStep[], (client: Pop3Client) => Promise<void>])[] = [
  ["the SASL answer in its refusal", [...invited, ...ask(/^([\w+/]+=*)$/, "-ERR invalid: $1\r\n")], login],
  ["the token in its refusal", [...invited, ...ask(/^[\w+/]+=*$/, `-ERR ${canary} is no token\r\n`)], login],
  [
    "the token in a response code",
    [...invited, ...ask(/^[\w+/]+=*$/, `-ERR [${canary.slice(10, 50).replaceAll(".", "-")}] no\r\n`)],
    login,
  ],
  ["the SASL answer in place of a status", [...invited, ...ask(/^([\w+/]+=*)$/, "$1\r\n")], login],
  ["the SASL answer as a challenge", [...invited, ...ask(/^([\w+/]+=*)$/, "+ $1\r\n"), ...ask(/^$/, `-ERR ${blob}\r\n`)], login],
  ["the token in its last words", [...invited, ...ask(/^[\w+/]+=*$/, `-ERR no\r\nConnection is closed. ${canary}\r\n`)], login],
  ["the token in an answer to STAT", [...loggedIn, ...ask(/^STAT$/, `+OK ${canary}\r\n`)], loginAndStat],
  ["the token in a refused STAT", [...loggedIn, ...ask(/^STAT$/, `-ERR ${canary}\r\n`)], loginAndStat],
];

describe("a server that echoes", () => {
  test.each(echoes)("%s shows it to nobody", async (_name, script, use) => {
    await using talk = await converse([...script, stall]);
    const client = await talk.connect({ scrub: undefined });
    const error = await errorOf(use(client));
    const all = [
      everythingOf(error),
      inspect(client, { depth: null, showHidden: true }),
      client.ended ? everythingOf(client.ended) : "",
    ].join("\n");
    expect(hidden.filter((secret) => all.includes(secret))).toEqual([]);
  });

  test.each(echoes)("%s: its words go through the caller's scrubber whole, and come out as that says", async (_name, script, use) => {
    const raw: string[] = [];
    await using talk = await converse([...script, stall]);
    const client = await talk.connect({
      scrub: (text) => {
        raw.push(text);
        return "SCRUBBED";
      },
    });
    const error = await errorOf(use(client));
    if (error.text === undefined) expect(error.problem).toBe("stat");
    else {
      expect(raw.some((text) => text.includes(canary) || text.includes(blob) || text.includes(canary.slice(10, 50)))).toBe(true);
      expect(error.text).toMatch(/^SCRUBBED( \/ SCRUBBED)*$/);
      expect(error.responseCode).toBeUndefined();
    }
  });
});

test("an argument that is refused is not in the error", async () => {
  await using talk = await converse([greeting, ...capa, stall]);
  const client = await talk.connect();
  const error = await errorOf(client.authenticate(user, `${canary}\r\n`));
  expect(hidden.filter((secret) => everythingOf(error).includes(secret))).toEqual([]);
  expect(everythingOf(error)).not.toContain(user);
});
