import type { OnboardingPlan } from "./onboarding-plan.ts";

export function testPlan(given: Partial<OnboardingPlan> = {}): OnboardingPlan {
  return {
    alias: "contoso",
    tenantId: "11111111-1111-4111-8111-111111111111",
    cloud: "global",
    name: "mailfleet",
    roles: ["imap"],
    credential: { kind: "certificate" },
    mailboxes: [{ address: "support@contoso.com", isImap: true, isPop3: false }],
    ...given,
  };
}
