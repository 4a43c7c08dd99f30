import { describe, expect, test } from "vitest";
import { describeBlobStore } from "../conformance/blob-store.ts";
import { createMemoryBlobStore } from "./memory-blob-store.ts";

describeBlobStore(
  "the memory blob store",
  async () => {
    const store = createMemoryBlobStore();
    return { store, reopen: async () => store, loseIndex: async (mailbox) => store.loseIndex(mailbox) };
  },
  { describe, test, expect },
);
