import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BlobEraser, type BlobStore, type MailboxRef, type PieceReader, Secret } from "@mailfleet/core";
import { fakeClock, type FakeClock, type S3Server, seededChance, startS3Server } from "@mailfleet/testkit";
import type { BucketOptions } from "./s3-bucket.ts";
import { createS3Store } from "./s3-store.ts";
import type { S3Place } from "./s3-place.ts";

export const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };

export interface S3World {
  readonly server: S3Server;
  readonly place: S3Place;
  readonly clock: FakeClock;
  readonly scratchDir: string;
  open(place?: Partial<S3Place>, options?: BucketOptions): BlobStore & PieceReader & BlobEraser;
  close(): Promise<void>;
}

/** A store before a server of its own. */
export async function openS3World(options?: Parameters<typeof startS3Server>[0]): Promise<S3World> {
  const server = await startS3Server(options);
  const scratchDir = await mkdtemp(join(tmpdir(), "mailfleet-s3-"));
  const clock = fakeClock(Date.UTC(2026, 10, 23));
  let seed = 1;
  const place: S3Place = {
    bucket: server.bucket,
    region: server.region,
    endpoint: server.endpoint,
    prefix: "fleet/",
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKeyId, secretAccessKey: new Secret(server.secretAccessKey) },
  };
  return {
    server,
    place,
    clock,
    scratchDir,
    open: (other, more) => createS3Store({ place: { ...place, ...other }, scratchDir, clock, chance: seededChance(seed++), ...more }),
    async close() {
      await server.stop();
      await rm(scratchDir, { recursive: true, force: true });
    },
  };
}
