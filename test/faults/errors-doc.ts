import { describeCause, endsParked, type FailureCode, failureCodes, policySentence, taxonomy } from "@mailfleet/core";

/** `docs/errors.md`, whole: one section for each code, from the words and the policy that the program uses. */
export function errorsDoc(): string {
  return `${head}\n${failureCodes.map(section).join("\n")}`;
}

const head = `# Errors

Every failure that mailfleet knows, by the code that \`status\`, logs and events show. This page is made from the code; a test keeps both equal.
\`npx mailfleet doctor --explain CODE\` prints the same for one code, and for the numbers that Microsoft Entra uses (AADSTS...).

How much stops: \`message\` < \`folder\` < \`session\` < \`mailbox\` < \`tenant\` < \`process\`. In no case is mail lost: what is not handed off stays on the
server and is taken later. Times have a random part, so that a fleet does not come back as one. _Parked_ means that only a person can end it; mailfleet
looks again all the same, and goes on by itself once the cause is gone. The server's own wait is kept where it names one.
`;

function section(code: FailureCode): string {
  const { scope, meaning } = taxonomy[code];
  const words = wordsOf(code);
  const command = words.command === undefined ? "" : `\n- Command: \`npx ${words.command}\``;
  return `## ${code}

${meaning}

- Stops: ${scope}
- mailfleet: ${policySentence(code)}
- You: ${words.youCan}${command}
`;
}

function wordsOf(code: FailureCode) {
  return describeCause(
    {
      code,
      scope: taxonomy[code].scope,
      state: endsParked(code) ? "parked" : "waiting",
      tenant: "TENANT",
      mailboxes: ["MAILBOX"],
      mailboxCount: 1,
      since: 0,
      nextAt: 0,
      tries: 1,
      text: "",
    },
    { now: 0, zone: "utc" },
  );
}
