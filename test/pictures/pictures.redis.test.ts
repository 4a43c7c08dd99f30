import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { captureFleet } from "./capture-fleet.ts";
import { drawConsole } from "./console-picture.ts";
import type { FleetFacts } from "./fleet-facts.ts";
import { pictureFile, storedFacts, terminalPictures } from "./pictures.ts";

let facts: FleetFacts;
let drawn: Readonly<Record<string, Buffer>> | undefined;

/** `npm run pictures` makes all of them anew here: from a first sync of the sandbox, which takes half a minute, and no test does. */
beforeAll(async () => {
  if (process.env["PICTURES"] !== "1") return void (facts = storedFacts());
  mkdirSync(pictureFile(""), { recursive: true });
  facts = await captureFleet();
  writeFileSync(pictureFile("fleet.json"), `${JSON.stringify(facts)}\n`);
  for (const [name, svg] of Object.entries(terminalPictures(facts))) writeFileSync(pictureFile(name), svg);
  const { pictures, words } = await drawConsole(facts);
  drawn = pictures;
  for (const [name, png] of Object.entries(pictures)) writeFileSync(pictureFile(name), png);
  writeFileSync(pictureFile("console.txt"), words);
}, 400_000);

test("the README's picture of the console says what the console says today; npm run pictures draws it", { timeout: 60_000 }, async () => {
  const { pictures, words } = await drawConsole(facts);
  expect(words).toBe(readFileSync(pictureFile("console.txt"), "utf8"));
  for (const [name, png] of Object.entries(pictures)) {
    expect(png.length).toBeLessThan(200_000);
    // On one machine a second drawing has the same bytes; another one has other fonts.
    if (drawn) expect(png.equals(drawn[name] ?? Buffer.of()), `${name} is drawn the same twice`).toBe(true);
  }
});
