/** One example of a verb, as `docs/cli.md` shows it. */
export interface CliExample {
  /** Behind `npx mailfleet`. */
  readonly args: string;
  /** Run against a fleet, it ends with this; absent where it takes the process over or goes on until Ctrl-C, and is only parsed. */
  readonly exit?: 0 | 1 | 2;
}

/** Each verb's, over the sandbox's addresses. `cli-examples.redis.test.ts` runs them in this order. */
export const cliExamples: Readonly<Record<string, CliExample>> = {
  up: { args: "up --config mailfleet.yaml --workers 2" },
  onboard: {
    args: "onboard --tenant fabrikam --tenant-id 33333333-3333-4333-8333-333333333333 --csv boxes.csv --out onboard.ps1",
    exit: 0,
  },
  producer: { args: "producer --config mailfleet.yaml" },
  worker: { args: "worker --config mailfleet.yaml" },
  console: { args: "console --config mailfleet.yaml" },
  try: { args: "try support@contoso.example", exit: 0 },
  doctor: { args: "doctor --mailbox support@contoso.example", exit: 0 },
  status: { args: "status --json", exit: 0 },
  plan: { args: "plan support@contoso.example", exit: 0 },
  "mailboxes list": { args: "mailboxes list --tenant contoso", exit: 0 },
  "mailboxes add": { args: "mailboxes add sales@contoso.example --tenant contoso", exit: 0 },
  "mailboxes import": { args: "mailboxes import boxes.csv --tenant contoso --dry-run", exit: 0 },
  "mailboxes park": { args: 'mailboxes park sales@contoso.example --reason "moves to fabrikam"', exit: 0 },
  "mailboxes resume": { args: "mailboxes resume sales@contoso.example", exit: 0 },
  "mailboxes remove": { args: "mailboxes remove sales@contoso.example", exit: 0 },
  tail: { args: "tail --full" },
  prove: { args: "prove support@contoso.example", exit: 0 },
  replay: { args: "replay support@contoso.example --since 7d --dry-run", exit: 0 },
  "dead-letters list": { args: "dead-letters list", exit: 0 },
  "dead-letters show": { args: "dead-letters show c7f2" },
  "dead-letters replay": { args: "dead-letters replay --all --dry-run", exit: 0 },
  "dead-letters discard": { args: "dead-letters discard --all --dry-run", exit: 0 },
  "dead-letters restore": { args: "dead-letters restore mixw2k9c-5f0a91c3" },
  sandbox: { args: "sandbox --tenant big:10000 --messages 50 --no-faults" },
  "sandbox fault": { args: "sandbox fault", exit: 0 },
  "sandbox fault list": { args: "sandbox fault list", exit: 0 },
  "sandbox fault show": { args: "sandbox fault show throttle", exit: 0 },
  "sandbox fault add": { args: "sandbox fault add throttle --mailbox support@contoso.example --for 2m", exit: 0 },
  "sandbox fault clear": { args: "sandbox fault clear", exit: 0 },
};
