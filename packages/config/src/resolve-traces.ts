import type { TracesConfig } from "./config.ts";
import { readSecret } from "./files.ts";
import { isLoopback } from "./hosts.ts";
import type { Reading } from "./reading.ts";
import type { FileConfig } from "./schema.ts";
import { describeValue } from "./show.ts";

const place = ["traces"];

export function resolveTraces(reading: Reading, given: FileConfig["traces"]): TracesConfig | undefined {
  if (given === undefined) return undefined;
  const authorization = readSecret(
    reading,
    place,
    { file: given.authorizationFile, env: given.authorizationEnv },
    { file: "authorizationFile", env: "authorizationEnv" },
  )?.secret;
  const { otlpEndpoint: text, sampleRatio = 0.01 } = given;
  if (text === undefined) return undefined;
  const path = [...place, "otlpEndpoint"];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    reading.report(path, describeValue(text), "expected a URL, such as http://127.0.0.1:4318");
    return undefined;
  }
  if (url.username !== "" || url.password !== "")
    reading.report(path, "has a password in it (not shown)", "expected authorizationFile or authorizationEnv");
  // Spans hold no mail, so a collector in the cluster may be http; a secret never goes there in the clear.
  if (authorization && url.protocol === "http:" && !isLoopback(url.hostname))
    reading.report(path, "would send the secret in the clear", "expected https, or a loopback address");
  if (url.pathname === "/") url.pathname = "/v1/traces";
  return { otlpEndpoint: url.href, sampleRatio, ...(authorization && { authorization }) };
}
