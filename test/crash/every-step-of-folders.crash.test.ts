import { describeEveryStep } from "./describe-every-step.ts";
import { folderScenarios } from "./folder-scenarios.ts";

describeEveryStep(folderScenarios);
