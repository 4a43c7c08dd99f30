import { afterEach, beforeEach, expect, test } from "vitest";
import { lookAtBucket } from "./open-blob-store.ts";
import { openS3World, type S3World } from "./s3-world.fixture.ts";

let world: S3World;
beforeEach(async () => {
  world = await openS3World();
});
afterEach(() => world.close());

test("a bucket that does what is asked of it is ready, and nothing is left in it", async () => {
  expect(await lookAtBucket(world.place, world.clock)).toMatchObject({ kind: "ready", bucket: "mail-blobs" });
  expect(world.server.requests.map(({ method, query }) => (query.has("list-type") ? "LIST" : method))).toEqual([
    "PUT",
    "GET",
    "LIST",
    "DELETE",
  ]);
  expect(world.server.objects.size).toBe(0);
});

test.each([
  ["write", "PUT", false],
  ["read", "GET", false],
  ["list", "GET", true],
  ["delete", "DELETE", false],
] as const)("what it may not do is named: %s", async (at, method, isList) => {
  world.server.break((request) =>
    request.method === method && request.query.has("list-type") === isList
      ? { kind: "status", status: 403, code: "AccessDenied" }
      : undefined,
  );
  expect(await lookAtBucket(world.place, world.clock)).toEqual({ kind: "refused", bucket: "mail-blobs", at, code: "AccessDenied" });
});

test("a bucket that is not there, and a region that is another", async () => {
  expect(await lookAtBucket({ ...world.place, bucket: "other" }, world.clock)).toMatchObject({ at: "write", code: "NoSuchBucket" });
  expect(await lookAtBucket({ ...world.place, region: "us-west-1" }, world.clock)).toMatchObject({ code: "AuthorizationHeaderMalformed" });
});
