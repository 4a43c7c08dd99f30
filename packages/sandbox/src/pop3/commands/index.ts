import type { CommandEntry, CommandHandler, CommandTable } from "../command-table.ts";
import { afterLogin, beforeLogin, inAnyState } from "../command-table.ts";
import type { SessionState } from "../session.ts";
import { capa, dele, noop, quit, rset } from "./basics.ts";
import { list, stat, uidl } from "./listings.ts";
import { auth, pass, user } from "./login.ts";
import { retr, top } from "./messages.ts";

/** Every verb that Exchange knows, with the states it may be used in. Anything else is `-ERR Protocol error. 19`. */
export function buildCommandTable(): CommandTable {
  const table = new Map<string, CommandEntry>();
  const add = (verb: string, states: readonly SessionState[], handler: CommandHandler, takes: CommandEntry["takes"] = "numbers"): void => {
    table.set(verb, { states, handler, takes });
  };
  add("CAPA", inAnyState, capa);
  add("QUIT", inAnyState, quit);
  add("AUTH", beforeLogin, auth, "text");
  add("USER", beforeLogin, user, "text");
  add("PASS", beforeLogin, pass, "text");
  add("STAT", afterLogin, stat);
  add("LIST", afterLogin, list);
  add("UIDL", afterLogin, uidl);
  add("RETR", afterLogin, retr);
  add("TOP", afterLogin, top);
  add("DELE", afterLogin, dele);
  add("NOOP", afterLogin, noop);
  add("RSET", afterLogin, rset);
  return table;
}
