import type { Config, ConfigWarning, Environment } from "@mailfleet/config";
import { type Clock, type ConfigurationLook, diagnose, type MailboxRef, type TimeStyle, type Zone } from "@mailfleet/core";
import { examine } from "@mailfleet/engine";
import { allMailboxes } from "../find-mailbox.ts";
import { openDoctorAccess } from "./doctor-access.ts";
import { Probes } from "./doctor-probes.ts";
import type { Examined } from "./doctor-report.ts";
import { choosePatients, subjectOf } from "./doctor-subjects.ts";
import { surveyFleet } from "./look-at-fleet.ts";

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
  /** Called before each mailbox is looked at. */
  readonly onPatient?: (tenant: string, address: string | undefined) => void;
}

/** Tenants looked at side by side: a login takes seconds, and each tenant logs in by itself. */
const atOnce = 4;

/** Looks at each tenant through one mailbox, and at those in trouble; or at what is named. Reads only. */
export async function runDoctor(run: DoctorRun): Promise<readonly Examined[]> {
  const { config, clock, zone } = run;
  const survey = await surveyFleet(config);
  const access = await openDoctorAccess(config, run.env, clock);
  try {
    const { mustRefuse, node } = run;
    const probes = new Probes({ config, access, survey, clock, node, ...(mustRefuse !== undefined && { mustRefuse }) });
    const configuration = configurationLook(run, allMailboxes(config, survey.records, undefined).length);
    const style = (): TimeStyle => ({ now: clock.now(), zone });
    const patients = choosePatients(config, survey.records, {
      ...(run.tenant !== undefined && { tenant: run.tenant }),
      ...(run.mailbox && { mailbox: run.mailbox }),
    });
    const examined: Examined[] = [];
    for (let from = 0; from < patients.length; from += atOnce) {
      const some = patients.slice(from, from + atOnce).map(async (patient): Promise<Examined> => {
        run.onPatient?.(patient.tenant.alias, patient.mailbox?.address);
        const startedMs = clock.monotonic();
        const seen = await examine({ subject: subjectOf(patient), configuration, probes: probes.for(patient), style });
        return { seen, diagnosis: diagnose(seen, style()), tookMs: clock.monotonic() - startedMs };
      });
      examined.push(...(await Promise.all(some)));
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
