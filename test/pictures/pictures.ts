import { readFileSync } from "node:fs";
import path from "node:path";
import { fleetSentence, viewFleet } from "@mailfleet/core";
import { type FleetFacts, pictureNow, recordsOf } from "./fleet-facts.ts";
import { pictureColumns, terminalBytes } from "./terminal-bytes.ts";
import { terminalSvg } from "./terminal-svg.ts";

export function pictureFile(name: string): string {
  return path.join(import.meta.dirname, "../../docs/pictures", name);
}

export function storedFacts(): FleetFacts {
  return JSON.parse(readFileSync(pictureFile("fleet.json"), "utf8")) as FleetFacts;
}

/** Name of the file and what is in it. */
export function terminalPictures(facts: FleetFacts): Readonly<Record<string, string>> {
  const bytes = terminalBytes(facts);
  const title = `npm start, in a terminal: ${fleetSentence(viewFleet(recordsOf(facts), pictureNow, 600_000))}`;
  const draw = (theme: "light" | "dark"): string => terminalSvg(bytes, pictureColumns, theme, title);
  return { "terminal-light.svg": draw("light"), "terminal-dark.svg": draw("dark") };
}
