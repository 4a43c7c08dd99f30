import type { ActionRun } from "@mailfleet/core/console";
import { expect, test } from "vitest";
import { Runs } from "./runs.ts";

const begun: Omit<ActionRun, "id"> = {
  verb: "doctor",
  state: "running",
  subject: "contoso",
  count: 1,
  startsAt: 0,
  done: 0,
  failed: 0,
  words: "",
  command: "",
  lines: [],
};
const result: ActionRun["result"] = { kind: "doctor", checked: [], exit: { code: 0, words: "" } };

test("results are kept of the latest actions alone, and are told to nobody but who asks for them", () => {
  const told: ActionRun[] = [];
  const runs = new Runs((run) => told.push(run));
  const ids = Array.from({ length: 25 }, () => runs.begin(begun).id);
  for (const id of ids) runs.update(id, { state: "done", result });
  expect(ids.map((id) => runs.find(id)?.result !== undefined)).toEqual(ids.map((_id, i) => i >= 5));
  expect(ids.every((id) => runs.find(id)?.state === "done")).toBe(true);
  expect(told.some((run) => "result" in run)).toBe(false);
});

test("of a check that says much the latest lines are kept", () => {
  const runs = new Runs(() => undefined);
  const { id } = runs.begin(begun);
  for (let n = 0; n < 100; n++) runs.addLines(id, [{ kind: "busy", name: "compares", text: String(n) }]);
  expect(runs.find(id)?.lines?.map(({ text }) => text)).toEqual(Array.from({ length: 40 }, (_, i) => String(60 + i)));
});
