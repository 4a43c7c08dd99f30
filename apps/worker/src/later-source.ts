import type { MailSource } from "@mailfleet/core";

/** A source whose code is read for its first mailbox. What keeps it from being read is that mailbox's failure, and the next one tries again. */
export function laterSource(read: () => Promise<MailSource>): MailSource {
  let reading: Promise<MailSource> | undefined;
  const source = async (): Promise<MailSource> => {
    try {
      return await (reading ??= read());
    } catch (error) {
      reading = undefined;
      throw error;
    }
  };
  return {
    open: async (...request) => (await source()).open(...request),
    look: async (...request) => (await source()).look?.(...request),
  };
}
