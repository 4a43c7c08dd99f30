import { expect, test } from "vitest";
import { FlagError, parseFlags } from "./flags.ts";

const spec = {
  numbers: { deliveries: { default: 300, min: 1 }, "gap-ms": { default: 200, min: 0 }, "poll-seconds": { min: 1, max: 3_600 } },
  texts: ["corpus"],
  choices: { protocol: ["imap", "pop3"] },
  switches: ["push"],
} as const;

test("what is not given has its default, and what has none stays undefined", () => {
  const { numbers, texts, choices, switches, help, json } = parseFlags([], spec);
  expect(choices).toEqual({ protocol: "imap" });
  expect(numbers).toEqual({ deliveries: 300, "gap-ms": 200, "poll-seconds": undefined });
  expect([texts.size, switches.size, help, json]).toEqual([0, 0, false, false]);
});

test("what is given is read, in both spellings", () => {
  const { numbers, texts, choices, switches, json } = parseFlags(
    ["--protocol", "pop3", "--deliveries", "5", "--gap-ms=0", "--poll-seconds", "7", "--corpus", "./mail", "--push", "--json"],
    spec,
  );
  expect(choices.protocol).toBe("pop3");
  expect(numbers).toEqual({ deliveries: 5, "gap-ms": 0, "poll-seconds": 7 });
  expect([texts.get("corpus"), switches.has("push"), json]).toEqual(["./mail", true, true]);
});

test.each([
  [["--deliveries", "x"], '--deliveries is "x"; expected a whole number of at least 1'],
  [["--deliveries", "0"], '--deliveries is "0"; expected a whole number of at least 1'],
  [["--deliveries", "1.5"], '--deliveries is "1.5"; expected a whole number of at least 1'],
  [["--deliveries", "1e3"], '--deliveries is "1e3"; expected a whole number of at least 1'],
  [["--deliveries", "99999999999999999999"], '--deliveries is "99999999999999999999"; expected a whole number of at least 1'],
  [["--deliveries="], '--deliveries is ""; expected a whole number of at least 1'],
  [["--deliveries"], "--deliveries has no value; expected a whole number of at least 1"],
  [["--deliveries", "--push"], '--deliveries is "--push"; expected a whole number of at least 1'],
  [["--gap-ms=-1"], '--gap-ms is "-1"; expected a whole number of at least 0'],
  [["--poll-seconds", "3601"], '--poll-seconds is "3601"; expected a whole number from 1 to 3600'],
  [["--corpus", "--push"], "--corpus has no value; expected one"],
  [["--protocol", "pop"], '--protocol is "pop"; expected imap or pop3'],
  [["--protocol"], "--protocol has no value; expected imap or pop3"],
  [["--push=yes"], '--push is "yes"; expected it without a value'],
  [
    ["--toString", "1"],
    "--toString is not known; expected one of --deliveries, --gap-ms, --poll-seconds, --protocol, --corpus, --help, --json, --push",
  ],
  [["-x"], "-x is not known; expected one of --deliveries, --gap-ms, --poll-seconds, --protocol, --corpus, --help, --json, --push"],
  [["many\nlines"], '"many\\nlines" is not known; expected flags only, --help shows them'],
])("%j is refused in one line that names the flag", (args, message) => {
  expect(() => parseFlags(args, spec)).toThrow(new FlagError(message));
});
