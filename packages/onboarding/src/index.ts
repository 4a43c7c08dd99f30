export { scriptProblems } from "./check-script.ts";
export { onboardScript } from "./onboard-script.ts";
export { type CloudName, type OnboardCredential, type OnboardingPlan, type OnboardMailbox, planProblems } from "./onboarding-plan.ts";
export { rotateScript } from "./rotate-script.ts";
export { undoScript } from "./undo-script.ts";
