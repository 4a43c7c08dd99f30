import { afterLogin, beforeLogin, inAnyState, whenSelected } from "../command-table.ts";
import type { CommandEntry, CommandHandler, CommandTable } from "../command-table.ts";
import type { SessionState } from "../session.ts";
import { capability, check, enable, id, idle, logout, namespace, noop } from "./basics.ts";
import { append, close, copy, expunge, store } from "./change.ts";
import { fetch } from "./fetch.ts";
import { create, list, lsub, remove, rename, select, status, subscribe, unselect } from "./folders.ts";
import { authenticate, login } from "./login.ts";
import { search } from "./search.ts";

/** Every verb of the classic front end, with the states it may be used in. Anything else is `BAD Command Error. 12`. */
export function buildCommandTable(): CommandTable {
  const table = new Map<string, CommandEntry>();
  const add = (verbs: string, states: readonly SessionState[], handler: CommandHandler, mayExpunge = true): void => {
    for (const verb of verbs.split(", ")) table.set(verb, { states, handler, mayExpunge });
  };
  add("CAPABILITY", inAnyState, capability);
  add("LOGOUT", inAnyState, logout);
  add("NOOP", ["greeted", ...afterLogin], noop);
  add("ID", ["greeted", ...afterLogin], id);
  add("AUTHENTICATE", beforeLogin, authenticate);
  add("LOGIN", beforeLogin, login);
  add("ENABLE", ["greeted", ...afterLogin], enable);
  add("NAMESPACE", afterLogin, namespace);
  add("LIST", afterLogin, list);
  add("LSUB", afterLogin, lsub);
  add("STATUS", afterLogin, status);
  add("SELECT, EXAMINE", afterLogin, select);
  add("CREATE", afterLogin, create);
  add("DELETE", afterLogin, remove);
  add("RENAME", afterLogin, rename);
  add("SUBSCRIBE, UNSUBSCRIBE", afterLogin, subscribe);
  add("APPEND", afterLogin, append);
  add("IDLE", afterLogin, idle);
  add("CHECK", whenSelected, check);
  add("UNSELECT", whenSelected, unselect);
  add("CLOSE", whenSelected, close);
  add("EXPUNGE, UID EXPUNGE", whenSelected, expunge);
  add("FETCH", whenSelected, fetch, false);
  add("STORE", whenSelected, store, false);
  add("SEARCH", whenSelected, search, false);
  add("UID FETCH", whenSelected, fetch);
  add("UID STORE", whenSelected, store);
  add("UID SEARCH", whenSelected, search);
  add("COPY, UID COPY, MOVE, UID MOVE", whenSelected, copy);
  return table;
}
