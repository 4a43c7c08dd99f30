import type { ActiveFault } from "../../faults/fault-spec.ts";
import type { CommandHandler } from "../command-table.ts";
import { endLines, startLines } from "../multi-line.ts";
import { badArgument, badCount, ok, type Reply, sent } from "../reply.ts";
import type { MaildropMessage } from "../maildrop.ts";
import type { Pop3Session } from "../session.ts";

export const stat: CommandHandler = (session, args) => {
  if (args.length > 0) return badCount;
  const { count, bytes } = session.maildrop;
  const by = session.services.faults.strike("counts-differ", session.place)?.number("by") ?? 0;
  return ok(`${String(Math.max(0, count + by))} ${String(bytes)}`);
};

export const list: CommandHandler = (session, args) => {
  const { maildrop } = session;
  return answer(session, args, `${String(maildrop.count)} ${String(maildrop.bytes)}`, ({ size }) => String(size));
};

export const uidl: CommandHandler = (session, args) => answer(session, args, undefined, (message) => message.uidl);

async function answer(
  session: Pop3Session,
  args: readonly string[],
  title: string | undefined,
  show: (message: MaildropMessage) => string,
): Promise<Reply> {
  const { maildrop, writer, spending } = session;
  if (args.length > 1) return badCount;
  const [number] = args;
  if (number !== undefined) {
    const message = maildrop.at(Number(number));
    return message ? ok(`${String(Number(number))} ${show(message)}`) : badArgument;
  }
  const broken = session.services.faults.strike("list-malformed", session.place);
  const write = startLines(session, title);
  let last = 0;
  for (const [at, message] of maildrop.entries()) {
    last = at;
    write(broken && at === 1 ? brokenLine(broken) : `${String(at)} ${show(message)}`);
    if (spending?.chargeMessage(undefined) === true) await session.passTime();
    if (!writer.isBehind) continue;
    await writer.ready();
    if (session.state === "closed") return sent;
  }
  await endLines(session, last);
  return sent;
}

function brokenLine(order: ActiveFault): string {
  switch (order.word("form")) {
    case "empty":
      return "";
    case "number":
      return "99999999999 1";
    default:
      return "message one is here";
  }
}
