import type { CredentialNote, CredentialNotes } from "@mailfleet/core";

/** The fleet's notes on credentials in this process' memory. */
export function createMemoryCredentialNotes(): CredentialNotes {
  const notes = new Map<string, CredentialNote>();
  return {
    read: async () => [...notes.values()],
    write: async (note) => void notes.set(`${note.role} ${note.tenant}`, note),
  };
}
