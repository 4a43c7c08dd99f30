import { z } from "zod";
import { file, filled, map, variable } from "./schema-parts.ts";

const expectedRatio = "expected a share from 0 to 1, such as 0.01";

/** `traces`: where OpenTelemetry's spans go. */
export const tracesBlock = map(
  {
    otlpEndpoint: filled(
      "expected a URL, such as http://127.0.0.1:4318",
      "Collector that takes OTLP over HTTP; without a path, /v1/traces is meant.",
    ),
    sampleRatio: z
      .number({ error: expectedRatio })
      .min(0, { error: expectedRatio })
      .max(1, { error: expectedRatio })
      .meta({ description: "Share of the polls that are traced. Default 0.01: with 10,000 mailboxes about one every three seconds." })
      .optional(),
    authorizationFile: file("the value of the Authorization header"),
    authorizationEnv: variable("the value of the Authorization header"),
  },
  "OpenTelemetry traces of workers, from poll to hand-off. Absent: none, and nothing is loaded.",
  { required: ["otlpEndpoint"] },
).optional();
