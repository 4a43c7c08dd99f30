/** The folders of an invented mailbox and how its messages spread over them. */
export interface FolderPlan {
  /** As a person sees it; the wire has modified UTF-7. */
  readonly name: string;
  readonly role: FolderRole;
  /** Attributes behind `\HasNoChildren` or `\HasChildren`. */
  readonly attributes: readonly string[];
  /** Share of the mailbox's mail; 0 for folders that hold no mail. */
  readonly weight: number;
}

export type FolderRole =
  | "inbox"
  | "sent"
  | "archive"
  | "drafts"
  | "trash"
  | "junk"
  | "user"
  | "calendar"
  | "contacts"
  | "tasks"
  | "notes"
  | "outbox";

/**
 * Named as Exchange names them in an English mailbox. The attributes are those that some transcripts show although SPECIAL-USE is never
 * advertised; Archive has none there.
 */
const common: readonly FolderPlan[] = [
  { name: "Archive", role: "archive", attributes: [], weight: 14 },
  { name: "Calendar", role: "calendar", attributes: [], weight: 0 },
  { name: "Calendar/Birthdays", role: "calendar", attributes: [], weight: 0 },
  { name: "Contacts", role: "contacts", attributes: [], weight: 0 },
  { name: "Deleted Items", role: "trash", attributes: ["\\Trash"], weight: 5 },
  { name: "Drafts", role: "drafts", attributes: ["\\Drafts"], weight: 2 },
  { name: "INBOX", role: "inbox", attributes: ["\\Marked"], weight: 50 },
  { name: "Journal", role: "notes", attributes: [], weight: 0 },
  { name: "Junk Email", role: "junk", attributes: ["\\Junk"], weight: 3 },
  { name: "Notes", role: "notes", attributes: [], weight: 0 },
  { name: "Outbox", role: "outbox", attributes: [], weight: 0 },
  { name: "Sent Items", role: "sent", attributes: ["\\Sent"], weight: 16 },
  { name: "Tasks", role: "tasks", attributes: [], weight: 0 },
];

/** One of these sets per mailbox; each has a name that needs modified UTF-7. */
const userFolders: readonly (readonly string[])[] = [
  ["Projects", "Projects/Aurora", "Verträge & Rechnungen"],
  ["Customers", "Customers/2026", "Équipe"],
  ["Invoices", "請求書"],
  ["Travel", "Büro"],
  ["Newsletters", "Proyectos", "Proyectos/España"],
];

const nonMail: ReadonlySet<FolderRole> = new Set(["calendar", "contacts", "tasks", "notes", "outbox"]);

/** True for folders whose items are mail (the others are listed all the same, as Exchange does). */
export function isMailFolder(role: FolderRole): boolean {
  return !nonMail.has(role);
}

/** @param inboxOnly all mail in INBOX; the other folders are there, and empty */
export function planFolders(mailboxHash: number, inboxOnly = false): readonly FolderPlan[] {
  const own = userFolders[mailboxHash % userFolders.length] as readonly string[];
  const plans = own.map((name): FolderPlan => ({ name, role: "user", attributes: [], weight: 10 / own.length }));
  const all = [...common, ...plans].sort((a, b) => (a.name < b.name ? -1 : 1));
  return inboxOnly ? all.map((plan) => (plan.role === "inbox" ? plan : { ...plan, weight: 0 })) : all;
}

/** A corpus mailbox: mail folders only, so that every file is mail that must arrive. */
export function planCorpusFolders(): readonly FolderPlan[] {
  return [
    { name: "Archive", role: "archive", attributes: [], weight: 30 },
    { name: "INBOX", role: "inbox", attributes: ["\\Marked"], weight: 50 },
    { name: "Projekte & Verträge", role: "user", attributes: [], weight: 20 },
  ];
}
