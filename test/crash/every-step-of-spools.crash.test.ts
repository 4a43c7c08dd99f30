import { describeEveryStep } from "./describe-every-step.ts";
import { spoolScenarios } from "./spool-scenarios.ts";

describeEveryStep(spoolScenarios);
