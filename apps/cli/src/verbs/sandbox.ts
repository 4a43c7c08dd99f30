import type { Command } from "commander";
import type { Bind } from "../cli.ts";
export function addSandboxVerb(_program: Command, _bind: Bind): void {}
