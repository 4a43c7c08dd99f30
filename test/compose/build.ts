import { mustDocker } from "./compose-project.ts";

/** The first time its base images are fetched and all packages installed. */
const buildMs = 900_000;

/** Looks at the compose file as an operator gets it, and builds the image that all fleets of the run are made of; none where TEST_IMAGE names one. */
export async function setup(): Promise<void> {
  await mustDocker(["compose", "--profile", "*", "config", "--quiet"]);
  if (process.env["TEST_IMAGE"] !== undefined) return;
  const files = ["-f", "docker-compose.yml", "-f", "test/compose/outside.yml"];
  await mustDocker(["compose", ...files, "build", "producer"], { limitMs: buildMs });
}
