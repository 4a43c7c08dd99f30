import { expect, test } from "vitest";
import { textWidth } from "./text-layout.ts";
import { messageLines } from "./try-lines.ts";
import type { ListedMessage } from "./try-newest.ts";

const message: ListedMessage = {
  uidl: "419",
  date: "2026-11-20T12:11:00.000Z",
  size: 3900,
  from: "Robert Bob Miles of Tailspin Toys",
  subject: "Question about the maintenance contract",
};
const head = "      2026-11-20 12:11    3.9 kB  419  ";

test("a narrow terminal shows the beginning of sender and subject", () => {
  expect(messageLines([message], 60)).toEqual([`${head}Robert Bo…  Question…`]);
});

test("a wide terminal shows the subject whole, and aligns it behind a long sender", () => {
  expect(messageLines([message, { ...message, from: "Jo" }], 120)).toEqual([
    `${head}Robert Bob Miles of Tailspi…  ${message.subject}`,
    `${head}Jo                            ${message.subject}`,
  ]);
});

test("a UIDL of 70 characters leaves room for the subject", () => {
  const [text = ""] = messageLines([{ ...message, uidl: "u".repeat(70) }], 100);
  expect(text).toContain(`${"u".repeat(19)}…`);
  expect(text).toContain("Question about");
});

test("no width makes a line longer than the terminal", () => {
  for (let width = 40; width <= 140; width++)
    for (const text of messageLines([message, { ...message, from: "田中 健", subject: "ご注文32782の納期について" }], width))
      expect(textWidth(text)).toBeLessThanOrEqual(width);
});

test("a pipe gets everything, over IMAP with what was read", () => {
  const { uidl: _, ...rest } = message;
  expect(messageLines([message], Number.POSITIVE_INFINITY)).toEqual([`${head}${message.from}  ${message.subject}`]);
  expect(messageLines([{ ...rest, uid: 4, flags: ["\\Seen"] }], Number.POSITIVE_INFINITY)[0]).toContain("3.9 kB  read    Robert");
});
