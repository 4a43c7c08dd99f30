import type { Config, ConfigWarning, Environment } from "@mailfleet/config";
import {
  type Clock,
  type ConfigurationLook,
  diagnose,
  type Diagnosis,
  type MailboxRef,
  type Observations,
  type StepName,
  type TimeStyle,
  type Zone,
} from "@mailfleet/core";
import { examine } from "@mailfleet/engine";
import { allMailboxes } from "../known-mailboxes.ts";
import { openDoctorAccess } from "./doctor-access.ts";
import { Probes } from "./doctor-probes.ts";
import { choosePatients, subjectOf } from "./doctor-subjects.ts";
import { surveyFleet } from "./look-at-fleet.ts";

/** One mailbox of one tenant, looked at. */
export interface Examined {
  readonly seen: Observations;
  readonly diagnosis: Diagnosis;
  readonly tookMs: number;
}

export interface DoctorRun {
  readonly config: Config;
  readonly env: Environment;
  readonly warnings: readonly ConfigWarning[];
  readonly clock: Clock;
  readonly zone: Zone;
  /** Version of this Node, such as `24.21.0`. */
  readonly node: string;
  readonly tenant?: string;
  readonly mailbox?: MailboxRef;
  readonly mustRefuse?: string;
  /** Of the call, for the commands that are printed: ` --config fleet.yaml`. */
  readonly options?: string;
  /** Called before each mailbox is looked at. */
  readonly onPatient?: (tenant: string, address: string | undefined) => void;
  /** Called after each look with all that was seen so far. */
  readonly onSeen?: (seen: Observations) => void;
  /** Ends it: what is being looked at is given up, and nothing more is looked at. */
  readonly signal?: AbortSignal;
}

/** Tenants looked at side by side: a login takes seconds, and each tenant logs in by itself. */
const atOnce = 4;

const ofOneMailbox: ReadonlySet<StepName> = new Set<StepName>(["mailbox", "scope"]);

/** Looks at each tenant through one mailbox, and at those in trouble; or at what is named. Reads only. @throws the reason of `signal` */
export async function runDoctor(run: DoctorRun): Promise<readonly Examined[]> {
  const { config, clock, zone } = run;
  const survey = await surveyFleet(config);
  const access = await openDoctorAccess(config, run.env, clock);
  try {
    const { mustRefuse, node, signal, onSeen } = run;
    const probes = new Probes({
      config,
      access,
      survey,
      clock,
      node,
      ...(mustRefuse !== undefined && { mustRefuse }),
      ...(signal && { signal }),
    });
    const configuration = configurationLook(run, allMailboxes(config, survey.records, undefined).length);
    const style = (): TimeStyle => ({ now: clock.now(), zone });
    const patients = choosePatients(config, survey.records, {
      ...(run.tenant !== undefined && { tenant: run.tenant }),
      ...(run.mailbox && { mailbox: run.mailbox }),
      ...(mustRefuse !== undefined && { mustRefuse }),
    });
    const tenants = [...new Set(patients.map(({ tenant }) => tenant.alias))];
    const examineTenant = async (alias: string): Promise<readonly Examined[]> => {
      const found: Examined[] = [];
      for (const patient of patients.filter(({ tenant }) => tenant.alias === alias)) {
        run.onPatient?.(alias, patient.mailbox?.address);
        const startedMs = clock.monotonic();
        const seen = await examine({
          subject: subjectOf(patient, run.options),
          configuration,
          probes: probes.for(patient),
          style,
          ...(onSeen && { onSeen }),
          ...(signal && { signal }),
        });
        const diagnosis = diagnose(seen, style());
        found.push({ seen, diagnosis, tookMs: clock.monotonic() - startedMs });
        // What hits the whole tenant need not be told mailbox by mailbox.
        const isTenantHeld = seen.mailbox?.kind === "held" && seen.mailbox.cause.scope === "tenant";
        if (
          diagnosis.finding !== undefined &&
          (isTenantHeld || diagnosis.finding.forTenant === true || !ofOneMailbox.has(diagnosis.finding.step))
        )
          break;
      }
      return found;
    };
    const examined: Examined[] = [];
    for (let from = 0; from < tenants.length; from += atOnce) {
      examined.push(...(await Promise.all(tenants.slice(from, from + atOnce).map(examineTenant))).flat());
    }
    return examined;
  } finally {
    await access.close();
  }
}

function configurationLook({ config, warnings }: DoctorRun, mailboxes: number): ConfigurationLook {
  const isExposed = (warning: ConfigWarning): boolean => /can be read by everybody/.test(warning.found);
  return {
    tenants: Object.keys(config.tenants).length,
    mailboxes,
    warnings: warnings
      .filter((one) => !isExposed(one))
      .map(({ path, found, expected }) => `${path} ${found}${expected === undefined ? "" : `; ${expected}`}`),
    exposed: warnings.filter(isExposed).map(({ path, expected }) => {
      const command = /chmod 600 .+$/.exec(expected ?? "")?.[0];
      return { what: path, ...(command !== undefined && { command }) };
    }),
  };
}
