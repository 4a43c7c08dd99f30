import type { Sandbox } from "@mailfleet/sandbox";
import { hostileMails } from "@mailfleet/testkit/hostile-mail";

/** One message of the set, where it lies. */
export interface Planted {
  readonly name: string;
  readonly address: string;
  readonly uid: number;
}

const attachment = (subject: string): Buffer =>
  Buffer.from(
    `From: Bulk <bulk@odd-mail.example>\r\nSubject: ${subject}\r\nContent-Type: application/zip\r\n` +
      `Content-Disposition: attachment; filename=all.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n`,
  );
const text = (subject: string): Buffer => Buffer.from(`From: Bulk <bulk@odd-mail.example>\r\nSubject: ${subject}\r\n\r\n`);

/** Sizes in bytes; what is announced, where it is not the truth. The sandbox makes them while it sends them. */
const large: readonly { readonly name: string; readonly head: Buffer; readonly paddedTo: number; readonly announced?: number }[] = [
  { name: "1 GB attachment", head: attachment("1 GB"), paddedTo: 1_000_000_000 },
  { name: "1 GB announced as 3 kB", head: attachment("1 GB, hidden"), paddedTo: 1_000_000_000, announced: 3_000 },
  { name: "literal that never ends", head: attachment("endless"), paddedTo: 4_000_000_000_000, announced: 2_000 },
  { name: "150 MB attachment", head: attachment("150 MB"), paddedTo: 150_000_000 },
  { name: "40 MB of text", head: text("40 MB of text"), paddedTo: 40_000_000 },
  { name: "20 MB announced as 2 kB", head: attachment("20 MB, hidden"), paddedTo: 20_000_000, announced: 2_000 },
];

/** The whole set into one INBOX, an ordinary message behind each. */
export function plantHostileSet(
  sandbox: Sandbox,
  address: string,
): { readonly hostile: readonly Planted[]; readonly ordinary: readonly Planted[] } {
  const hostile: Planted[] = [];
  const ordinary: Planted[] = [];
  const deliver = (name: string, raw: Buffer): number => {
    const uid = sandbox.deliver(address, "INBOX", raw);
    hostile.push({ name, address, uid });
    const next = Buffer.from(`From: Ann <ann@contoso.example>\r\nSubject: behind ${hostile.length}\r\n\r\nordinary\r\n`);
    ordinary.push({ name: `behind ${name}`, address, uid: sandbox.deliver(address, "INBOX", next) });
    return uid;
  };
  for (const { name, bytes } of hostileMails()) deliver(name, Buffer.from(bytes));
  for (const { name, head, ...padding } of large) sandbox.setFetchFault(address, "INBOX", deliver(name, head), padding);
  return { hostile, ordinary };
}

/** Messages of 25 MB, dealt over these mailboxes. */
export function plantLarge(sandbox: Sandbox, addresses: readonly string[], count: number): readonly Planted[] {
  return Array.from({ length: count }, (_, n) => {
    const address = addresses[n % addresses.length] as string;
    const uid = sandbox.deliver(address, "INBOX", attachment(`25 MB, ${n}`));
    sandbox.setFetchFault(address, "INBOX", uid, { paddedTo: 25_000_000 });
    return { name: `25 MB, ${n}`, address, uid };
  });
}
