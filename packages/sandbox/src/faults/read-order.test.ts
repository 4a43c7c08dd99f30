import { describe, expect, it } from "vitest";
import { faultCatalogue } from "./catalogue.ts";
import { findMissingPlaces, readOrder, readOrderText } from "./read-order.ts";

describe("an order in one line", () => {
  it.each([
    ["token-stall", { name: "token-stall", params: {} }],
    [
      "token-5xx,tenant=contoso,status=502,body=html,after=30s,for=5m",
      { name: "token-5xx", tenant: "contoso", params: { status: 502, body: "html" }, afterMs: 30_000, forMs: 300_000 },
    ],
    [
      "throttle,mailbox=ap@fabrikam.example,hintMs=50m,bye,times=3,chance=30%",
      { name: "throttle", mailbox: "ap@fabrikam.example", params: { hintMs: 3_000_000, bye: true }, times: 3, chance: 0.3 },
    ],
    ["token-lifetime, seconds=2h, for=1.5h", { name: "token-lifetime", params: { seconds: 7_200 }, forMs: 5_400_000 }],
    [
      "no-data,folder=Sent Items,uid=7,for=1m,fromFirst",
      { name: "no-data", params: {}, folder: "Sent Items", uid: 7, forMs: 60_000, fromFirst: true },
    ],
    ['{"name":"token-429","params":{"retryAfter":"date"},"forMs":500}', { name: "token-429", params: { retryAfter: "date" }, forMs: 500 }],
    ["auth-no,tenant=contoso,protocol=pop3", { name: "auth-no", params: {}, tenant: "contoso", protocol: "pop3" }],
    ["token-role,protocol=pop", { name: "token-role", params: { protocol: "pop" } }],
  ])("%s", (text, order) => {
    expect(readOrderText(text)).toEqual({ order });
  });

  it("is refused with all that is wrong with it", () => {
    const read = readOrderText("throttle,hintMs=soon,tenant=,after=30,times=0,times=1,colour=red");
    expect("problems" in read && read.problems.join("\n")).toMatch(
      /times is given twice[^]*tenant is a text[^]*after is a time such as 30s[^]*times is a whole number[^]*hintMs of throttle is a number[^]*throttle has no colour/,
    );
    expect(readOrderText("token-stall,mailbox=a@b.example")).toEqual({
      problems: ["token-stall knows no mailbox and would never strike"],
    });
    expect(readOrderText("auth-no,protocol=smtp")).toEqual({ problems: ['protocol is imap or pop3, not "smtp"'] });
    for (const text of ["top-refused,protocol=imap", "uidnext-rollback,protocol=pop3"])
      expect(readOrderText(text)).toEqual({ problems: [expect.stringMatching(/ knows no protocol and would never strike$/)] });
    expect(readOrderText("{")).toEqual({ problems: ["that is no JSON"] });
  });
});

describe("an order as an object", () => {
  it.each([
    [7, /object with a name/],
    [{}, /name is missing/],
    [{ name: "token-stall", colour: 1 }, /colour is not known; an order has: tenant/],
    [{ name: "no-such" }, /there is no fault no-such; there are: /],
    [{ name: "token-stall", for: 300 }, /for is a time such as 30s or 5m, not 300/],
    [{ name: "token-stall", for: "5m", forMs: 1 }, /for and forMs say the same/],
    [{ name: "token-stall", forMs: "x" }, /forMs is a number of ms/],
    [{ name: "token-stall", params: [] }, /params is an object/],
    [{ name: "token-429", params: { seconds: null } }, /seconds is a text, a number/],
    [{ name: "token-stall", chance: "often", fromFirst: 3 }, /chance is a share[^]*fromFirst is true or false/],
  ])("%j is refused", (value, problem) => {
    const read = readOrder(value);
    expect("problems" in read && read.problems.join("\n")).toMatch(problem);
  });
});

it("an order for what the sandbox does not have would never strike", () => {
  const missing = (order: object): string[] =>
    findMissingPlaces({ name: "x", ...order }, ["contoso"], (address) => address === "a@b.example");
  expect(missing({ tenant: "contoso", mailbox: "A@b.example" })).toEqual([]);
  expect(missing({ tenant: "other", mailbox: "c@b.example" })).toEqual([
    "the sandbox has no tenant other; it has: contoso",
    "the sandbox has no mailbox c@b.example",
  ]);
});

it("no fault has a parameter that would be taken for a place or a time", () => {
  const reserved = ["tenant", "mailbox", "folder", "uid", "after", "for", "fromFirst", "times", "chance", "name"];
  for (const [name, { params, side }] of Object.entries(faultCatalogue))
    expect(
      Object.keys(params).filter((param) => reserved.includes(param) || (param === "protocol" && side !== "token")),
      name,
    ).toEqual([]);
});
