export { type RolePanel } from "./role-panel.ts";
export { type Role, type RoleStart, type RunningRole, runRole } from "./run-role.ts";
