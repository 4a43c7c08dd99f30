import type { CrashWorld } from "./crash-world.ts";

/** The server says so of a message that is to be a batch of its own: a batch holds 4 MB. */
export const large = 3 * 1024 * 1024;
export const minute = 60_000;

export function deliver(
  world: CrashWorld,
  folder: string,
  names: readonly string[],
  about: { readonly size?: number; readonly internalDate?: number } = {},
): void {
  for (const name of names) world.mail.deliver(folder, world.message(name), about);
}

/** Mail that was there before mailfleet came. */
const old = { internalDate: 0 };

/** An INBOX, a folder of the user's, one that a rule leaves out and one that is no mail. */
export function smallMailbox(world: CrashWorld): void {
  for (const folder of ["Archive", "Junk Email", "Calendar"]) world.mail.createFolder(folder);
  deliver(world, "INBOX", ["a1", "a2", "a3"], { ...old, size: large });
  deliver(world, "Archive", ["b1", "b2"], old);
  deliver(world, "Junk Email", ["j1"], old);
  deliver(world, "Calendar", ["c1"], old);
}
