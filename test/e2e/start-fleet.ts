import type { FleetOptions, FleetUnderTest } from "./fleet-under-test.ts";
import { startProcessFleet } from "./process-fleet.ts";

/** What cannot be with containers asks this where it stands; test/compose/suite.ts says why. */
export const isCompose = process.env["TEST_FLEET"] === "compose";

export async function startFleet(options: FleetOptions): Promise<FleetUnderTest> {
  if (!isCompose) return startProcessFleet(options);
  const { startComposeFleet } = await import("../compose/compose-fleet.ts");
  return startComposeFleet(options);
}
