import type { CredentialNote, CredentialNotes } from "@mailfleet/core";
import type { describe as Describe, expect as Expect, test as Test } from "vitest";

type Vitest = { readonly describe: typeof Describe; readonly test: typeof Test; readonly expect: typeof Expect };

/** What every {@link CredentialNotes} must do. `open` gives an empty store for each test. */
export function describeCredentialNotes(name: string, open: () => Promise<CredentialNotes>, { describe, test, expect }: Vitest): void {
  const note: CredentialNote = { tenant: "contoso", role: "next", identity: "a".repeat(64), at: 1_000, ok: true };

  describe(`${name} as notes on credentials`, () => {
    test("keeps the last note of each tenant and role, whole", async () => {
      const notes = await open();
      expect(await notes.read()).toEqual([]);
      const refused: CredentialNote = { ...note, at: 2_000, ok: false, code: "ENTRA_CREDENTIAL_INVALID", text: 'not "known"\nyet' };
      const others: CredentialNote[] = [
        { ...note, role: "current" },
        { ...note, tenant: "fabrikam" },
      ];
      for (const one of [note, ...others, refused]) await notes.write(one);
      const read = await notes.read();
      expect(read).toHaveLength(3);
      expect(read).toEqual(expect.arrayContaining([refused, ...others]));
    });
  });
}
