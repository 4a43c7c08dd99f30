import type { Command } from "commander";
import type { Bind } from "../cli.ts";
export function addStatusVerb(_program: Command, _bind: Bind): void {}
