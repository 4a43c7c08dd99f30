import { describe, expect, test } from "vitest";
import { describeSharedTokenCache } from "../conformance/shared-token-cache.ts";
import { createMemoryTokenCache } from "./memory-token-cache.ts";

describeSharedTokenCache(
  "the memory fake",
  async () => {
    let now = 0;
    const cache = createMemoryTokenCache({ monotonic: () => now });
    return {
      caches: [cache, cache],
      pass: async (ms) => {
        now += ms;
      },
    };
  },
  { describe, test, expect },
);
