/** What goes wrong on purpose; only where the fleet is the sandbox. */
export interface SandboxPage {
  readonly active: readonly OrderedFault[];
  readonly groups: readonly { readonly title: string; readonly faults: readonly FaultItem[] }[];
  /** A few to begin with, in the words of who watches a fleet. */
  readonly suggestions: readonly FaultSuggestion[];
  readonly tenants: readonly string[];
  /** Why nothing of it is known now. */
  readonly trouble?: string;
}

export interface FaultItem {
  readonly name: string;
  /** What a client sees, in one sentence. */
  readonly says: string;
  /** Where it can be ordered for, besides everywhere. */
  readonly places: readonly ("tenant" | "mailbox")[];
  /** Happens once, and so does not last. */
  readonly isOnce: boolean;
}

/** A fault that was ordered and has not ended. */
export interface OrderedFault {
  readonly id: number;
  readonly name: string;
  readonly says: string;
  /** `contoso`, `everywhere` */
  readonly place: string;
  /** How often it struck. */
  readonly struck: number;
  /** Epoch ms; absent where it stays until it is taken back. */
  readonly until?: number;
}

export interface FaultSuggestion {
  /** On the button. */
  readonly label: string;
  /** What is to be seen then. */
  readonly watch: string;
  readonly order: FaultRequest;
}

/** POST /api/sandbox/faults */
export interface FaultRequest {
  readonly name: string;
  readonly tenant?: string;
  readonly mailbox?: string;
  /** Absent: until it is taken back. */
  readonly minutes?: number;
}
