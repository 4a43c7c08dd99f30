import type { Config } from "@mailfleet/config";
import type { MailboxRef } from "@mailfleet/core";
import { recordingLog } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { createLoginTeller, tenantLimits, tooManyLogins } from "./tenant-limits.ts";

const configOf = (sync: Partial<Config["sync"]>): Config =>
  ({
    sync: { pollSeconds: 300, freshWithinSeconds: 600, ...sync },
    tenants: {
      contoso: { cloud: "global", endpoints: { imap: { host: "outlook.office365.com" } }, protocol: "imap" },
      box: { cloud: "custom", endpoints: { imap: { host: "localhost" } }, protocol: "imap" },
      spool: { cloud: "custom", endpoints: { pop3: { host: "pop.example" } }, protocol: "pop3" },
      both: { cloud: "custom", endpoints: { imap: { host: "imap.example" }, pop3: { host: "pop.example" } }, protocol: "pop3" },
      mixed: { cloud: "custom", endpoints: { imap: { host: "imap.example" } }, protocol: "pop3" },
    },
  }) as unknown as Config;
const boxes = (tenant: string, count: number): MailboxRef[] =>
  Array.from({ length: count }, (_, i) => ({ tenant, address: `m${i}@${tenant}.example`, protocol: "imap" }));

test("logins begin slowly at Microsoft, at their ceiling at servers of one's own, and nowhere above what is configured", () => {
  const byDefault = tenantLimits(configOf({}));
  expect(byDefault("contoso")).toEqual({ host: "outlook.office365.com", loginsAtFirst: 2, loginsAtMost: 10 });
  expect(byDefault("box")).toEqual({ host: "localhost", loginsAtFirst: 1_000, loginsAtMost: 1_000 });
  expect(tenantLimits(configOf({ loginsPerSecond: 1 }))("box")).toEqual({ host: "localhost", loginsAtFirst: 1, loginsAtMost: 1 });
  expect(byDefault("unknown")).toEqual({ host: "", loginsAtFirst: 2, loginsAtMost: 10 });
});

test.each([
  ["contoso", "outlook.office365.com"],
  ["spool", "pop.example"],
  ["both", "pop.example"],
  ["mixed", "imap.example"],
])("sessions of %s are counted at %s", (tenant, host) => {
  expect(tenantLimits(configOf({}))(tenant).host).toBe(host);
});

test("mailboxes that need more logins than are allowed are told with numbers and with what to set, once", () => {
  const config = configOf({});
  const found = tooManyLogins(config, [...boxes("contoso", 6_000), ...boxes("box", 6_000)], tenantLimits(config));
  expect(found).toEqual([
    "contoso: 6,000 mailboxes every 300 s are 20.0 logins per second, and 10 are allowed. Each is looked at every 600 s instead. " +
      "Set sync.pollSeconds to 600 or more, or sync.loginsPerSecond to 20.",
  ]);
  expect(tooManyLogins(config, boxes("contoso", 3_000), tenantLimits(config))).toEqual([]);
  const log = recordingLog();
  const tell = createLoginTeller(log);
  for (let i = 0; i < 3; i++) tell(found);
  expect(log.messages("warn")).toEqual(found);
});
