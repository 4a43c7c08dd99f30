import { describeEveryStep } from "./describe-every-step.ts";
import { moveScenarios } from "./move-scenarios.ts";

describeEveryStep(moveScenarios);
