import { describeEveryStep } from "./describe-every-step.ts";
import { mailScenarios } from "./mail-scenarios.ts";

describeEveryStep(mailScenarios);
