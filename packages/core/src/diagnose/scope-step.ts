import { stripControls } from "../strip-controls.ts";
import { failed, look, passed, type StepVerdict } from "./finding.ts";
import { permissionsFix, type PrincipalIds, revokeFix } from "./fixes.ts";
import type { ScopeLook } from "./observations.ts";

/** The mailbox that must be refused. */
export function scopeStep(scope: ScopeLook, ids: PrincipalIds): StepVerdict {
  switch (scope.outcome) {
    case "refused":
      return scope.isInvented
        ? passed("scope", "a mailbox that must be refused is refused (an invented one; name a real one with --must-refuse)")
        : passed("scope", `${stripControls(scope.address)} is refused, as it must be`);
    case "unclear":
      return look("scope", "not proven", `${scope.address}, which must be refused, gave no clear answer; nothing is wrong by that.`);
    case "opened":
      return failed("scope", {
        code: "SCOPE_TOO_WIDE",
        certainty: scope.isInvented ? "possible" : "certain",
        happened: `${scope.address} opened, which must be refused.`,
        cause: scope.isInvented
          ? "The server opens addresses that nobody has: it is not Exchange, or a catch-all mailbox answers."
          : "The app can read more mailboxes than it should. FullAccess can also delete.",
        conclusion: "the app can read a mailbox that it must not",
        fixes: [scope.isInvented ? permissionsFix(scope.address) : revokeFix(ids, scope.address)],
      });
  }
}
