export { connectFleet, type Fleet, openStore, silentLog } from "./connect-fleet.ts";
export { allMailboxes, configuredMailboxes } from "./known-mailboxes.ts";
export { openAccess, type TenantAccess } from "./tenant-access.ts";
export { backlogsOf, doctorSentence, isWell, subjectHead } from "./doctor/doctor-sentence.ts";
export { type DoctorRun, type Examined, runDoctor } from "./doctor/run-doctor.ts";
export { proofNames, sha256Hex } from "./proof/proof-files.ts";
export { isProven, type ProvenOrNot } from "./proof/proven.ts";
export { proofLines, proofSentence, type ReportLine, unreadLine } from "./proof/proof-lines.ts";
export { Prover } from "./proof/prover.ts";
