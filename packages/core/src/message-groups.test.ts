import { expect, test } from "vitest";
import { messageKey } from "./ids.ts";
import { byMailbox } from "./message-groups.ts";

const key = (address: string, folder: string, generation: number, uid: number): string =>
  messageKey({ tenant: "contoso", address, folder, generation, uidValidity: "14", uid });

test("messages are put together by mailbox, folder and generation; what names no message is left out", () => {
  const keys = [
    key("a@contoso.example", "INBOX", 1, 7),
    key("b@contoso.example", "INBOX", 1, 3),
    "no key",
    key("a@contoso.example", "INBOX", 2, 8),
    key("a@contoso.example", "INBOX", 1, 8),
  ];
  expect(byMailbox(keys).map(({ mailbox, generation, uids }) => [mailbox.address, generation, uids])).toEqual([
    ["a@contoso.example", 1, [[7, 8]]],
    ["b@contoso.example", 1, [[3, 3]]],
    ["a@contoso.example", 2, [[8, 8]]],
  ]);
});
