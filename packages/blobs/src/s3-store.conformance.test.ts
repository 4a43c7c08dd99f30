import { describeBlobStore } from "@mailfleet/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { openS3World, type S3World } from "./s3-world.fixture.ts";

const worlds: S3World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

describeBlobStore(
  "the S3 store",
  async () => {
    const world = await openS3World();
    worlds.push(world);
    return {
      store: world.open(),
      reopen: async () => world.open(),
      async loseIndex() {
        for (const key of world.server.objects.keys()) if (key.includes("/index/")) world.server.remove(key);
      },
    };
  },
  { describe, test, expect },
);
