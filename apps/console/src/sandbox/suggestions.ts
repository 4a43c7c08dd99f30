import type { FaultSuggestion } from "@mailfleet/core/console";

/** Minutes: long enough to be seen on each page, short enough that nobody waits for the end. */
const lasting = 2;

/** What goes wrong most in life, one button each; every one ends by itself. */
export function suggestionsFor(tenants: readonly string[], mailboxesOf: (tenant: string) => readonly string[]): readonly FaultSuggestion[] {
  const first = tenants[0];
  if (first === undefined) return [];
  const second = tenants[1] ?? first;
  const [mailbox] = mailboxesOf(first);
  return [
    {
      label: `Throttle ${second}`,
      watch: `Its mailboxes wait until the server's own time, and go on by themselves.`,
      order: { name: "throttle", tenant: second, minutes: lasting },
    },
    {
      label: "An outage at Microsoft",
      watch: "Every tenant is refused at once: nobody is told to mend anything.",
      order: { name: "auth-not-connected", minutes: lasting },
    },
    {
      label: `Refuse the secret of ${first}`,
      watch: "A good token is used until it nears its end; then the tenant is one line under Needs you.",
      order: { name: "token-error", tenant: first, minutes: lasting },
    },
    ...(mailbox === undefined
      ? []
      : [
          {
            label: "Deal new UIDs",
            watch: `In ${mailbox} every message is known again by its content; none is handed off twice.`,
            order: { name: "uidvalidity-bump", mailbox },
          },
        ]),
    {
      label: "Break connections",
      watch: "Sessions break in the middle of messages, and go on where they were.",
      order: { name: "reset", minutes: lasting },
    },
  ];
}
