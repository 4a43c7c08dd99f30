import type { FaultTarget } from "../faults/fault-spec.ts";
import { hashNumbers } from "../world/random.ts";
import type { Pop3Session } from "./session.ts";

/** The end of the last line, and the line that ends an answer of many. */
const ending = "\r\n.\r\n";
/** One of so many answers has it torn. */
const tornShare = 4;

/** An answer of many lines. What is behind `+OK` may be left out. Ended by `endLines`; no line is to begin with a dot. */
export function startLines({ writer }: Pop3Session, title?: string): (line: string) => void {
  // The end of each line is written with the next one, so that the last one can be torn from its line.
  writer.text(title === undefined ? "+OK" : `+OK ${title}`);
  return (line) => writer.text(`\r\n${line}`);
}

/** @param salt makes it torn at one time and not at another */
export async function endLines(session: Pop3Session, salt = 0): Promise<void> {
  await writeEnding(session, session.place, salt);
}

/** Ends a message whose last line was written without its end. */
export async function endMessage(session: Pop3Session, uid: number): Promise<void> {
  const place = { ...session.place, uid };
  if (session.services.faults.strike("terminator-missing", place)) {
    session.writer.text("\r\n");
    await session.fallSilent();
  } else await writeEnding(session, place, uid);
}

async function writeEnding(session: Pop3Session, place: FaultTarget, salt: number): Promise<void> {
  const { writer } = session;
  const at = tearAt(session, place, salt);
  if (at === undefined) return writer.text(ending);
  writer.text(ending.slice(0, at));
  await session.endRecord();
  writer.text(ending.slice(at));
  writer.flush();
}

/** How many bytes of the ending stand in the first of two TLS records; undefined where they stay together. */
function tearAt({ services, number }: Pop3Session, place: FaultTarget, salt: number): number | undefined {
  const order = services.faults.strike("terminator-split", place);
  if (order) return order.number("at");
  const drawn = hashNumbers(number, salt);
  return drawn % tornShare === 0 ? (drawn >>> 8) % ending.length : undefined;
}
