import type { connectRedis } from "@mailfleet/store";

/** The client that the store makes; its library is the store's business. */
export type Redis = Awaited<ReturnType<typeof connectRedis>>;
